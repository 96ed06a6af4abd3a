"""Digests of whole blocks of offsets: where both passes were heard of a block without a gap, they must have read the same."""

from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from actors.intervals import Numbers
from actors.tally import BLOCK, Part, Table
from marathon_ray.finding import Finding, FindingKind
from marathon_ray.fork import Fork, standing_spans
from marathon_ray.interner import Interner, Slots
from marathon_ray.reach import Reach, told_position
from marathon_ray.stretch import place_keys, together
from marathon_ray.totals import place_of

# `torn`: of that span some was counted before and some not, and a digest cannot be parted.
_SHARE: Final = np.dtype(
    [
        ("place", "i8"),
        ("block", "i8"),
        ("second", "i8"),
        ("count", "i8"),
        ("digest", "u8"),
        ("epoch", "i8"),
        ("torn", "?"),
    ]
)


class Blocks:
    """Spans of both passes, summed by block, until both are beyond it."""

    def __init__(self, places: Interner, block: int = BLOCK) -> None:
        self._places, self._block = places, block
        self._shares: list[Table] = []

    def add(self, part: Part, below: Numbers, forks: list[Fork]) -> None:
        """Take a pass's SPANS; those below the position it had then (one a row) were read before, one across it (by an
        auditor that was thought dead) tears its block, and those that a fork of the part voided do not count."""
        fresh = part.spans["last_offset"] >= below
        for fork in forks:
            mine = place_keys(part.spans) == fork.place
            told = told_position(part, fork.place)
            fresh[mine] = standing_spans(part.spans[mine], fresh[mine], fork, told)
            below = np.where(mine, np.minimum(below, fork.base), below)
        spans, below = part.spans[fresh], below[fresh]
        shares = np.empty(len(spans), _SHARE)
        shares["place"] = self._places.slots(place_keys(spans))
        shares["block"], shares["second"] = spans["first_offset"] // self._block, part.reading == "second"
        for name in ("count", "digest", "epoch"):
            shares[name] = spans[name]
        shares["torn"] = spans["first_offset"] < below
        self._shares.append(shares)

    def fork(self, reading: str, fork: Fork) -> None:
        """A pass's shares of the blocks from the fork's base on are void."""
        rows = self._rows()
        slot = int(self._places.slots(np.array([fork.place], np.uint64))[0])
        behind = (rows["place"] == slot) & (rows["block"] >= fork.base // self._block)
        self._shares = [rows[~(behind & (rows["second"] == (reading == "second")))]]

    def _rows(self) -> Table:
        self._shares = [together([np.empty(0, _SHARE), *self._shares])]
        return self._shares[0]

    def settle(self, reach: Mapping[str, Reach], exempt: set[int]) -> Iterator[Finding]:
        """Compare the blocks that both passes are beyond, and forget them; topics in `exempt` may differ."""
        rows = _summed(self._rows())
        end = (rows["block"] + 1) * self._block
        done = np.logical_and.reduce([end <= pass_.position[rows["place"]] for pass_ in reach.values()])
        self._shares = [rows[~done]]
        rows, begin = rows[done], rows["block"][done] * self._block
        whole = np.logical_and.reduce([_read_from(pass_, rows["place"], begin) for pass_ in reach.values()])
        yield from self._compare(rows[whole], exempt)

    def _compare(self, sums: Table, exempt: set[int]) -> Iterator[Finding]:
        first, second = sums[sums["second"] == 0], sums[sums["second"] == 1]
        by_place = {(int(row["place"]), int(row["block"])): row for row in second}
        for row in first:
            spot = int(row["place"]), int(row["block"])
            other = by_place.get(spot)
            topic, partition = place_of(int(self._places.values[spot[0]]))
            torn = row["torn"] or (other is not None and other["torn"])
            if topic not in exempt and not torn and (other is None or other["digest"] != row["digest"]):
                begin = spot[1] * self._block
                offsets = begin, begin + self._block - 1
                yield _differing((topic, partition), offsets, row, other)

    @property
    def rows(self) -> int:
        """How many shares are kept."""
        return sum(map(len, self._shares))


def _read_from(reach: Reach, slots: Slots, begin: Numbers) -> NDArray[np.bool_]:
    return np.asarray((reach.floor[slots] >= 0) & (reach.floor[slots] <= begin))


def _summed(rows: Table) -> Table:
    rows = rows[np.lexsort((rows["second"], rows["block"], rows["place"]))]
    if not len(rows):
        return rows
    head = rows[["place", "block", "second"]]
    starts = np.flatnonzero(np.append(True, head[1:] != head[:-1]))
    out = rows[starts]
    out["count"], out["digest"] = (np.add.reduceat(rows[name], starts) for name in ("count", "digest"))
    out["epoch"], out["torn"] = (np.maximum.reduceat(rows[name], starts) for name in ("epoch", "torn"))
    return out


def _differing(place: tuple[int, int], offsets: tuple[int, int], first: np.void, second: np.void | None) -> Finding:
    counts = int(first["count"]), int(second["count"]) if second is not None else 0
    return Finding(
        kind=FindingKind.PASSES_DIFFER, topic=place[0], partition=place[1], first_offset=offsets[0],
        last_offset=offsets[1], epochs=(int(first["epoch"]),), count=max(counts),
        epoch_now=int(second["epoch"]) if second is not None else -1,
    )  # fmt: skip
