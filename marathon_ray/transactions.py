"""Transactions over partitions: torn ones, copies made exactly once, and writes behind a fence."""

from collections import defaultdict
from collections.abc import Iterator, Mapping

import numpy as np

from actors.intervals import Intervals, Segments, difference, intersection, overlay, sizes, union
from actors.tally import FATES, Fate, Table, nothing
from marathon_ray.book import Book
from marathon_ray.deliveries import Deliveries, Given
from marathon_ray.finding import Finding, FindingKind
from marathon_ray.interner import Interner
from marathon_ray.judge import Column
from marathon_ray.streams import Streams
from marathon_ray.stretch import BEYOND, NONE, TOPIC_SHIFT, between_offsets, in_place, spread, together


class Fates:
    """The fates that outlive their settling: of unknown outcome, and the aborts of fenced clients."""

    def __init__(self, streams: Streams, places: Interner) -> None:
        self._streams, self._places = streams, places
        self._unsure: list[Table] = [nothing(FATES)]
        self._fences: dict[int, dict[int, int]] = defaultdict(dict)  # by client slot: place, offset
        self._behind: list[Table] = [NONE]
        self._aborted: list[Table] = [nothing(FATES)]

    def take(self, fates: Table) -> None:
        """Keep of FATES rows what is judged at the end."""
        self._unsure.append(fates[fates["fate"] == Fate.UNKNOWN])
        if self._fences:
            self._aborted.append(fates[np.isin(fates["fate"], (Fate.ABORTED, Fate.MAYBE_WRITTEN))])

    def fence(self, client: int, place: int, offset: int) -> None:
        """From `offset` on nothing of that client may be committed in that partition."""
        self._fences[int(self._streams.clients.slots(np.array([client], np.uint64))[0])][place] = offset

    def log(self, rows: Table) -> None:
        """Take what the second pass found."""
        for client, marks in self._fences.items():
            mine = rows[(rows["key"] & np.uint64(0xFFFFFFFF)) == np.uint64(client)]
            for place, offset in marks.items():
                self._behind.append(between_offsets(mine[in_place(mine, place)], offset, BEYOND))

    def fenced_writes(self) -> Segments:
        """What fenced clients wrote behind their marks and did not see aborted."""
        aborted = together(self._aborted)
        told = Intervals(self._streams.keys(aborted), aborted["first"], aborted["last"])
        return overlay(difference(spread(together(self._behind)), told))

    def torn(self, group: str, account: Deliveries) -> Iterator[Finding]:
        """Transactions of unknown outcome of which the group, having passed all, was given some records only."""
        odd = account.book.exceptions()
        unsure = odd.at((odd.times[Given.UNSURE] > 0) & (odd.times[Given.LOG] > 0) & (odd.times[Given.EXCUSED] == 0))
        given = unsure.where(unsure.times[Given.DELIVERED] > 0)
        written = unsure.where(np.ones(len(unsure), np.bool_))
        for (writer, transaction), rows in self._by_transaction().items():
            mine = Intervals(self._streams.keys(rows), rows["first"], rows["last"])
            whole, got = (int(sizes(intersection(mine, part)).sum()) for part in (written, given))
            if 0 < got < whole:
                yield Finding(
                    kind=FindingKind.TORN, topic=int(rows["topic"][0]), client=writer, first=transaction, last=transaction,
                    count=whole - got, reading=group,
                )  # fmt: skip

    def _by_transaction(self) -> Mapping[tuple[int, int], Table]:
        unsure = together(self._unsure)
        found: dict[tuple[int, int], list[Table]] = defaultdict(list)
        for row in unsure:
            found[int(row["writer"]), int(row["transaction"])].append(row.reshape(1))
        return {name: together(rows) for name, rows in found.items()}


def copies(log: Book, account: Deliveries, source: int, target: int) -> tuple[Segments, Segments]:
    """Records of the topic `source` in the log beside their committed copies in `target`, as given to a group.

    Two tables with one weight, under the copies' keys: records without a copy, and how many copies beyond the first. An
    input that is not stable need not have been copied, nor a copy that is not be seen. Nor is one that nobody is sure of the
    second one.
    """
    shift = (np.uint64(target) << TOPIC_SHIFT) - (np.uint64(source) << TOPIC_SHIFT)
    inputs, unstable = _settled(log, source, Column.SECOND), spread(account.unstable)
    unread = unstable.at(unstable.key >> TOPIC_SHIFT == np.uint64(source))
    copied = union(_settled(account.book, target, Given.DELIVERED), unstable, _shifted(unread, shift))
    missing = difference(_shifted(inputs, shift), copied)
    odd = account.book.exceptions()
    odd = odd.at(odd.key >> TOPIC_SHIFT == np.uint64(target))
    there = odd.at(
        (odd.times[Given.EXCUSED] > 0) & (odd.times[Given.LOG] > odd.times[Given.ABORTED])
    )  # and not read by it
    missing = difference(missing, Intervals(there.key, there.first, there.last))
    sure = odd.times[Given.LOG] - odd.times[Given.ABORTED] - odd.times[Given.UNSURE]
    committed = np.minimum(sure, odd.times[Given.DELIVERED])
    twice = Segments(odd.key, odd.first, odd.last, np.maximum(committed - 1, 0)[None])
    return overlay(missing), twice


def _shifted(rows: Intervals, shift: np.uint64) -> Intervals:
    return Intervals(rows.key + shift, rows.first, rows.last)


def _settled(book: Book, topic: int, column: int) -> Intervals:
    """The settled sequences of a topic for which a column is not zero."""
    keys = book.streams.values[book.streams.values >> TOPIC_SHIFT == np.uint64(topic)]
    bounds = book.bound(keys)
    whole = Intervals(keys[bounds > 0], np.zeros(int((bounds > 0).sum()), np.int64), bounds[bounds > 0] - 1)
    odd = book.exceptions()
    absent = odd.at(odd.times[column] == 0)
    return difference(whole, Intervals(absent.key, absent.first, absent.last))
