"""The auditor: reads every partition twice, near the tail and again later and afresh, and never lets an offset be reset."""

import threading
import time
from collections import deque
from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from actors import librdkafka as rk
from actors.epochs import Border, EpochEnds, Partition
from actors.fetch import ASTRAY
from actors.librdkafka import Place
from actors.pace import Clock
from actors.reader import MOST, Reader
from actors.reading import Reading
from actors.rows import NO_TOPIC
from actors.sabotage import Honest
from actors.spec import Auditors
from actors.tally import BLOCK, Counts, Kind, Part, Table, Tally
from actors.target import Target
from actors.worker import Books, Course, cut_latencies

FIRST, SECOND = "first", "second"
_BEGINNING: Final = -2  # RD_KAFKA_OFFSET_BEGINNING
_IDLE_POLL: Final = 0.02
_ASK_SECONDS: Final = 5.0
_RETRY_SECONDS: Final = 0.5
_BORDER: Final = np.dtype([("epoch", "i4"), ("end", "i8")])
_PROPERTIES: Final = {
    "group.id": "unused",  # librdkafka asks for one; nothing is ever committed or joined
    "auto.offset.reset": "error",
    "isolation.level": "read_uncommitted",
}
# Of the second pass, which has a queue for each partition: little in it, since at each look most of it is fetched in vain.
# With half as much, reading what has piled up took twice as long.
_ANEW: Final = {
    "fetch.message.max.bytes": "262144",
    "queued.max.messages.kbytes": "1024",
    "queued.min.messages": "2000",
}


class Pass:
    """One reading of the partitions of a slice. It moves a reader's position only where the log itself has moved."""

    def __init__(self, name: str, target: Target, spec: Auditors, sabotage: Honest | None) -> None:
        self.name = name
        self._target = target
        self._places = [(topic, partition) for topic, some in spec.partitions.items() for partition in some]
        partitions = {place.ordinal: place.partitions for place in target.topics.values()}
        self.reading = Reading(partitions)
        self._mine = [self._index(place) for place in self._places]
        properties = {**(_ANEW if name == SECOND else {}), **spec.properties, **_PROPERTIES}
        self._reader = Reader(target, properties, self.reading, sabotage=sabotage)
        self._begin = dict.fromkeys(self._places, _BEGINNING)
        self._ends = EpochEnds(target, spec.properties)
        self._borders: Table = np.full(len(self.reading.places), -1, _BORDER)  # where each partition was read to
        self._doubts: dict[Partition, list[Border]] = {}  # borders that a leader has still to confirm, oldest first
        self._cuts: dict[Partition, tuple[int, int]] = {}  # where a log was cut, and to where it had been read before
        self._stopped: dict[Partition, float] = {}  # the reader stands still there; when to look why
        for topic, some in spec.begin.items():
            for partition, both in some.items():
                self._begin_at((topic, partition), *both[name == SECOND])
        self._paused = np.full(len(self._places), name == SECOND)
        self._stale: dict[int, int] = {}  # partitions that have paused, and what may come of each: an error
        self._set_apart()
        self._assign()

    def _index(self, place: Partition) -> int:
        return self.reading.index(self._target.topics[place[0]].ordinal, place[1])

    def _begin_at(self, place: Partition, offset: int, epoch: int) -> None:
        self._stand(place, offset)
        if offset > 0 and epoch >= 0:
            self._borders[self._index(place)] = epoch, offset
            self._doubts[place] = [Border(epoch, offset)]

    def _stand(self, place: Partition, offset: int) -> None:
        """The pass goes on there; below 0, at the log's start."""
        self._begin[place] = offset if offset >= 0 else _BEGINNING
        self.reading.stand(self._target.topics[place[0]].ordinal, place[1], max(offset, -1), 0)

    def _set_apart(self) -> None:
        if self.name == SECOND:
            self._reader.set_apart(Place(*place) for place in self._places)

    def _assign(self) -> None:
        rk.assign(self._reader.handle, [Place(*place, self._next(place), self._epoch(place)) for place in self._places])
        self._set_apart()  # librdkafka may have new queues for what it had forgotten
        rk.pause(self._reader.handle, self._those(self._paused))

    def _those(self, chosen: NDArray[np.bool_]) -> list[Place]:
        return [Place(*self._places[index]) for index in np.flatnonzero(chosen).tolist()]

    def _next(self, place: Partition) -> int:
        position = int(self.reading.places["position"][self._index(place)])
        return position if position >= 0 else self._begin[place]

    def _epoch(self, place: Partition) -> int:
        """The leader epoch in which the record right before the position was read; -1 where none was."""
        border = self._borders[self._index(place)]
        return int(border["epoch"]) if border["end"] == self._next(place) else -1

    def take(self, seconds: float) -> int:
        """Wait for records."""
        return self._reader.take(seconds)

    def take_below(self, limits: Counts) -> int:
        """Take what there is of each partition, the second pass's, up to its limit."""
        ahead, stale = self._ahead(limits), self._stale
        each = max(1, MOST // max(1, int((ahead > 0).sum())))
        self._stale = {}
        return self._reader.take_apart(
            stale | {index: min(int(ahead[index]), each) for index in np.flatnonzero(ahead > 0).tolist()}
        )

    def _ahead(self, limits: Counts) -> Counts:
        """How many offsets each partition has to its limit; what was cut off may have gone beyond."""
        ahead: Counts = np.maximum(limits, 0) - np.maximum(self.reading.places["position"], 0)
        return ahead[self._mine]

    def book(self, count: int, clock: Clock) -> list[Table]:
        """Book what was taken; returns error rows other than moved logs, which are put right by `mend`, and what went
        astray, which is fetched again."""
        errors = self._reader.book(count, clock)
        self._note_borders(self._reader.rows[:count])
        others = []
        if any(row["error"] == ASTRAY for row in errors):
            self._assign()
        for row in errors:
            if row["error"] == rk.RESET and row["topic"] != NO_TOPIC:
                self._stop((self._target.named(int(row["topic"])), int(row["partition"])))
            elif row["error"] != ASTRAY:
                others.append(row)
        return others

    def _stop(self, place: Partition) -> None:
        self._stopped[place] = time.monotonic()
        border = self._borders[self._index(place)]
        if border["epoch"] >= 0:
            self._doubt(place, Border(int(border["epoch"]), int(border["end"])))

    def _doubt(self, place: Partition, border: Border) -> None:
        doubts = self._doubts.setdefault(place, [])
        if border not in doubts:
            doubts.append(border)

    def _note_borders(self, rows: Table) -> None:
        """Doubt each record's end behind which one of a newer epoch was read: there the log may have been cut."""
        places = self.reading.places
        risen = (self._borders["epoch"] >= 0) & (places["epoch"] > self._borders["epoch"])
        for index in np.flatnonzero(risen).tolist():
            mine = (rows["topic"] == places["topic"][index]) & (rows["partition"] == places["partition"][index])
            place = self._target.named(int(places["topic"][index])), int(places["partition"][index])
            last = Border(*self._borders[index].tolist())
            for offset, epoch in rows[["offset", "epoch"]][mine & (rows["error"] == 0)].tolist():
                if epoch > last.epoch:
                    self._doubt(place, last)
                last = Border(epoch, offset + 1)
        read = places["epoch"] >= 0
        self._borders["epoch"][read] = places["epoch"][read]
        self._borders["end"][read] = places["last_offset"][read] + 1

    def mend(self, edge: threading.Lock, clock: Clock) -> None:
        """Where a log was cut or has expired under the reader, book it and go on from where the log is now."""
        ends = self._ends.ask({place: doubts[0].epoch for place, doubts in self._doubts.items()})
        with edge:
            self._hear(ends)
            stood = {place: self._next(place) for place in self._stopped}  # before ends are asked for: some read on
        now = time.monotonic()
        still = {place for place, at in self._stopped.items() if at <= now and place not in self._doubts}
        marks = {place: both for place in still | self._cuts.keys() if (both := self._watermarks(place))}
        with edge:
            for place, both in marks.items():
                self._mend(place, self._cuts.pop(place, None), both, stood.get(place, -1), clock)
                self._stopped.pop(place, None)
            if marks:
                self._assign()

    def _hear(self, ends: Mapping[Partition, int]) -> None:
        """What leaders have said of the oldest doubts."""
        for place, end in ends.items():
            border, *others = self._doubts.pop(place)
            if end < border.end:
                self._cuts[place] = end, border.end
            elif others:
                self._doubts[place] = others
            else:
                self.reading.places["touched"][self._index(place)] = 1  # that its end may be told

    def _watermarks(self, place: Partition) -> tuple[int, int] | None:
        try:
            return rk.watermarks(self._reader.handle, *place, _ASK_SECONDS)
        except rk.KafkaError:  # no leader yet
            if place in self._stopped:
                self._stopped[place] = time.monotonic() + _RETRY_SECONDS
            return None

    def _mend(
        self, place: Partition, cut: tuple[int, int] | None, marks: tuple[int, int], stood: int, clock: Clock
    ) -> None:
        low, high = marks
        topic, partition, position = self._target.topics[place[0]].ordinal, place[1], self._next(place)
        if cut is None and stood > high and self._borders["epoch"][self._index(place)] < 0:
            cut = high, position  # nobody knows in which epoch was read what is gone
        if position < 0:  # nothing was read yet, so nothing is missed
            self._stand(place, low)
        elif cut is not None:
            end, read = cut
            self.reading.note(Kind.TRUNCATED, topic, partition, offset=end, count=read - end, at=clock.wall())
            base = end // BLOCK * BLOCK  # a block is the unit of re-reading
            if base < low:
                self.reading.note(Kind.EXPIRED, topic, partition, offset=low, count=low - base, at=clock.wall())
            self._borders[self._index(place)] = -1, -1
            self._stand(place, max(low, base))
        elif position < low:
            self.reading.note(Kind.EXPIRED, topic, partition, offset=low, count=low - position, at=clock.wall())
            self._stand(place, low)
        else:
            self._stand(place, position)

    def look_again(self, edge: threading.Lock) -> None:
        """Fetch anew from where the pass stands, and doubt that its log is still the one that was read: so the end of
        every partition, an idle one too, is told anew."""
        with edge:
            self.reading.places["at_end"] = 0
            for place in self._places:
                border = Border(*self._borders[self._index(place)].tolist())
                if border.epoch >= 0:
                    self._doubt(place, border)
        self._assign()

    def positions(self) -> Counts:
        """Where the pass stands, for each partition of the target (-1: nowhere yet)."""
        return self.reading.places["position"].copy()

    def hold_below(self, limits: Counts) -> None:
        """Pause what has come to its limit and let the rest go on. What was fetched ahead of a pause is fetched again:
        else what librdkafka holds ready would be judged, as it was when it was young. It lets go of that when it is asked
        for the next record."""
        reached = self._ahead(limits) <= 0
        new = reached & ~self._paused
        rk.pause(self._reader.handle, self._those(new))
        self._stale |= dict.fromkeys(np.flatnonzero(new).tolist(), 1)
        rk.resume(self._reader.handle, self._those(self._paused & ~reached))
        self._paused = reached

    def cut(self, at: int) -> Part:
        """What was read since the last cut. No end is told of a log that may be another one."""
        tables = self.reading.cut(at)
        told = tables["positions"]
        for index in np.flatnonzero(told["at_end"]).tolist():
            place = self._target.named(int(told["topic"][index])), int(told["partition"][index])
            told["at_end"][index] = place not in self._doubts and place not in self._cuts
        counts = self.reading.cut_counts()
        latencies = cut_latencies(**{f"end to end {self.name}": self.reading.latency})
        return Part(version=0, at=at, reading=self.name, counts=counts, latencies=latencies, **tables)

    def close(self) -> None:
        """The clients are gone."""
        self._ends.close()
        self._reader.close()


class Trail:
    """Where the first pass stood some time ago: how far the second may read."""

    def __init__(self) -> None:
        self._stood: deque[tuple[float, Counts]] = deque()

    def note(self, now: float, positions: Counts) -> None:
        """The first pass stands there now."""
        self._stood.append((now, positions))

    def limits(self, now: float, seconds: float) -> Counts | None:
        """Where it stood so many seconds ago, or at its lowest since then, for a log that was cut is young beyond the cut;
        None if nothing was noted so long ago. What is older is forgotten."""
        while len(self._stood) > 1 and self._stood[1][0] <= now - seconds:
            self._stood.popleft()
        known = bool(self._stood) and self._stood[0][0] <= now - seconds
        return np.min([stood for _, stood in self._stood], axis=0) if known else None


class Auditor:
    """A `Worker` that fills the log account: own offsets, no group, read_uncommitted, no reset."""

    def __init__(
        self, name: str, target: Target, *, sabotage: dict[str, Honest] | None = None, clock: Clock | None = None
    ) -> None:
        self.name = name
        self._target = target
        self._sabotage = sabotage or {}
        self._clock = clock or Clock()
        self._course: Course[Auditors] = Course()
        self._books = Books(name, self._clock)
        self._passes: list[Pass] = []
        self._trail = Trail()
        self._next_look = self._next_portion = 0.0

    def apply(self, revision: int, spec: Auditors) -> None:
        """Take that slice; the same partitions with another `trailing` are read on without a break.

        With 0, a drain, the second pass reads on to the end, and both passes tell every partition's end anew.
        """
        self._course.set(revision, spec)

    def stop(self) -> None:
        """Ask `run` to return."""
        self._course.stop()

    def collect(self, confirmed: int) -> Tally:
        """Every part after `confirmed`; the newest two, one for each pass, are cut now."""
        return self._books.collect(confirmed, lambda at: [one.cut(at) for one in self._passes] or [Part(0, at)])

    def run(self) -> None:
        """Read until stopped. Raises ValueError on a property that librdkafka refuses."""
        try:
            while (spec := self._course.next()) is not None:
                self._adopt(spec)
                while self._course.holds:
                    self._step()
        finally:
            for one in self._passes:
                one.close()

    def _adopt(self, spec: Auditors) -> None:
        self._spec = spec
        if not self._passes:
            passes = [Pass(name, self._target, spec, self._sabotage.get(name)) for name in (FIRST, SECOND)]
            with self._books.edge:
                self._passes = passes
            self._no_limits = np.full(len(passes[0].reading.places), np.iinfo(np.int64).max)
            self._limits = np.zeros_like(self._no_limits)
        elif spec.trailing == 0:
            for one in self._passes:
                one.look_again(self._books.edge)
        self._next_look = self._next_portion = 0.0

    def _step(self) -> None:
        first, second = self._passes
        now = time.monotonic()
        if now >= self._next_look:
            self._next_look = now + self._spec.look
            self._look(first, second, now)
        if busy := second.take_below(self._limits):
            self._book(second, busy)
            second.hold_below(self._limits)
        if count := first.take(0.0 if busy else _IDLE_POLL):
            self._book(first, count)

    def _book(self, one: Pass, count: int) -> None:
        with self._books.edge:
            errors = one.book(count, self._clock)
            self._books.counts.update(f"error {rk.error_name(int(row['error']))}" for row in errors)

    def _look(self, first: Pass, second: Pass, now: float) -> None:
        self._trail.note(now, first.positions())
        if now >= self._next_portion:
            self._next_portion = now + self._spec.portion
            allowed = self._no_limits if self._spec.trailing == 0 else self._trail.limits(now, self._spec.trailing)
            self._limits = np.zeros_like(self._no_limits) if allowed is None else allowed
        if self._spec.trailing:
            self._limits = np.minimum(self._limits, first.positions())  # a log that was cut is young beyond the cut
        for one in (first, second):
            one.mend(self._books.edge, self._clock)
        second.hold_below(self._limits)
