"""A book: what has been judged, kept as a bound for each stream and the exceptions below it."""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from actors.intervals import Keys, Numbers, Segments, coalesced, stack, sweep
from marathon_ray.interner import Interner, fitted

Times: TypeAlias = Numbers  # shape (columns, rows): how often each account covers each row
_PIECES = 64  # exceptions are tidied when they lie in more pieces than this


class Book:
    """Settled state of every stream, run-length coded: a sequence below the bound that is no exception is `default`.

    `normal` brings a state into the one form that all histories of the same facts end in; `forgets` says which states
    are so common and final that they are remembered as `default`.
    """

    def __init__(
        self,
        streams: Interner,
        default: tuple[int, ...],
        *,
        normal: Callable[[Times], Times],
        forgets: Callable[[Segments], NDArray[np.bool_]] | None = None,
    ) -> None:
        self.streams, self._normal, self._forgets = streams, normal, forgets
        self._default: Numbers = np.array(default, np.int64)[:, None]
        self.below: Numbers = np.zeros(0, np.int64)
        self._odd: list[Segments] = []

    def bound(self, keys: Keys) -> Numbers:
        """The bound of each stream: sequences below it are settled."""
        slots = self.streams.slots(keys)
        self.below = fitted(self.below, len(self.streams))
        return self.below[slots]

    def settle(self, rows: Segments, keys: Keys, bounds: Numbers) -> Segments:
        """Every sequence from the old bound to the new, each once, with its state; from now on these are settled.

        `keys` are distinct; `rows` lie between the old and the new bounds, which are not below the old ones.
        """
        grown = bounds > self.bound(keys)
        keys, bounds = keys[grown], bounds[grown]
        slots = self.streams.slots(keys)
        whole = Segments(keys, self.below[slots], bounds - 1, np.zeros((len(self._default), len(keys)), np.int64))
        covered = sweep(stack([_marked(rows, 0), _marked(whole, 1)]))
        judged = Segments(covered.key, covered.first, covered.last, self._normal(covered.times[:-1]))
        self.below[slots] = bounds
        self._keep(judged)
        return judged

    def amend(self, rows: Segments) -> tuple[Segments, Segments]:
        """Rows that came late for settled sequences: these sequences as they were, and as they are now."""
        mine, others = self._touched(rows.key)
        columns = len(self._default)
        old, late = _beside(mine, columns, left=True), _beside(rows, columns, left=False)
        swept = sweep(stack([old, late]))
        known, added = swept.times[:columns], swept.times[columns + 1 : 2 * columns + 1]
        before = np.where(swept.times[columns] > 0, known, self._default)
        after = self._normal(before + added)
        self._odd = [others]
        self._keep(Segments(swept.key, swept.first, swept.last, after))
        changed = np.asarray(swept.times[-1] > 0)
        was = Segments(swept.key, swept.first, swept.last, before).at(changed)
        return was, Segments(swept.key, swept.first, swept.last, after).at(changed)

    def _touched(self, keys: Keys) -> tuple[Segments, Segments]:
        odd = self.exceptions()
        mask = np.isin(odd.key, keys)
        return odd.at(mask), odd.at(~mask)

    def _keep(self, judged: Segments) -> None:
        odd = np.asarray((judged.times != self._default).any(axis=0))
        if self._forgets is not None:
            odd &= ~self._forgets(judged)
        if odd.any():
            self._odd.append(coalesced(judged.at(odd)))
        if len(self._odd) > _PIECES:
            self.exceptions()

    def exceptions(self) -> Segments:
        """All settled sequences whose state is not `default`, ordered by (key, first)."""
        if len(self._odd) != 1:
            empty = np.empty(0, np.int64)
            none = Segments(np.empty(0, np.uint64), empty, empty, np.empty((len(self._default), 0), np.int64))
            rows = stack([none, *self._odd])
            self._odd = [coalesced(rows.at(np.lexsort((rows.first, rows.key))))]
        return self._odd[0]

    @property
    def rows(self) -> int:
        """How many exceptions are kept."""
        return sum(len(piece) for piece in self._odd)


def _marked(rows: Segments, mark: int) -> Segments:
    marks = np.full((1, len(rows)), mark, np.int64)
    return Segments(rows.key, rows.first, rows.last, np.concatenate((rows.times, marks)))


def _beside(rows: Segments, columns: int, *, left: bool) -> Segments:
    """The rows with their weights in the left or the right half of twice the columns, each half ended by a mark."""
    own, other = _marked(rows, 1).times, np.zeros((columns + 1, len(rows)), np.int64)
    return Segments(rows.key, rows.first, rows.last, np.concatenate((own, other) if left else (other, own)))
