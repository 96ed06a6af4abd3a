"""Stretches: rows of claims and finds in one layout, cut by sequence and by offset.

In a row sequences and offsets both ascend, so the record with sequence s lies between first_offset + (s - first) and
last_offset - (last - s). Both are the same, and exact, where no other record lies between.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from actors.intervals import Intervals, Keys, Numbers, Segments
from actors.tally import Table

# `key` packs topic (12 bits), partition (20) and the client's dense number (32); since..until: wall clock, ns.
STRETCH: Final = np.dtype(
    [
        ("key", "u8"),
        ("first", "i8"),
        ("last", "i8"),
        ("first_offset", "i8"),
        ("last_offset", "i8"),
        ("since", "i8"),
        ("until", "i8"),
        ("epoch", "i8"),
    ]
)
PARTITION_SHIFT: Final = np.uint64(32)
TOPIC_SHIFT: Final = np.uint64(52)
LOW: Final = np.uint64(0xFFFFFFFF)
BEYOND: Final = 1 << 60  # above every offset, and far enough from the end of an i8 to be reckoned with
NONE: Final[Table] = np.empty(0, STRETCH)


def together(tables: Sequence[Table]) -> Table:
    """The rows of all tables (at least one, all of one layout), one below the other.

    numpy's own concatenation promotes records field by field, in Python; a hundred small tables feel it.
    """
    filled = [table for table in tables if len(table)]
    if len(filled) < 2:
        return filled[0] if filled else tables[0]
    out, at = np.empty(sum(map(len, filled)), filled[0].dtype), 0
    for table in filled:
        out[at : at + len(table)] = table
        at += len(table)
    return out


def place_keys(rows: Table) -> Keys:
    """topic << 20 | partition of tally rows, as u64."""
    topic, partition = rows["topic"].astype(np.uint64), rows["partition"].astype(np.uint64)
    return (topic << np.uint64(20)) | partition


def stretches(rows: Table, key: Keys) -> Table:
    """Rows of CLAIMS or FOUND as STRETCH rows under these keys."""
    out = np.empty(len(rows), STRETCH)
    out["key"] = key
    for name in ("first", "last", "first_offset", "last_offset", "until"):
        out[name] = rows[name]
    names = rows.dtype.names or ()
    out["since"] = rows["since" if "since" in names else "until"]
    out["epoch"] = rows["epoch"] if "epoch" in names else -1
    return out


def spread(rows: Table) -> Intervals:
    """The sequences of the rows."""
    return Intervals(rows["key"], rows["first"], rows["last"])


def highest_offset(rows: Table) -> Numbers:
    """The highest offset of each row; acknowledgements may come out of the log's order."""
    highest: Numbers = np.maximum(rows["first_offset"], rows["last_offset"])
    return highest


def split(rows: Table, bound: Numbers) -> tuple[Table, Table]:
    """The parts of the rows with sequences below `bound` (one a row), and the others."""
    lower, upper = rows[rows["first"] < bound], rows[rows["last"] >= bound]
    low_bound, high_bound = bound[rows["first"] < bound], bound[rows["last"] >= bound]
    return until(lower, low_bound - 1), since(upper, high_bound)


def until(rows: Table, last: Numbers) -> Table:
    """The rows without the sequences above `last` (one a row)."""
    over = np.maximum(rows["last"] - last, 0)
    if not over.any():
        return rows
    rows = rows.copy()
    rows["last"] -= over
    rows["last_offset"] -= np.where(rows["last_offset"] >= 0, over, 0)
    return rows


def since(rows: Table, first: Numbers) -> Table:
    """The rows without the sequences below `first` (one a row)."""
    short = np.maximum(first - rows["first"], 0)
    if not short.any():
        return rows
    rows = rows.copy()
    rows["first"] += short
    rows["first_offset"] += np.where(rows["first_offset"] >= 0, short, 0)
    return rows


def before_offset(rows: Table, offset: int) -> Table:
    """The parts of the rows that may lie below an offset."""
    rows = rows[(rows["first_offset"] < offset)].copy()
    rows["last"] = np.minimum(rows["last"], rows["first"] + (offset - 1 - rows["first_offset"]))
    rows["last_offset"] = np.minimum(rows["last_offset"], offset - 1)
    return rows


def from_offset(rows: Table, offset: Numbers) -> Table:
    """The parts of the rows that may lie at or behind an offset (one a row)."""
    if np.all(rows["first_offset"] >= offset):
        return rows
    rows = rows.copy()
    short = rows["first_offset"] < offset
    last, reach = rows["last"], rows["last_offset"] - offset
    rows["first"] = np.where(short, np.maximum(rows["first"], last - reach), rows["first"])
    rows["first_offset"] = np.maximum(rows["first_offset"], offset)
    return rows


def between_offsets(rows: Table, start: int, end: int) -> Table:
    """The parts of the rows that may lie at offsets start..end-1."""
    rows = rows[(rows["first_offset"] >= 0) & (rows["first_offset"] < end) & (rows["last_offset"] >= start)].copy()
    first = np.maximum(rows["first"], rows["last"] - (rows["last_offset"] - start))
    last = np.minimum(rows["last"], rows["first"] + (end - 1 - rows["first_offset"]))
    rows["first"], rows["last"] = first, last
    rows["first_offset"] = np.maximum(rows["first_offset"], start)
    rows["last_offset"] = np.minimum(rows["last_offset"], end - 1)
    kept: Table = rows[first <= last]
    return kept


def in_place(rows: Table, place: int) -> NDArray[np.bool_]:
    """Which rows belong to the partition with that place key."""
    mask: NDArray[np.bool_] = (rows["key"] >> PARTITION_SHIFT) == np.uint64(place)
    return mask


def weighed(rows: Table, column: int, columns: int) -> Segments:
    """Rows as segments that count once in one of several columns."""
    times = np.zeros((columns, len(rows)), np.int64)
    times[column] = 1
    return Segments(rows["key"], rows["first"], rows["last"], times)
