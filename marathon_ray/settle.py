"""How far each stream is decided, and which finds came behind a later sequence: runs within groups, by columns."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from actors.intervals import Keys, Numbers
from actors.tally import Table
from marathon_ray.stretch import PARTITION_SHIFT, until

_LANE: Final = 1 << 42  # above every sequence; one lane a stream, so that one running maximum serves them all


def _lanes(key: Keys) -> tuple[NDArray[np.bool_], Numbers]:
    """Where each stream's rows begin, and each row's lane; `key` is ordered."""
    start = np.ones(len(key), np.bool_)
    start[1:] = key[1:] != key[:-1]
    return start, (np.cumsum(start) - 1) * _LANE


def _highest_before(last: Numbers, start: NDArray[np.bool_], lane: Numbers, known: Numbers) -> Numbers:
    """The highest `last` of the rows before each row of its stream, or what was `known` before all of them."""
    highest = np.maximum.accumulate(np.maximum(last, known) + lane) - lane
    before = np.concatenate((known[:1], highest[:-1]))
    return np.where(start, known, before)


def decided(rows: Table, firm: NDArray[np.bool_], bound: Numbers) -> tuple[Keys, Numbers]:
    """For each stream in `rows` (at least one): the bound to which it may be settled.

    From its old `bound` (one a row) on every sequence must be covered without a hole, and the last that counts is
    `firm`: what is not (refused, unknown, without an offset) is decided by a firm one behind it.
    """
    order = np.lexsort((rows["first"], rows["key"]))
    key, first, last = rows["key"][order], rows["first"][order], rows["last"][order]
    firm, bound = firm[order], bound[order]
    start, lane = _lanes(key)
    hole = first > _highest_before(last, start, lane, bound - 1) + 1
    holes = np.cumsum(hole)
    starts = np.flatnonzero(start)
    width = np.diff(np.append(starts, len(key)))
    unbroken = holes == np.repeat(holes[starts] - hole[starts], width)
    ends = np.maximum(np.where(unbroken & firm, last + 1, 0), bound)
    return key[starts], np.maximum.reduceat(ends, starts)


def displaced(claims: Table, finds: Table, judged: Numbers) -> NDArray[np.bool_]:
    """Which acknowledgements name an offset that the log has for another record: by `finds`, or because what lies there
    was judged before (offsets below `judged`, one a row). Such a log was cut, or it never had that record."""
    place, offset = claims["key"] >> PARTITION_SHIFT, np.minimum(claims["first_offset"], claims["last_offset"])
    theirs = finds["key"] >> PARTITION_SHIFT
    at = _covering((finds["key"], finds["first"], finds["last"]), (claims["key"], claims["first"]))
    found = at >= 0
    found[found] = (finds["first_offset"][at[found]] <= offset[found]) & (
        offset[found] <= finds["last_offset"][at[found]]
    )
    taken = _covering((theirs, finds["first_offset"], finds["last_offset"]), (place, offset)) >= 0
    return np.asarray(~found & (taken | (offset < judged)))


def _covering(runs: tuple[Keys, Numbers, Numbers], points: tuple[Keys, Numbers]) -> Numbers:
    """For each point (lane, number) the last of the runs (lane, low, high) that begins before it and covers it, or -1."""
    lanes, low, high = runs
    names = np.unique(np.concatenate((lanes, points[0])))
    begin, point = (np.searchsorted(names, lane) * _LANE + number for lane, number in ((lanes, low), points))
    order = np.argsort(begin, kind="stable")
    before = np.searchsorted(begin[order], point, side="right") - 1
    out = np.where(before >= 0, order[np.maximum(before, 0)], -1) if len(order) else np.full(len(point), -1)
    hit = out >= 0
    hit[hit] = (lanes[out[hit]] == points[0][hit]) & (points[1][hit] <= high[out[hit]])
    return np.where(hit, out, -1)


def behind(rows: Table, peak: Numbers) -> tuple[Table, Keys, Numbers]:
    """The parts of finds (at least one, in each stream in the log's order) that are not above every find before them.

    `peak` (one a row) is the highest sequence that its stream had before. Also returns each stream and its new peak.
    """
    order = np.argsort(rows["key"], kind="stable")
    rows, peak = rows[order], peak[order]
    start, lane = _lanes(rows["key"])
    before = _highest_before(rows["last"], start, lane, peak)
    late = rows["first"] <= before
    starts = np.flatnonzero(start)
    highest = np.maximum.reduceat(np.maximum(rows["last"], before), starts)
    return until(rows[late], before[late]), rows["key"][starts], highest
