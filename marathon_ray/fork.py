"""A log that was cut and grew again: which finds of one part were made behind the fork, and which before it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from actors.tally import Table


@dataclass(frozen=True, slots=True)
class Fork:
    """The log of a partition (place key) was cut to `cut` when its pass had read it to `end`; the pass reads again from
    `base`, where a block begins. What it had found at or behind `base` is void: it finds it again, or it is gone."""

    place: int
    base: int
    cut: int
    end: int


def standing(rows: Table, fresh: NDArray[np.bool_], fork: Fork, told: int) -> NDArray[np.bool_]:
    """Which FOUND rows of a partition, from a part that tells of a fork, stand; `told` is the position at its end.

    Below the base those do that are `fresh`. From there on a row stands that ends below the position (else it was not
    read again yet), is not read again by a later row of its stream, and is of the newest epoch where it reaches the cut.
    """
    stands = _settled_down(rows, fork, told)
    for client in np.unique(rows["client"]):
        mine = np.flatnonzero(rows["client"] == client)
        stands[mine] &= _last_time(rows[mine])
    return np.where(rows["first_offset"] < fork.base, fresh, stands)


def standing_spans(spans: Table, fresh: NDArray[np.bool_], fork: Fork, told: int) -> NDArray[np.bool_]:
    """The same for SPANS of that partition: all records of a partition are read in one order."""
    stands = _settled_down(spans, fork, told) & _last_time(spans)
    return np.where(spans["first_offset"] < fork.base, fresh, stands)


def _settled_down(rows: Table, fork: Fork, told: int) -> NDArray[np.bool_]:
    beyond = rows["last_offset"] >= fork.cut
    newest = rows["epoch"] == rows["epoch"][beyond].max(initial=-1)
    return np.asarray((rows["last_offset"] < told) & (~beyond | newest))


def _last_time(rows: Table) -> NDArray[np.bool_]:
    """Which rows are behind nothing that a later row reads."""
    starts = rows["first_offset"]
    later = np.minimum.accumulate(np.append(starts[1:], np.iinfo(np.int64).max)[::-1])[::-1]
    return np.asarray(rows["last_offset"] < later[: len(rows)])
