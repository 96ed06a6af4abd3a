"""The log against deliveries: what one group was given of the records that the second pass found."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from enum import IntEnum
from typing import Final

import numpy as np

from actors.intervals import Keys, Numbers, Segments, stack
from actors.tally import Fate, Part, Table
from marathon_ray.book import Book
from marathon_ray.evidence import Evidence, findings
from marathon_ray.finding import Finding, FindingKind
from marathon_ray.finds import void
from marathon_ray.fork import Fork
from marathon_ray.interner import Interner
from marathon_ray.judge import Mask
from marathon_ray.reach import Reach
from marathon_ray.settle import decided
from marathon_ray.stable import StableEnds
from marathon_ray.streams import Streams
from marathon_ray.stretch import (
    BEYOND,
    NONE,
    PARTITION_SHIFT,
    TOPIC_SHIFT,
    between_offsets,
    in_place,
    place_keys,
    split,
    stretches,
    together,
    weighed,
)
from marathon_ray.terms import GroupTerms
from marathon_ray.totals import Totals, place_of


class Given(IntEnum):
    """The accounts of a delivery's state."""

    LOG = 0  # offsets at which the second pass found it
    DELIVERED = 1
    EXCUSED = 2  # it may lie where the group could not or need not read
    ABORTED = 3  # of transactions that were aborted
    UNSURE = 4  # of a transaction whose outcome nobody knows, or aborted, and nobody knows whether it was written
    COMMITTED = 5


DEFAULT = (1, 1, 0, 0, 0, 0)
_FATES: Final[Mapping[Fate, Given]] = {
    Fate.ABORTED: Given.ABORTED,
    Fate.UNKNOWN: Given.UNSURE,
    Fate.MAYBE_WRITTEN: Given.UNSURE,
    Fate.COMMITTED: Given.COMMITTED,
}


def normal(times: Numbers) -> Numbers:
    """One form for all histories: that it was committed is the rule, what was delivered needs no excuse, and an aborted
    copy of what is in the log once more is as if it had not been."""
    out = times.copy()
    out[Given.COMMITTED] = 0
    out[Given.UNSURE] = out[Given.UNSURE] > 0
    again = (out[Given.LOG] > out[Given.ABORTED]) & (out[Given.ABORTED] > 0)
    out[Given.LOG] -= np.where(again, out[Given.ABORTED], 0)
    out[Given.ABORTED] *= ~again
    owing = np.maximum(out[Given.LOG] - out[Given.DELIVERED], 0)
    out[Given.EXCUSED] = np.minimum(out[Given.EXCUSED], owing)
    return out


def duly_withheld(times: Numbers) -> Mask:
    """Aborted and not delivered: as common as aborts are, and final unless it is copied again."""
    return np.asarray(
        (times[Given.ABORTED] >= times[Given.LOG]) & (times[Given.LOG] > 0) & (times[Given.DELIVERED] == 0)
    )


def judge(times: Numbers, *, committed: bool, copies: Mask) -> Mapping[str, Numbers]:
    """For each count, how many times each sequence of a row adds to it; `committed` is the group's isolation.

    A record is owed once, but of `copies` (one a row) each that was committed: two of them are two transactions.
    """
    log, delivered, excused, aborted, unsure = (times[column] for column in range(5))
    withheld = committed & (aborted > 0) & (aborted >= log)
    owed = (log > 0) & ~withheld & ~(committed & (unsure > 0))
    masks = {
        "owed": owed,
        "delivered": (log > 0) & (delivered > 0),
        "withheld": withheld & (delivered == 0) & (log > 0),
        "excused": owed & (delivered == 0) & (excused > 0),
        "delivered, not in the log": (log == 0) & (delivered > 0),
        FindingKind.SKIPPED: owed & np.where(copies, delivered + excused < log, (delivered == 0) & (excused == 0)),
        FindingKind.ABORTED_DELIVERED: withheld & (delivered > 0),
    }
    counts: dict[str, Numbers] = {str(name): mask.astype(np.int64) for name, mask in masks.items()}
    counts["redelivered"] = np.maximum(delivered - np.maximum(log, 1), 0)
    return counts


class Deliveries:
    """One group's account. It is never ahead of claims against log, which is `audited` to a bound in each stream.

    `transactional` are the topics (ordinals) whose records' fates will be told, `copies` those in which what was aborted
    comes again.
    """

    def __init__(
        self, name: str, terms: GroupTerms, *, streams: Streams, places: Interner, audited: Callable[[Keys], Numbers],
        stable: StableEnds,
    ) -> None:  # fmt: skip
        self._name, self._streams, self._places, self._audited = name, streams, places, audited
        self._stable = stable
        self.committed = terms.isolation == "read_committed"
        self._latest = terms.starts == "latest"
        self.transactional: set[int] = set()
        self.copies: set[int] = set()
        self.reach = Reach(places, once=False)
        self.book = Book(streams.known, DEFAULT, normal=normal, forgets=self._forgets)
        self.totals = Totals(places)
        self._live: dict[Given, list[Table]] = {column: [] for column in Given}
        self._late: list[tuple[Given, Table]] = []
        self.unstable: Table = NONE  # at the end: what of the log a read_committed group cannot be given
        self.found: list[Finding] = []
        self.withdrawn: list[Finding] = []

    def _forgets(self, rows: Segments) -> Mask:
        return duly_withheld(rows.times) & self.committed & ~self._copies(rows)

    def _copies(self, rows: Segments) -> Mask:
        return np.isin((rows.key >> TOPIC_SHIFT).astype(np.int64), list(self.copies))

    def _weights(self, rows: Segments) -> Mapping[str, Numbers]:
        return judge(rows.times, committed=self.committed, copies=self._copies(rows))

    def log(self, rows: Table) -> None:
        """Take what the second pass found."""
        self._add(Given.LOG, rows)

    def fork(self, fork: Fork, judged_to: int) -> None:
        """The second pass reads again from a fork's base on; of records that claims and log are settled for, the finds
        below `judged_to` and those that were made in the new log do not come again, so these stand."""
        self._live[Given.LOG] = [self._void(self._rows(Given.LOG), fork, judged_to)]
        late = [(column, rows) for column, rows in self._late if column is Given.LOG]
        self._late = [entry for entry in self._late if entry[0] is not Given.LOG]
        self._late += [(column, self._void(rows, fork, judged_to)) for column, rows in late]

    def _void(self, rows: Table, fork: Fork, judged_to: int) -> Table:
        settled, open_ = split(rows, self._audited(rows["key"]))
        again = min(fork.cut, max(judged_to, fork.base))
        new = in_place(settled, fork.place) & (settled["first_offset"] >= fork.end)
        return together([settled[new], void(settled[~new], fork.place, again), void(open_, fork.place, fork.base)])

    def fates(self, rows: Table) -> None:
        """Take FATES rows; they matter to a read_committed group only."""
        if not (self.committed and len(rows)):
            return
        keys = self._streams.keys(rows)
        told = np.full(len(rows), -1, NONE.dtype)
        told["key"], told["first"], told["last"] = keys, rows["first"], rows["last"]
        for fate, column in _FATES.items():
            self._add(column, told[rows["fate"] == fate])

    def give(self, part: Part) -> None:
        """Take what a member was given and committed."""
        found, _ = self.reach.admit(part)
        self._add(Given.DELIVERED, stretches(found, self._streams.keys(found)))
        if len(part.commits):
            self._check_commits(part)

    def _check_commits(self, part: Part) -> None:
        keys = place_keys(part.commits)
        given = self.reach.positions(keys)
        for row in np.flatnonzero(part.commits["offset"] > given).tolist():
            topic, partition = place_of(int(keys[row]))
            offset, reached = int(part.commits["offset"][row]), int(given[row])
            self.found.append(
                Finding(
                    kind=FindingKind.COMMITTED_BEYOND, topic=topic, partition=partition, reading=self._name,
                    first_offset=reached, last_offset=offset - 1, since=part.at, until=part.at, count=offset - reached,
                )
            )  # fmt: skip

    def _add(self, column: Given, rows: Table) -> None:
        if len(rows):
            late, live = split(rows, self.book.bound(rows["key"]))
            self._live[column].append(live)
            self._late.append((column, late))

    def _rows(self, column: Given) -> Table:
        self._live[column] = [together([NONE, *self._live[column]])]
        return self._live[column][0]

    def settle(self, second: Numbers) -> None:
        """Judge what the second pass (its positions by place slot) and the group both are beyond."""
        limits = self._limits()
        limits = np.minimum(second[: len(self._places)], limits[: len(self._places)])
        self._catch_up(limits)
        log = self._rows(Given.LOG)
        if not len(log):
            return
        passed = log["last_offset"] < limits[self._places.slots(log["key"] >> PARTITION_SHIFT)]
        keys, inverse = np.unique(log["key"], return_inverse=True)
        ends, open_from = self.book.bound(keys).copy(), np.full(len(keys), BEYOND)
        np.maximum.at(ends, inverse[passed], log["last"][passed] + 1)
        np.minimum.at(open_from, inverse[~passed], log["first"][~passed])
        ends = np.minimum(np.minimum(ends, open_from), np.minimum(self._told_until(keys), self._audited(keys)))
        self._judge(keys, ends)

    def _limits(self) -> Numbers:
        """By place slot, from where on nothing is owed: the group's position, or where the log is not stable.

        A read_committed group never comes so far, but its position stays where it was when the log is cut below it.
        """
        self.reach.fit()
        limits = self.reach.position.copy()
        for place, stable in self._stable_ends().items():
            slot = int(self._places.slots(np.array([place], np.uint64))[0])
            limits[slot] = min(limits[slot], stable)
        return limits

    def _stable_ends(self) -> Mapping[int, int]:
        """By place, from where on a read_committed group can be given nothing, though the log goes on."""
        return dict(self._stable.below_end()) if self.committed else {}

    def _told_until(self, keys: Keys) -> Numbers:
        """To where a read_committed group knows the fates, where fates are told."""
        told = np.full(len(keys), BEYOND)
        fated = np.isin((keys >> TOPIC_SHIFT).astype(np.int64), list(self.transactional))
        if not (self.committed and fated.any()):
            return told
        told[fated] = self.book.bound(keys[fated])
        fates = together([self._rows(column) for column in set(_FATES.values())])
        if len(fates):
            known, ends = decided(fates, np.ones(len(fates), np.bool_), self.book.bound(fates["key"]))
            at = np.minimum(np.searchsorted(known, keys), len(known) - 1)
            told = np.where(fated & (known[at] == keys), ends[at], told)
        return told

    def finish(self, second: Numbers) -> None:
        """Judge everything; what lies at or behind the group's last position, or is not stable, is not owed."""
        self.settle(second)
        self.unstable = together([NONE, *self._beyond_stable()])
        self._catch_up(np.full(len(self._places), BEYOND))
        keys = self._streams.known.values
        ends = self.book.bound(keys).copy()
        for column in (Given.LOG, Given.DELIVERED):
            rows = self._rows(column)
            np.maximum.at(ends, self._streams.known.slots(rows["key"]), rows["last"] + 1)
        self._judge(keys, ends)

    def _beyond_stable(self) -> Iterator[Table]:
        log = together([self._rows(Given.LOG), *(rows for column, rows in self._late if column is Given.LOG)])
        for place, stable in self._stable_ends().items():
            yield between_offsets(log[in_place(log, place)], stable, BEYOND)

    def _judge(self, keys: Keys, bounds: Numbers) -> None:
        limit = self.book.bound(self._streams.known.values).copy()
        slots = self._streams.known.slots(keys)
        limit[slots] = np.maximum(limit[slots], bounds)
        taken: dict[Given, Table] = {}
        for column in Given:
            rows = self._rows(column)
            taken[column], kept = split(rows, limit[self._streams.known.slots(rows["key"])])
            self._live[column] = [kept]
        accounts = [*taken.items(), *self._excused(taken[Given.LOG])]
        segments = stack([weighed(table, account, len(Given)) for account, table in accounts])
        judged = self.book.settle(segments, keys, limit[slots])
        weights = self._weights(judged)
        self.totals.add(judged, weights)
        self.found += self._findings(judged, weights, taken[Given.LOG])

    def _excused(self, log: Table) -> Iterator[tuple[Given, Table]]:
        limits = self._limits()
        for place in np.unique(log["key"] >> PARTITION_SHIFT).tolist():
            mine = log[in_place(log, place)]
            slot = int(self._places.slots(np.array([place], np.uint64))[0])
            start = int(self.reach.start[slot]) if self._latest else 0
            ranges = [(0, start), (int(limits[slot]), BEYOND), *self.reach.gaps.get(slot, [])]
            yield from ((Given.EXCUSED, between_offsets(mine, first, end)) for first, end in ranges if first < end)

    def _catch_up(self, limits: Numbers) -> None:
        """Amend by late rows; what lies beyond the limits (by place slot) waits for the second pass and the group both."""
        late, self._late = self._late, []
        for at, (column, rows) in enumerate(late):
            if column in {Given.LOG, Given.DELIVERED} and len(rows):
                reached = rows["last_offset"] < limits[self._places.slots(rows["key"] >> PARTITION_SHIFT)]
                late[at] = (column, rows[reached])
                self._late.append((column, rows[~reached]))
        late = [(column, rows) for column, rows in late if len(rows)]
        late += [excused for column, rows in late if column is Given.LOG for excused in self._excused(rows)]
        if not late:
            return
        was, now = self.book.amend(stack([weighed(rows, column, len(Given)) for column, rows in late]))
        before, after = self._weights(was), self._weights(now)
        self.totals.add(was, before, sign=-1)
        self.totals.add(now, after)
        self.found += self._findings(now, {name: after[name] - before[name] for name in after}, NONE)
        self.withdrawn += self._findings(was, {name: before[name] - after[name] for name in after}, NONE)

    def _findings(self, rows: Segments, weights: Mapping[str, Numbers], log: Table) -> Iterator[Finding]:
        evidence = Evidence(second=log)
        for finding in findings(rows, weights, evidence, self._streams, self.reach):
            yield replace(finding, reading=self._name)

    @property
    def rows(self) -> int:
        """How many rows and exceptions are kept."""
        late = sum(len(table) for _, table in self._late)
        return self.book.rows + late + sum(len(table) for tables in self._live.values() for table in tables)
