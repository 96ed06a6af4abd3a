"""The finds of both passes that are not settled yet."""

import numpy as np

from actors.intervals import Keys, Numbers
from actors.tally import Table
from marathon_ray.claims import Bound
from marathon_ray.interner import Interner, fitted
from marathon_ray.settle import behind
from marathon_ray.stretch import NONE, before_offset, in_place, split, together


class Finds:
    """One pass's live rows; for the second pass also which of them came behind a later sequence."""

    def __init__(self, streams: Interner, *, ordered: bool) -> None:
        self._streams, self._ordered = streams, ordered
        self._rows: list[Table] = []
        self._behind: list[Table] = []
        self._peak: Numbers = np.zeros(0, np.int64)  # by stream slot: the highest sequence found so far

    def add(self, rows: Table, bound: Bound) -> tuple[Table, Table]:
        """Take rows that were just read, and return their parts below the bounds (these are settled, so not kept), and
        those of the returned that came behind a later sequence."""
        settled, live = split(rows, bound(rows))
        if len(live):
            self._rows.append(live)
        if not (self._ordered and len(rows)):
            return settled, NONE
        self._peak = fitted(self._peak, len(self._streams), -1)
        late, keys, peak = behind(rows, self._peak[self._streams.slots(rows["key"])])
        self._peak[self._streams.slots(keys)] = peak
        late, live = split(late, bound(late))
        if len(live):
            self._behind.append(live)
        return settled, late

    @property
    def rows(self) -> Table:
        """All live rows."""
        self._rows = [together([NONE, *self._rows])]
        return self._rows[0]

    @property
    def behind(self) -> Table:
        """The live rows behind a later sequence."""
        self._behind = [together([NONE, *self._behind])]
        return self._behind[0]

    def settle(self, bound: Bound) -> tuple[Table, Table]:
        """Remove and return the rows below the bounds, and those of them that came behind."""
        live = self.rows if self._ordered else tight(self.rows)
        rows, kept = split(live, bound(live))
        late, kept_late = split(self.behind, bound(self.behind))
        self._rows, self._behind = [kept], [kept_late]
        return rows, late

    def void(self, place: int, offset: int) -> None:
        """Nothing of this pass at or behind `offset` is in the log any more."""
        self._rows = [void(self.rows, place, offset)]
        self._behind = [void(self.behind, place, offset)]

    def lower_peaks(self, place: int, settled_peak: Numbers, keys: Keys) -> None:
        """After a fork: the peaks of a partition's streams (`keys`) are those of what is left."""
        self._peak = fitted(self._peak, len(self._streams), -1)
        slots = self._streams.slots(keys)
        self._peak[slots] = settled_peak
        left = self.rows[in_place(self.rows, place)]
        np.maximum.at(self._peak, self._streams.slots(left["key"]), left["last"])


def void(rows: Table, place: int, offset: int) -> Table:
    """The rows without what a partition held at or behind `offset`."""
    hit = in_place(rows, place)
    return together([rows[~hit], before_offset(rows[hit], offset)])


def tight(rows: Table) -> Table:
    """The rows ordered by (key, first), neighbours of one epoch joined."""
    rows = rows[np.lexsort((rows["first"], rows["key"]))]
    fresh = np.ones(len(rows), np.bool_)
    fresh[1:] = (rows["key"][1:] != rows["key"][:-1]) | (rows["first"][1:] != rows["last"][:-1] + 1)
    fresh[1:] |= (rows["epoch"][1:] != rows["epoch"][:-1]) | (rows["first_offset"][1:] <= rows["last_offset"][:-1])
    starts = np.flatnonzero(fresh)
    ends = np.append(starts[1:], len(rows))[: len(starts)] - 1
    out = rows[starts]
    for name in ("last", "last_offset", "until"):
        out[name] = rows[name][ends]
    return out
