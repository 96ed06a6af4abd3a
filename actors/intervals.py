"""Keyed intervals as columns, and the one operation on them: an event sweep that lays tables over one another.

Intervals are first..last, both included; a key may have any number of them, in any order, overlapping or not.
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Keys: TypeAlias = NDArray[np.uint64]
Numbers: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Intervals:
    """Rows (key, first, last), one column each, of one length; first <= last in each row."""

    key: Keys
    first: Numbers
    last: Numbers

    def __len__(self) -> int:
        return len(self.key)

    def at(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> "Intervals":
        """The rows of that mask or those indices."""
        return Intervals(self.key[rows], self.first[rows], self.last[rows])


@dataclass(frozen=True, slots=True, eq=False)
class Segments:
    """Rows with a weight for each of several tables: `times` has the shape (tables, rows)."""

    key: Keys
    first: Numbers
    last: Numbers
    times: Numbers

    def __len__(self) -> int:
        return len(self.key)

    def at(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> "Segments":
        """The rows of that mask or those indices."""
        return Segments(self.key[rows], self.first[rows], self.last[rows], self.times[:, rows])

    def where(self, mask: NDArray[np.bool_]) -> Intervals:
        """The rows of that mask without their weights, neighbours joined."""
        return joined(Intervals(self.key[mask], self.first[mask], self.last[mask]))


def intervals(rows: list[tuple[int, int, int]]) -> Intervals:
    """The rows (key, first, last) as columns."""
    table = np.array(rows, np.int64).reshape(-1, 3)
    return Intervals(table[:, 0].astype(np.uint64), table[:, 1], table[:, 2])


def stack(tables: list[Segments]) -> Segments:
    """All rows of the tables, one below the other; there is at least one table and all have the same weights' count."""
    return Segments(
        np.concatenate([table.key for table in tables]),
        np.concatenate([table.first for table in tables]),
        np.concatenate([table.last for table in tables]),
        np.concatenate([table.times for table in tables], axis=1),
    )


def sweep(rows: Segments) -> Segments:
    """Disjoint segments ordered by (key, first), each with the summed weights of all rows that cover it.

    A segment ends wherever a row begins or ends; segments whose weights are all zero are left out.
    """
    key = np.concatenate((rows.key, rows.key))
    place = np.concatenate((rows.first, rows.last + 1))
    order = np.lexsort((place, key))
    key, place = key[order], place[order]
    running = np.cumsum(np.concatenate((rows.times, -rows.times), axis=1)[:, order], axis=1)
    left = np.flatnonzero((key[1:] == key[:-1]) & (place[1:] > place[:-1]))
    left = left[running[:, left].any(axis=0)]
    return Segments(key[left], place[left], place[left + 1] - 1, running[:, left])


def overlay(*tables: Intervals) -> Segments:
    """Disjoint segments ordered by (key, first); `times[i]` is how often table i covers each of them."""
    times = np.repeat(np.eye(len(tables), dtype=np.int64), [len(table) for table in tables], axis=1)
    return sweep(
        Segments(
            np.concatenate([table.key for table in tables]),
            np.concatenate([table.first for table in tables]),
            np.concatenate([table.last for table in tables]),
            times,
        )
    )


def joined(rows: Intervals) -> Intervals:
    """The same rows with neighbours joined; the rows are disjoint and ordered by (key, first)."""
    fresh = np.ones(len(rows), np.bool_)
    fresh[1:] = (rows.key[1:] != rows.key[:-1]) | (rows.first[1:] != rows.last[:-1] + 1)
    starts = np.flatnonzero(fresh)
    ends = np.append(starts[1:], len(rows))[: len(starts)] - 1
    return Intervals(rows.key[starts], rows.first[starts], rows.last[ends])


def coalesced(rows: Segments) -> Segments:
    """The same rows with neighbours of equal weights joined; the rows are disjoint and ordered by (key, first)."""
    fresh = np.ones(len(rows), np.bool_)
    fresh[1:] = (rows.key[1:] != rows.key[:-1]) | (rows.first[1:] != rows.last[:-1] + 1)
    fresh[1:] |= (rows.times[:, 1:] != rows.times[:, :-1]).any(axis=0)
    starts = np.flatnonzero(fresh)
    ends = np.append(starts[1:], len(rows))[: len(starts)] - 1
    return Segments(rows.key[starts], rows.first[starts], rows.last[ends], rows.times[:, starts])


def union(*tables: Intervals) -> Intervals:
    """What any of the tables covers."""
    segments = overlay(*tables)
    return segments.where(np.ones(len(segments), np.bool_))


def difference(left: Intervals, right: Intervals) -> Intervals:
    """What `left` covers and `right` does not."""
    segments = overlay(left, right)
    return segments.where((segments.times[0] > 0) & (segments.times[1] == 0))


def intersection(left: Intervals, right: Intervals) -> Intervals:
    """What both cover."""
    segments = overlay(left, right)
    return segments.where(segments.times.min(axis=0) > 0)


def sizes(rows: Intervals | Segments) -> Numbers:
    """How many numbers each row holds."""
    return rows.last - rows.first + 1
