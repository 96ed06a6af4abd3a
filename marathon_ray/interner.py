"""Dense numbers for scattered 64-bit values, so that what is known of each fits in an array."""

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from actors.intervals import Keys

Slots = NDArray[np.intp]
Column = TypeVar("Column", bound=NDArray[Any])


class Interner:
    """Numbers values 0, 1, 2 … in the order in which they are first seen; a number stays for good."""

    def __init__(self) -> None:
        self.values: Keys = np.empty(0, np.uint64)
        self._sorted: Keys = np.empty(0, np.uint64)
        self._slots: Slots = np.empty(0, np.intp)

    def __len__(self) -> int:
        return len(self.values)

    def known(self, values: Keys) -> Slots:
        """The number of each value, -1 for one never seen."""
        if not (len(values) and len(self._sorted)):
            return np.full(len(values), -1, np.intp)
        at = np.minimum(np.searchsorted(self._sorted, values), len(self._sorted) - 1)
        return np.where(self._sorted[at] == values, self._slots[at], -1)

    def slots(self, values: Keys) -> Slots:
        """The number of each value; values never seen are numbered now."""
        slots = self.known(values)
        if np.any(slots < 0):
            self._add(np.unique(values[slots < 0]))
            slots = self.known(values)
        return slots

    def _add(self, fresh: Keys) -> None:
        self.values = np.concatenate((self.values, fresh))
        order = np.argsort(self.values, kind="stable")
        self._sorted, self._slots = self.values[order], order


def fitted(column: Column, size: int, fill: int = 0) -> Column:
    """The column, at least `size` long; it grows by doubling, so growth costs little in sum."""
    if len(column) >= size:
        return column
    longer: Any = np.full(max(size, 2 * len(column), 16), fill, column.dtype)
    longer[: len(column)] = column
    return longer  # type: ignore[no-any-return]
