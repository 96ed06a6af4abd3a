"""Compacted topics: of each key the latest acknowledged value must survive, and nothing else need."""

from collections.abc import Iterator

import numpy as np

from actors.intervals import Intervals, Keys, Numbers, Segments, difference
from marathon_ray.book import Book
from marathon_ray.judge import Column


def latest(rows: Intervals, keys: int) -> Numbers:
    """For each key (a sequence modulo `keys`) the highest sequence in the rows of one stream; -1 where there is none."""
    out = np.full(keys, -1, np.int64)
    missing = keys
    for first, last in zip(rows.first[::-1].tolist(), rows.last[::-1].tolist(), strict=True):
        newest = np.arange(max(first, last - keys + 1), last + 1)
        newest = newest[out[newest % keys] < 0]
        out[newest % keys] = newest
        missing -= len(newest)
        if not missing:
            break
    return out


def lost_keys(book: Book, streams: Keys, keys: int) -> Iterator[Segments]:
    """The latest acknowledged sequences of compacted streams for which neither they nor a later one was found.

    Each is a segment with the weight 1 under LATEST.
    """
    odd, bounds = book.exceptions(), book.bound(streams)
    for key, bound in zip(streams, bounds.tolist(), strict=True):
        mine = odd.at(odd.key == key)
        whole = Intervals(np.array([key], np.uint64), np.array([0]), np.array([bound - 1]))
        if bound:
            kept = (latest(_where(whole, mine, column), keys) for column in (Column.ACKNOWLEDGED, Column.SECOND))
            acknowledged, found = kept
            yield _segments(key, np.sort(acknowledged[found < acknowledged]))


def _where(whole: Intervals, odd: Segments, column: Column) -> Intervals:
    absent = odd.at(odd.times[column] == 0)
    return difference(whole, Intervals(absent.key, absent.first, absent.last))


def _segments(key: np.uint64, sequences: Numbers) -> Segments:
    times = np.zeros((len(Column), len(sequences)), np.int64)
    times[Column.LATEST] = 1
    return Segments(np.full(len(sequences), key, np.uint64), sequences, sequences, times)
