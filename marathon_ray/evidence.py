"""Findings made of judged rows: neighbours joined, with the offsets, times and epochs that the rows tell."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from actors.intervals import Numbers, Segments, difference, sizes
from actors.tally import Table
from marathon_ray.finding import Finding, FindingKind
from marathon_ray.reach import Reach
from marathon_ray.streams import Streams
from marathon_ray.stretch import NONE, PARTITION_SHIFT, since, spread, together, until
from marathon_ray.totals import place_of

KINDS = tuple(FindingKind)


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """The rows that a judgement rests on."""

    claims: Table = field(default_factory=NONE.copy)
    first: Table = field(default_factory=NONE.copy)
    second: Table = field(default_factory=NONE.copy)

    def of(self, keys: "np.ndarray[tuple[int], np.dtype[np.uint64]]") -> "Evidence":
        """The rows of these streams, ordered by (key, first)."""
        return Evidence(
            *(_ordered(rows[np.isin(rows["key"], keys)]) for rows in (self.claims, self.first, self.second))
        )


def _ordered(rows: Table) -> Table:
    return rows[np.lexsort((rows["first"], rows["key"]))]


def _covering(rows: Table, key: int, first: int, last: int) -> Table:
    """The parts of ordered rows within first..last of a stream."""
    left, right = np.searchsorted(rows["key"], np.array([key, key + 1], np.uint64))
    rows = rows[left:right]
    rows = rows[(rows["first"] <= last) & (rows["last"] >= first)]
    return until(since(rows, np.full(len(rows), first)), np.full(len(rows), last))


def among(rows: Table, others: Table) -> Table:
    """The parts of the rows with sequences that a row of `others` (few) holds too."""
    rows = _ordered(rows)
    parts = [_covering(rows, int(other["key"]), int(other["first"]), int(other["last"])) for other in others]
    return together([NONE, *parts])


def beside(rows: Table, others: Table) -> Table:
    """The sequences of the rows that no row of `others` holds, as rows without offsets."""
    left = difference(spread(rows), spread(others))
    out = np.full(len(left), -1, NONE.dtype)
    out["key"], out["first"], out["last"] = left.key, left.first, left.last
    return out


def findings(
    rows: Segments, weights: Mapping[str, Numbers], evidence: Evidence, streams: Streams, second: Reach
) -> Iterator[Finding]:
    """One finding for each run of neighbouring rows with a positive weight of a finding's kind."""
    for kind in KINDS:
        weight = weights.get(kind)
        if weight is not None and np.any(weight > 0):
            yield from _of_kind(kind, rows, weight, evidence, streams, second)


def _of_kind(
    kind: FindingKind, rows: Segments, weight: Numbers, evidence: Evidence, streams: Streams, second: Reach
) -> Iterator[Finding]:
    mask = weight > 0
    hit, amount = rows.at(mask), (weight * sizes(rows))[mask]
    fresh = np.ones(len(hit), np.bool_)
    fresh[1:] = (hit.key[1:] != hit.key[:-1]) | (hit.first[1:] != hit.last[:-1] + 1)
    starts = np.flatnonzero(fresh)
    ends = np.append(starts[1:], len(hit)) - 1
    counts = np.add.reduceat(amount, starts)
    known = evidence.of(np.unique(hit.key))
    for start, end, count in zip(starts.tolist(), ends.tolist(), counts.tolist(), strict=True):
        key, first, last = int(hit.key[start]), int(hit.first[start]), int(hit.last[end])
        first_offset, last_offset, earliest, latest = _facts(known, key, first, last)
        topic, partition = place_of(key >> 32)
        now = second.epoch_at(key >> int(PARTITION_SHIFT), first_offset)
        yield Finding(
            kind=kind, topic=topic, partition=partition, client=streams.client(key), first=first, last=last,
            first_offset=first_offset, last_offset=last_offset, since=earliest, until=latest,
            epochs=_epochs(known, key, first, last), epoch_now=now, count=count,
        )  # fmt: skip


def _facts(known: Evidence, key: int, first: int, last: int) -> tuple[int, int, int, int]:
    """First and last offset, and since and until, of the first account that knows any of the records."""
    for table in (known.claims, known.second, known.first):
        rows = _covering(table, key, first, last)
        rows = rows[rows["last_offset"] >= 0]
        if len(rows):
            offsets = int(rows["first_offset"].min()), int(rows["last_offset"].max())
            return *offsets, int(rows["since"].min()), int(rows["until"].max())
    return -1, -1, -1, -1


def _epochs(known: Evidence, key: int, first: int, last: int) -> tuple[int, ...]:
    rows = _covering(known.first, key, first, last)
    return tuple(int(epoch) for epoch in np.unique(rows["epoch"]) if epoch >= 0)
