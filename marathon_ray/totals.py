"""Counts by partition: what windows and balances are made of."""

from collections.abc import Iterable, Mapping

import numpy as np

from actors.intervals import Keys, Numbers, Segments, sizes
from marathon_ray.finding import Counts
from marathon_ray.interner import Interner, fitted
from marathon_ray.stretch import PARTITION_SHIFT


class Totals:
    """Sums by name and partition; what was added since the last `cut` can be told apart."""

    def __init__(self, places: Interner) -> None:
        self._places = places
        self._sums: dict[str, Numbers] = {}
        self._cut: dict[str, Numbers] = {}

    def add(self, rows: Segments, weights: Mapping[str, Numbers], *, sign: int = 1) -> None:
        """Each row adds its size times its weight under each name."""
        places = self._places.slots(rows.key >> PARTITION_SHIFT)
        length = sizes(rows) * sign
        for name, weight in weights.items():
            if weight.any():
                self._add(name, places, length * weight)

    def _add(self, name: str, places: "np.ndarray[tuple[int], np.dtype[np.intp]]", amount: Numbers) -> None:
        column = fitted(self._sums.get(name, np.zeros(0, np.int64)), len(self._places))
        np.add.at(column, places, amount)
        self._sums[name] = column

    def cut(self) -> Counts:
        """What changed since the last cut."""
        deltas = {}
        for name, column in self._sums.items():
            deltas[name] = column - fitted(self._cut.get(name, np.zeros(0, np.int64)), len(column))[: len(column)]
            self._cut[name] = column.copy()
        return by_place(self._places, deltas)

    def whole(self) -> Counts:
        """All sums."""
        return by_place(self._places, self._sums)

    def by_place(self, name: str) -> Numbers:
        """One sum in every partition, by place slot."""
        size = len(self._places)
        return fitted(self._sums.get(name, np.zeros(0, np.int64)), size)[:size]

    @property
    def names(self) -> Iterable[str]:
        """All names that were ever added to."""
        return self._sums.keys()


def by_place(places: Interner, columns: Mapping[str, Numbers]) -> Counts:
    """Columns by place slot as counts by (topic, partition), zeros left out."""
    out: dict[tuple[int, int], dict[str, int]] = {}
    spots = [place_of(key) for key in places.values.tolist()]
    for name, column in columns.items():
        for slot in np.flatnonzero(column).tolist():
            out.setdefault(spots[slot], {})[name] = int(column[slot])
    return out


def place_of(key: int) -> tuple[int, int]:
    """(topic ordinal, partition) of a place key."""
    return key >> 20, key & 0xFFFFF


def sum_by_place(places: Interner, keys: Keys, amounts: Numbers) -> Numbers:
    """The amounts of streams added up by partition, by place slot."""
    slots = places.slots(keys >> PARTITION_SHIFT)
    sums = np.zeros(len(places), np.int64)
    np.add.at(sums, slots, amounts)
    return sums
