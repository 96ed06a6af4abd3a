"""The claims that are not settled yet: acknowledgements in the order of their arrival, and the soft ones."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from actors.intervals import Keys, Numbers, Segments, overlay, sizes
from actors.tally import Outcome, Table
from marathon_ray.interner import Interner, Slots, fitted
from marathon_ray.judge import Column
from marathon_ray.stretch import NONE, PARTITION_SHIFT, highest_offset, in_place, split, spread, together

Bound: TypeAlias = Callable[[Table], Numbers]  # each row's bound
_BY_OUTCOME: Mapping[Column, Outcome] = {
    Column.ACKNOWLEDGED: Outcome.ACKNOWLEDGED,
    Column.REFUSED: Outcome.REFUSED,
    Column.UNKNOWN: Outcome.UNKNOWN,
}


@dataclass(slots=True, eq=False)
class _Chunk:
    """What arrived between two settlings, each row's stream, and the lowest offset in each of its partitions."""

    rows: Table
    streams: Slots
    places: Slots
    lowest: Numbers


class Claims:
    """Live claims. Acknowledgements with an offset wait in chunks until the log is read beyond them; then they are
    firm. Soft claims (refused, unknown, acknowledged without an offset) wait for a firm one behind them.

    How many records wait is known without a look at the rows, which are many where the second pass is far behind; only
    of streams that are tangled, where a sequence may be claimed twice, the rows are laid over one another.
    """

    def __init__(self, streams: Interner, places: Interner) -> None:
        self._streams, self._places = streams, places
        self._held: Numbers = np.zeros(0, np.int64)  # by stream slot: records in chunks and firm rows
        self._next: Numbers = np.zeros(0, np.int64)  # by stream slot: no such row has had this sequence or a later one
        self._tangled: Keys = np.zeros(0, np.uint64)
        self._chunks: list[_Chunk] = []
        self.firm: Table = NONE
        self.soft: dict[Column, Table] = dict.fromkeys(_BY_OUTCOME, NONE)

    def add(self, rows: Table, outcome: "np.ndarray[tuple[int], np.dtype[np.uint8]]") -> None:
        """Take claims; `outcome` is one a row."""
        offset = (outcome == Outcome.ACKNOWLEDGED) & (rows["last_offset"] >= 0)
        if offset.any():
            self._chunks.append(self._chunk(rows[offset]))
            self._hold(rows[offset])
        for column, word in _BY_OUTCOME.items():
            mask = (outcome == word) & ~offset
            if mask.any():
                self._tangled = np.union1d(self._tangled, rows["key"][mask])
                self.soft[column] = together([self.soft[column], rows[mask]])

    def _hold(self, rows: Table) -> None:
        rows = rows[np.lexsort((rows["first"], rows["key"]))]
        slots = self._streams.slots(rows["key"])
        self._next = fitted(self._next, len(self._streams))
        before = self._next[slots]
        before[1:] = np.where(slots[1:] == slots[:-1], np.maximum(before[1:], rows["last"][:-1] + 1), before[1:])
        if np.any(again := rows["first"] < before):
            self._tangled = np.union1d(self._tangled, rows["key"][again])
        np.maximum.at(self._next, slots, rows["last"] + 1)
        self._count(rows, 1)

    def _count(self, rows: Table, sign: int) -> None:
        self._held = fitted(self._held, len(self._streams))
        np.add.at(self._held, self._streams.slots(rows["key"]), sign * (rows["last"] - rows["first"] + 1))

    def _chunk(self, rows: Table) -> _Chunk:
        places = self._places.slots(rows["key"] >> PARTITION_SHIFT)
        lowest = np.full(len(self._places), np.iinfo(np.int64).max)
        np.minimum.at(lowest, places, highest_offset(rows))
        used = np.unique(places)
        return _Chunk(rows, self._streams.slots(rows["key"]), used, lowest[used])

    def harden(self, position: Numbers) -> None:
        """Acknowledgements below the position (by place slot) are firm."""
        waiting: list[_Chunk] = []
        for chunk in self._chunks:
            if np.any(chunk.lowest < position[chunk.places]):
                places = self._places.slots(chunk.rows["key"] >> PARTITION_SHIFT)
                reached = highest_offset(chunk.rows) < position[places]
                self.firm = together([self.firm, chunk.rows[reached]])
                waiting += [self._chunk(chunk.rows[~reached])] if not reached.all() else []
            else:
                waiting.append(chunk)
        self._chunks = waiting

    def soften(self, place: int, offset: int) -> None:
        """A pass reads that partition again from `offset` on: acknowledgements from there on wait again."""
        again = in_place(self.firm, place) & (highest_offset(self.firm) >= offset)
        if again.any():
            self._chunks.append(self._chunk(self.firm[again]))
            self.firm = self.firm[~again]

    def overtaken(self, bound: Bound) -> Table:
        """Remove and return the parts of firm acknowledgements that were settled by another claim of these sequences
        while they waited: copies are claimed again after an abort."""
        parts, self.firm = split(self.firm, bound(self.firm))
        self._count(parts, -1)
        return parts

    def candidates(self) -> tuple[Table, "np.ndarray[tuple[int], np.dtype[np.bool_]]"]:
        """Firm and soft claims, and which of them are firm."""
        rows = together([self.firm, *self.soft.values()])
        return rows, np.arange(len(rows)) < len(self.firm)

    def waiting(self) -> Table:
        """Acknowledgements that the log has not been read beyond."""
        return together([NONE, *(chunk.rows for chunk in self._chunks)])

    def harden_all(self) -> None:
        """No more will be read: every acknowledgement is firm."""
        self.firm = together([self.firm, self.waiting()])
        self._chunks = []

    def settle(self, bound: Bound) -> tuple[Table, dict[Column, Table]]:
        """Remove and return what lies below the bounds: firm acknowledgements, and soft claims by column."""
        taken, self.firm = split(self.firm, bound(self.firm))
        self._count(taken, -1)
        soft: dict[Column, Table] = {}
        for column, rows in self.soft.items():
            soft[column], self.soft[column] = split(rows, bound(rows))
        return taken, soft

    def overlaid(self, bound: Bound, keys: Keys) -> Segments:
        """The claims of sequences that are not settled as segments, by column ACKNOWLEDGED, REFUSED, UNKNOWN, of these
        streams."""
        mine = np.zeros(len(self._streams), np.bool_)
        mine[self._streams.slots(keys)] = True
        chunks = (chunk.rows[mine[chunk.streams]] for chunk in self._chunks)
        others = (rows[mine[self._streams.slots(rows["key"])]] for rows in (self.firm, *self.soft.values()))
        firm, blind, refused, unknown = others
        hard = together([firm, *chunks, blind])
        live = (split(rows, bound(rows))[1] for rows in (hard, refused, unknown))
        return overlay(*(spread(rows) for rows in live))

    def live(self, keys: Keys, bound: Bound) -> tuple[Keys, Mapping[str, Numbers]]:
        """By stream, of these, how many records that are not settled each row adds to acknowledged, refused, unknown."""
        odd = np.intersect1d(self._tangled, keys)
        plain = keys[~np.isin(keys, odd)]
        self._held = fitted(self._held, len(self._streams))
        laid = self.overlaid(bound, odd)
        acknowledged, refused, unknown = laid.times > 0
        amounts = np.array([acknowledged, refused & ~acknowledged, unknown & ~acknowledged & ~refused]) * sizes(laid)
        self._untangle(odd, laid.key, amounts[0])
        words = zip(("acknowledged", "refused", "unknown"), amounts, strict=True)
        told = {word: np.concatenate((amount, np.zeros(len(plain), np.int64))) for word, amount in words}
        told["acknowledged"][len(laid) :] = self._held[self._streams.slots(plain)]
        return np.concatenate((laid.key, plain)), told

    def _untangle(self, odd: Keys, keys: Keys, acknowledged: Numbers) -> None:
        """Streams of which the rows, laid over one another, are as many records as one by one are straight again."""
        sums = np.zeros(len(odd), np.int64)
        np.add.at(sums, np.searchsorted(odd, keys), acknowledged)
        soft = np.concatenate([rows["key"] for rows in self.soft.values()])
        straight = (sums == self._held[self._streams.slots(odd)]) & ~np.isin(odd, soft)
        self._tangled = np.setdiff1d(self._tangled, odd[straight])

    @property
    def rows(self) -> int:
        """How many rows are kept."""
        return len(self.firm) + sum(map(len, self.soft.values())) + sum(len(chunk.rows) for chunk in self._chunks)
