"""A log that was cut and grew again: which finds of one part were made behind the fork, and which before it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from actors.tally import Table


@dataclass(frozen=True, slots=True)
class Fork:
    """The log of a partition (place key) was cut to `cut`; its pass reads again from `base`, where a block begins. What
    it had found at or behind `base` is void: it finds it again, or it is gone."""

    place: int
    base: int
    cut: int


def standing(rows: Table, fresh: NDArray[np.bool_], fork: Fork, told: int) -> NDArray[np.bool_]:
    """Which FOUND rows of a partition, from a part that tells of a fork, stand; `told` is the position at its end.

    Below the base those do that are `fresh`. From there on a row stands that ends below the position (else it was not
    read again yet), is not read again by a later row of its stream, and is of the newest epoch where it reaches the cut.
    """
    beyond = rows["last_offset"] >= fork.cut
    newest = rows["epoch"] == rows["epoch"][beyond].max(initial=-1)
    stands = (rows["last_offset"] < told) & (~beyond | newest)
    for client in np.unique(rows["client"]):
        mine = np.flatnonzero(rows["client"] == client)
        starts = rows["first_offset"][mine]
        later = np.minimum.accumulate(np.append(starts[1:], np.iinfo(np.int64).max)[::-1])[::-1]
        stands[mine] &= rows["last_offset"][mine] < later
    return np.where(rows["first_offset"] < fork.base, fresh, stands)
