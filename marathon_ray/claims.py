"""The claims that are not settled yet: acknowledgements in the order of their arrival, and the soft ones."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from actors.intervals import Numbers, Segments, overlay
from actors.tally import Outcome, Table
from marathon_ray.interner import Interner, Slots
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
    """What arrived between two settlings, and the lowest offset in each of its partitions."""

    rows: Table
    places: Slots
    lowest: Numbers


class Claims:
    """Live claims. Acknowledgements with an offset wait in chunks until the log is read beyond them; then they are
    firm. Soft claims (refused, unknown, acknowledged without an offset) wait for a firm one behind them."""

    def __init__(self, places: Interner) -> None:
        self._places = places
        self._chunks: list[_Chunk] = []
        self.firm: Table = NONE
        self.soft: dict[Column, Table] = dict.fromkeys(_BY_OUTCOME, NONE)

    def add(self, rows: Table, outcome: "np.ndarray[tuple[int], np.dtype[np.uint8]]") -> None:
        """Take claims; `outcome` is one a row."""
        offset = (outcome == Outcome.ACKNOWLEDGED) & (rows["last_offset"] >= 0)
        if offset.any():
            self._chunks.append(self._chunk(rows[offset]))
        for column, word in _BY_OUTCOME.items():
            mask = (outcome == word) & ~offset
            if mask.any():
                self.soft[column] = together([self.soft[column], rows[mask]])

    def _chunk(self, rows: Table) -> _Chunk:
        places = self._places.slots(rows["key"] >> PARTITION_SHIFT)
        lowest = np.full(len(self._places), np.iinfo(np.int64).max)
        np.minimum.at(lowest, places, highest_offset(rows))
        used = np.unique(places)
        return _Chunk(rows, used, lowest[used])

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
        soft: dict[Column, Table] = {}
        for column, rows in self.soft.items():
            soft[column], self.soft[column] = split(rows, bound(rows))
        return taken, soft

    def overlaid(self, bound: Bound) -> Segments:
        """The claims of sequences that are not settled as segments, by column ACKNOWLEDGED, REFUSED, UNKNOWN."""
        hard = together([self.firm, self.waiting(), self.soft[Column.ACKNOWLEDGED]])
        live = (split(rows, bound(rows))[1] for rows in (hard, self.soft[Column.REFUSED], self.soft[Column.UNKNOWN]))
        return overlay(*(spread(rows) for rows in live))

    @property
    def rows(self) -> int:
        """How many rows are kept."""
        return len(self.firm) + sum(map(len, self.soft.values())) + sum(len(chunk.rows) for chunk in self._chunks)
