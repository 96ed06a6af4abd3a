"""Dense numbers for scattered 64-bit values, so that what is known of each fits in an array."""

from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from actors.intervals import Keys

Slots = NDArray[np.intp]
Column = TypeVar("Column", bound=NDArray[Any])

_NOBODYS: Final = (1 << 64) - 1  # behind all keys: no client, topic or partition has such a number


class Interner:
    """Numbers values 0, 1, 2 … in the order in which they are first seen; a number stays for good."""

    def __init__(self) -> None:
        self.values: Keys = np.empty(0, np.uint64)
        self._sorted: Keys = np.array([_NOBODYS], np.uint64)  # ends so, that each search ends at a place
        self._slots: Slots = np.array([-1], np.intp)

    def __len__(self) -> int:
        return len(self.values)

    def known(self, values: Keys) -> Slots:
        """The number of each value, -1 for one never seen."""
        at = self._sorted.searchsorted(values)
        slots = self._slots[at]
        slots[self._sorted[at] != values] = -1
        return slots

    def slots(self, values: Keys) -> Slots:
        """The number of each value; values never seen are numbered now."""
        slots = self.known(values)
        if slots.min(initial=0) < 0:
            self._add(np.unique(values[slots < 0]))
            slots = self.known(values)
        return slots

    def _add(self, fresh: Keys) -> None:
        self.values = np.concatenate((self.values, fresh))
        order = np.argsort(self.values, kind="stable")
        self._sorted = np.append(self.values[order], np.uint64(_NOBODYS))
        self._slots = np.append(order, -1)


def fitted(column: Column, size: int, fill: int = 0) -> Column:
    """The column, at least `size` long; it grows by doubling, so growth costs little in sum."""
    if len(column) >= size:
        return column
    longer: Any = np.full(max(size, 2 * len(column), 16), fill, column.dtype)
    longer[: len(column)] = column
    return longer  # type: ignore[no-any-return]
