"""The transacting worker: copies its input exactly once, partition by partition, with a planned share of aborts."""

import time
from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np

from actors import librdkafka as rk
from actors import rows as layouts
from actors import transactional
from actors.calls import Calls
from actors.claiming import Claiming
from actors.drawing import draw
from actors.fates import Fates, Sent
from actors.librdkafka import Place
from actors.pace import Clock
from actors.reader import LEAVE_SECONDS, Reader
from actors.reading import Reading
from actors.record import Flag
from actors.rows import STREAM_SHIFT
from actors.sabotage import Honest
from actors.spec import Transactors, transactional_id
from actors.tally import COMMITS, Fate, Life, Outcome, Part, Table, Tally
from actors.target import Target
from actors.worker import Books, Course, cut_latencies
from actors.writer import Writer

_POLL: Final = 0.1
_CALL_SECONDS: Final = 5.0  # a call to the coordinator returns by then and is made again
_RENEWAL_PAUSE: Final = 0.5
_IDLE_MS: Final = 60_000
_WRITING: Final = ("linger.", "batch.", "message.", "compression.")  # properties that a reader does not have


class Segment(NamedTuple):
    """Neighbouring input records of one client and one partition: rows start..stop of a batch."""

    start: int
    stop: int
    topic: int
    partition: int
    client: int


class LostError(Exception):
    """The client or the fate of its transaction is lost; a new client joins the group where it stands."""


class Transactor:
    """A `Worker` that consumes, copies and commits in transactions; input topic i is copied to output topic i.

    Its transactional id is made of its group and its slice's index: who takes its place fences it.
    """

    def __init__(
        self, name: str, target: Target, *, sabotage: Honest | None = None, clock: Clock | None = None
    ) -> None:
        self.name = name
        self._target = target
        self._sabotage = sabotage or Honest()
        self._clock = clock or Clock()
        self._course: Course[Transactors] = Course()
        self._books = Books(name, self._clock)
        self._claiming = Claiming()
        self._reading = Reading({place.ordinal: place.partitions for place in target.topics.values()}, committed=True)
        self._spec: Transactors | None = None
        self._batch: rk.Batch | None = None
        self._streams: dict[tuple[int, int, int], int] = {}
        self._begun: set[tuple[int, int]] = set()  # topics and partitions of which the client has a record acknowledged
        self._owned: dict[tuple[int, int], int] = {}
        self._fates = Fates()
        self._commits: list[tuple[int, int, int, int]] = []
        self._stints = 0
        self._opened = False
        self._transaction = 0

    def apply(self, revision: int, spec: Transactors) -> None:
        """Take that slice from the next transaction on."""
        self._course.set(revision, spec)

    def stop(self) -> None:
        """Ask `run` to end the open transaction, to leave the group and to return."""
        self._course.stop()

    def collect(self, confirmed: int) -> Tally:
        """Every part after `confirmed`, the newest cut now."""
        return self._books.collect(confirmed, self._cut)

    def run(self) -> None:
        """Copy until stopped. Raises ValueError or KafkaError where the first spec's clients cannot be had."""
        try:
            while (spec := self._course.next()) is not None:
                self._adopt(spec)
                while self._course.holds:
                    self._step(spec)
        finally:
            self._close()

    def _adopt(self, spec: Transactors) -> None:
        if len(spec.of) != len(spec.to):
            raise ValueError(f"{len(spec.of)} topics are copied to {len(spec.to)}: one output for each input is needed")
        for source, copy in zip(spec.of, spec.to, strict=True):
            if self._target.topics[source].partitions != self._target.topics[copy].partitions:
                raise ValueError(f"topics {source} and {copy} differ in partitions: copies keep their partition")
        before, self._spec = self._spec, spec
        if before is None:
            self._outputs = {
                self._target.topics[source].ordinal: copy for source, copy in zip(spec.of, spec.to, strict=True)
            }
            self._open(spec)

    def _open(self, spec: Transactors) -> None:
        places = [(copy, partition) for copy in spec.to for partition in range(self._target.topics[copy].partitions)]
        properties = {
            "message.timeout.ms": str(int(spec.timeout * 1000)),
            # Silent connections end: librdkafka looks again at a call that it holds when any connection comes or goes.
            "connections.max.idle.ms": str(_IDLE_MS),
            **spec.properties,
            "transactional.id": transactional_id(spec.group, spec.index or 0),
            "transaction.timeout.ms": str(int(spec.timeout * 1000)),
        }
        self._reader = Reader(self._target, _reading_properties(spec), self._reading, on_rebalance=self._rebalanced)
        try:
            self._writer = Writer(self._target, properties, places, Claiming())
        except BaseException:
            self._reader.close()
            raise
        self._calls = Calls()
        self._opened, self._begun = True, set()
        self._books.life(self._writer.number, Life.OPEN)
        transactional.init(self._writer.handle, max(spec.timeout, _CALL_SECONDS))
        rk.subscribe(self._reader.handle, spec.of)

    def _close(self) -> None:
        if not self._opened:
            return
        self._opened = False
        self._reader.close(wait=rk.leave(self._reader.handle, LEAVE_SECONDS))
        self._writer.purge()
        self._drain(_CALL_SECONDS)
        if event := self._writer.fatal():
            self._books.fatal(self._writer.number, event.code)
        self._calls.then(self._writer.close)
        self._books.life(self._writer.number, Life.CLOSED)

    def _rebalanced(self, assigned: bool, places: list[Place], lost: bool) -> None:  # noqa: ARG002, FBT001
        with self._books.edge:
            for place in places:
                key = (self._target.topics[place.topic].ordinal, place.partition)
                if assigned:
                    self._reading.learn(*key, self._clock.wall())
                    self._stand(key, -1)
                else:
                    self._owned.pop(key, None)

    def _stand(self, place: tuple[int, int], position: int) -> None:
        self._stints += 1
        self._owned[place] = self._stints
        self._reading.stand(*place, position, self._stints)

    def _step(self, spec: Transactors) -> None:
        if not self._opened:
            self._reopen(spec)
            return
        count = self._reader.take(_POLL, spec.records_per_transaction)
        if count == 0:
            self._drain(0)
            return
        self._batch = self._reader.copy(count, self._batch)
        with self._books.edge:
            errors = self._reader.book(count, self._clock)
        self._books.errors([rk.Event(int(row["error"]), "", fatal=False) for row in errors])
        rows = self._reader.rows[:count]
        if (rows["error"] == rk.FATAL).any():
            self._lose(LostError("its reader met a fatal error"))
            return
        if not (rows["error"] == 0).any():
            return
        try:
            self._transact(spec, self._batch, rows)
        except (LostError, rk.KafkaError) as problem:
            self._lose(problem)

    def _lose(self, problem: Exception) -> None:
        with self._books.edge:
            self._books.counts[f"lost client: {problem}"] += 1
        self._close()

    def _reopen(self, spec: Transactors) -> None:
        time.sleep(_RENEWAL_PAUSE)
        try:
            self._open(spec)
        except rk.KafkaError as problem:  # the cluster does not answer: asked again by the next step
            self._lose(problem)

    def _transact(self, spec: Transactors, batch: rk.Batch, rows: Table) -> None:
        """One transaction over all rows: produced, reported, its offsets sent, and ended as planned."""
        self._transaction += 1
        planned = int(draw(self._writer.number, self._transaction)) / 2**64 >= spec.aborts
        segments = self._segments(rows)
        self._fates.begin()
        transactional.begin(self._writer.handle)
        try:
            self._mark(batch, rows, segments, Flag.COPY if planned else Flag.COPY | Flag.WILL_ABORT)
            whole = self._produce(spec, batch, segments)
            self._wait_for_reports(spec)
            fate = self._end(spec, rows, commit=whole and self._sabotage.commits(planned=planned))
        except (LostError, rk.KafkaError):
            self._tell(Fate.UNKNOWN)
            raise
        self._tell(self._sabotage.told(fate) if whole else fate)
        if fate == Fate.ABORTED:
            self._go_back(rows)

    def _wait_for_reports(self, spec: Transactors) -> None:
        self._drain(spec.timeout)
        if self._writer.in_flight or self._writer.fatal():
            raise LostError("a transaction has unreported records")

    def _segments(self, rows: Table) -> list[Segment]:
        """Runs of sound records with one client and partition; what is not sound is not copied."""
        sound = (rows["error"] == 0) & (rows["check"] == 0)
        goes_on = np.zeros(len(rows), np.bool_)
        goes_on[1:] = sound[1:] & sound[:-1] & (rows["sequence"][1:] == rows["sequence"][:-1] + 1)
        for name in ("client", "partition", "topic"):
            goes_on[1:] &= rows[name][1:] == rows[name][:-1]
        starts = np.flatnonzero(~goes_on)
        stops = np.append(starts[1:], len(rows))
        return [
            Segment(start, stop, *(int(rows[name][start]) for name in ("topic", "partition", "client")))
            for start, stop in zip(starts.tolist(), stops.tolist(), strict=True)
            if sound[start]
        ]

    def _mark(self, batch: rk.Batch, rows: Table, segments: list[Segment], flags: Flag) -> None:
        """As copies of this transaction, each with its stream and sequence."""
        count, low = len(rows), np.uint64(0xFFFF00FF)
        marks = np.uint64(int(flags) << 8 | self._transaction << 32)
        batch.values[:count, 0] = (batch.values[:count, 0] & low) | marks
        layouts.seal(batch.values, batch.sizes, batch.keys, batch.key_size, count)
        for segment in segments:
            stream = np.uint64(self._stream(segment) << STREAM_SHIFT)
            sequences = rows["sequence"][segment.start : segment.stop].astype(np.uint64)
            batch.opaque[segment.start : segment.stop] = stream | sequences

    def _produce(self, spec: Transactors, batch: rk.Batch, segments: list[Segment]) -> bool:
        """Whether all are on their way: not so where the first records in new partitions, behind which nothing is sent until
        they are acknowledged (`actors.rotation` says why), are not."""
        new = {(one.topic, one.partition): one for one in reversed(segments)}
        firsts = [one for place, one in new.items() if place not in self._begun]
        for segment in firsts:
            self._send(batch, segment._replace(stop=segment.start + 1))
        if firsts:
            self._wait_for_reports(spec)
            if any(self._claiming.streams[self._stream(one)]["outcome"] != Outcome.ACKNOWLEDGED for one in firsts):
                return False
            self._begun |= new.keys()
        for segment in segments:
            self._send(batch, segment._replace(start=segment.start + (segment in firsts)))
        return True

    def _send(self, batch: rk.Batch, segment: Segment) -> None:
        count = segment.stop - segment.start
        if not count:
            return
        stream = self._stream(segment)
        handle, topic = self._writer.topic(self._outputs[segment.topic])
        sequences = batch.opaque[segment.start : segment.stop] & np.uint64((1 << STREAM_SHIFT) - 1)
        first, last = int(sequences.min()), int(sequences.max())
        self._fates.send(Sent(stream, segment.client, segment.partition, topic.ordinal, first, last))
        with self._books.edge:
            self._claiming.copy(stream, last)
        if batch.produce(handle, segment.partition, segment.start, count) < count:
            raise LostError("records of a transaction were not taken")

    def _stream(self, segment: Segment) -> int:
        key = (segment.client, segment.topic, segment.partition)
        if key not in self._streams:
            ordinal = self._target.topics[self._outputs[segment.topic]].ordinal
            with self._books.edge:
                (self._streams[key],) = self._claiming.open(segment.client, [(ordinal, segment.partition)])
        return self._streams[key]

    def _drain(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while True:
            count, events = self._writer.poll(_POLL if self._writer.in_flight and seconds else 0)
            self._fates.hear(self._writer.reports.rows[:count])
            with self._books.edge:
                self._claiming.fold(self._writer.reports.rows, count, self._clock.wall())
            self._books.errors(events)
            done = not count and not events and (not seconds or not self._writer.in_flight)
            if done or time.monotonic() > deadline or any(event.fatal for event in events):
                return

    def _end(self, spec: Transactors, rows: Table, *, commit: bool) -> Fate:
        """Commit (with the offsets) or abort; what the cluster makes abortable is aborted."""
        if commit:
            try:
                offsets = self._offsets(rows)
                self._insist(
                    spec,
                    lambda: transactional.send_offsets(
                        self._writer.handle, self._reader.handle, offsets, _CALL_SECONDS
                    ),
                )
                self._insist(spec, lambda: transactional.end(self._writer.handle, _CALL_SECONDS, commit=True))
            except rk.KafkaError as error:
                if not error.abort:
                    raise
            else:
                self._book_commits(offsets)
                return Fate.COMMITTED
        self._insist(spec, lambda: transactional.end(self._writer.handle, _CALL_SECONDS, commit=False))
        return Fate.ABORTED

    def _insist(self, spec: Transactors, call: Callable[[], None]) -> None:
        """Make a call again while librdkafka says that it may be made again, for as long as a transaction may take.

        librdkafka holds `send_offsets` beyond its time-out, even for ever, where the group's coordinator was the one that it
        remembers and has left the cluster since: such a client is given up.
        """
        deadline = time.monotonic() + spec.timeout
        while True:
            try:
                return self._calls.make(call, spec.timeout + _CALL_SECONDS)
            except TimeoutError as error:
                raise LostError("its coordinator does not answer") from error
            except rk.KafkaError as error:
                if not error.retriable or time.monotonic() > deadline:
                    raise

    def _offsets(self, rows: Table) -> list[Place]:
        good = rows[rows["error"] == 0]
        last: dict[tuple[int, int], int] = {}
        for topic, partition in np.unique(good[["topic", "partition"]]).tolist():
            here = (good["topic"] == topic) & (good["partition"] == partition)
            last[topic, partition] = int(good["offset"][here].max()) + 1
        return [Place(self._target.named(topic), partition, offset) for (topic, partition), offset in last.items()]

    def _book_commits(self, offsets: list[Place]) -> None:
        with self._books.edge:
            for place in offsets:
                ordinal = self._target.topics[place.topic].ordinal
                stint = self._owned.get((ordinal, place.partition), 0)
                self._commits.append((ordinal, place.partition, stint, place.offset))

    def _tell(self, fate: Fate) -> None:
        with self._books.edge:
            self._fates.end(fate, self._transaction, self._writer.number)
            self._books.counts[f"transactions {fate.name.lower()}"] += 1

    def _go_back(self, rows: Table) -> None:
        """An aborted transaction's input is read again, by whoever owns it now."""
        good = rows[rows["error"] == 0]
        begins: dict[tuple[int, int], int] = {}
        for row in good[::-1]:
            begins[int(row["topic"]), int(row["partition"])] = int(row["offset"])
        mine = {place: offset for place, offset in begins.items() if place in self._owned}
        places = [Place(self._target.named(topic), partition, offset) for (topic, partition), offset in mine.items()]
        if places:
            rk.seek(self._reader.handle, places, _CALL_SECONDS)
        with self._books.edge:
            for place, offset in mine.items():
                self._stand(place, offset)

    def _cut(self, at: int) -> list[Part]:
        attempts, claims = self._claiming.cut()
        tables = self._reading.cut(at)
        fates = self._fates.cut()
        commits = np.array(self._commits, COMMITS)
        self._commits.clear()
        latencies = cut_latencies(service=self._claiming.service)
        counts = {**self._reading.cut_counts(), **self._claiming.cut_counts()}
        return [
            Part(
                0, at, reading=self._spec.group if self._spec else "", attempts=attempts, claims=claims, fates=fates,
                commits=commits, counts=counts, latencies=latencies, **tables,
            )
        ]  # fmt: skip


def _reading_properties(spec: Transactors) -> dict[str, str]:
    usual = {"partition.assignment.strategy": "cooperative-sticky"} if spec.protocol == "classic" else {}
    fixed = {"group.id": spec.group, "group.protocol": spec.protocol, "isolation.level": "read_committed"}
    reading = {name: value for name, value in spec.properties.items() if not name.startswith(_WRITING)}
    return {**usual, **reading, **fixed, "auto.offset.reset": "earliest"}
