"""The producing worker: an open-loop schedule, records that prove themselves, and every report folded into claims."""

import time
from collections.abc import Iterable
from typing import Final

import numpy as np

from actors import librdkafka as rk
from actors import readiness
from actors.claiming import Claiming
from actors.composer import Composer, Identity, Times
from actors.deferral import Deferral, Slice
from actors.lag import Lag
from actors.pace import UNLIMITED, Clock, Pace, Slot, Watch
from actors.rotation import Rotation, Turn
from actors.rows import REPORT, STREAM_SHIFT
from actors.sabotage import Honest
from actors.spec import Producers
from actors.tally import Life, Outcome, Part, Table, Tally
from actors.target import Target
from actors.worker import Books, Course, cut_latencies
from actors.writer import Writer

_TICK: Final = 2_000_000  # ns between two looks at the schedule, so that slices are not of one record
_LONGEST_POLL: Final = 0.05
_FULL_QUEUE_POLL: Final = 0.005
_RENEWAL_PAUSE: Final = 0.5
_LAST_REPORTS: Final = 5.0
_IN_FLIGHT_BYTES: Final = 256 << 20


class Producer:
    """A `Worker` that writes. A fatal error gives it a new client and changes nothing else."""

    def __init__(
        self, name: str, target: Target, *, sabotage: Honest | None = None, clock: Clock | None = None
    ) -> None:
        self.name = name
        self._target = target
        self._sabotage = sabotage or Honest()
        self._watch = Watch(clock or Clock())
        self._clock = self._watch.clock
        self._course: Course[Producers] = Course()
        self._books = Books(name, self._clock)
        self._claiming = Claiming()
        self._lag = Lag()
        self._not_offered = 0
        self._next_look = 0
        self._ended = 0  # monotonic ns: when the schedule came to its end; 0 while it runs
        self._spec: Producers | None = None
        self._pace: Pace | None = None
        self._open_now = False  # whether there is a client
        self._dead = False  # whether it met a fatal error
        self._flush_seconds = 0.0

    def apply(self, revision: int, spec: Producers) -> None:
        """Take that slice from the next batch on. Nothing that was due before is forgotten."""
        self._course.set(revision, spec)

    def stop(self) -> None:
        """Ask `run` to send nothing more, to wait for the last reports and to return."""
        self._course.stop()

    def collect(self, confirmed: int) -> Tally:
        """Every part after `confirmed`, the newest cut now."""
        return self._books.collect(confirmed, self._cut)

    def run(self) -> None:
        """Load until stopped. Raises ValueError or KafkaError where a spec's client cannot be had (see `Writer`)."""
        try:
            while (spec := self._course.next()) is not None:
                pace = self._adopt(spec)
                while self._course.holds and spec.partitions:
                    self._step(pace)
        finally:
            self._ended = self._clock.mono()
            self._retire(self._flush_seconds)

    def _adopt(self, spec: Producers) -> Pace:
        before, self._spec = self._spec, spec
        self._bound = max(1, min(spec.in_flight, int(_IN_FLIGHT_BYTES / spec.size.mean)))
        self._places = [(name, partition) for name, some in spec.partitions.items() for partition in some]
        if before is None or not self._open_now or _properties(before) != _properties(spec):
            self._retire(self._flush_seconds)
            self._open(spec)
        else:
            self._hand_over(self._deferral.rest())
            self._writer.widen(self._places)
            self._take_turns(spec)
        self._composer = Composer(spec.size, spec.keys, spec.compressible)  # what was kept back has gone as it was due
        now = self._clock.mono()  # from here on the schedule runs; what is slow to begin with stands above
        if self._pace is None:
            self._pace = Pace(spec.schedule(), watch=self._watch, started=now)
        else:
            self._pace.apply(now, spec.schedule())
        return self._pace

    def _open(self, spec: Producers) -> None:
        properties = _properties(spec)
        self._flush_seconds = float(properties["message.timeout.ms"]) / 1000
        self._writer = Writer(self._target, properties, self._places, self._claiming, edge=self._books.edge)
        self._rotation = Rotation(self._claiming, careful=spec.idempotent)
        self._take_turns(spec)
        self._open_now, self._dead = True, False
        self._books.life(self._writer.number, Life.OPEN)
        readiness.load()  # before the schedule runs

    def _take_turns(self, spec: Producers) -> None:
        self._rotation.set(Turn(*place, self._writer.stream(*place)) for place in self._places)
        paced = spec.schedule() != UNLIMITED  # an unlimited writer always has records behind others
        self._deferral = Deferral(self._claiming, self._writer.linger, on=spec.idempotent and paced)

    def _step(self, pace: Pace) -> None:
        if self._dead:
            self._renew()
            return
        now = self._clock.mono()
        self._hand_over(self._deferral.hear(now))
        in_flight = self._writer.in_flight
        self._rotation.hear(now, idle=not in_flight)
        room = self._bound - in_flight - self._deferral.count
        if not self._rotation.room:
            self._lag.excuse(now)
            self._drain(_FULL_QUEUE_POLL)
        elif room <= self._bound // 4:  # the target is slower: full slices, not crumbs
            self._drain(_FULL_QUEUE_POLL)
        elif now < self._next_look:
            self._drain((self._next_look - now) / 1e9)
        else:
            room = min(room, self._rotation.room)
            slot = pace.take(now, room)
            self._next_look = now if slot.count >= room else now + _TICK
            self._write(slot, now)
            self._drain(0 if slot.count else min(pace.wait(now), _LONGEST_POLL))

    def _write(self, slot: Slot, now: int) -> None:
        with self._books.edge:
            self._lag.add(slot.lag, slot.count, now)
        size = self._composer.room  # full slices to a few partitions: small ones to all become as many small requests
        times = Times(slot.first, slot.step)
        begin = 0
        while begin < slot.count:
            turn, count = self._rotation.next(min(size, slot.count - begin))
            with self._books.edge:
                first = self._claiming.attempt(turn.stream, count)
            piece = Slice(turn, first, count, times.after(begin))
            if not self._deferral.keeps(piece, now):
                self._write_slice(piece)
            begin += count

    def _hand_over(self, pieces: Iterable[Slice]) -> None:
        for piece in pieces:
            self._write_slice(piece)

    def _write_slice(self, piece: Slice) -> None:
        turn = piece.turn
        handle, topic = self._writer.topic(turn.topic)
        identity = Identity(self._target.run, self._writer.number, topic.ordinal, turn.partition, turn.stream)
        self._deferral.written(piece, self._clock.mono())
        self._composer.compose(identity, piece.first, piece.count, piece.times)
        self._send(handle, turn.partition, piece.count)

    def _send(self, topic: rk.Handle, partition: int, count: int) -> None:
        batch, start = self._composer.batch, 0
        while start < count:
            taken = self._sabotage.send(batch, topic, partition, start, count - start)
            if taken == count - start:
                return
            errors = batch.errors[start:count]
            full = np.flatnonzero(errors == rk.QUEUE_FULL)
            stop = int(full[0]) if len(full) else count - start
            refused = np.flatnonzero(errors[:stop])
            self._refuse(batch.opaque[start + refused], errors[refused])
            start += stop
            if len(full) and not self._wait_for_room():
                self._refuse(batch.opaque[start:count], batch.errors[start:count])
                return

    def _wait_for_room(self) -> bool:
        """Poll once; says whether to go on: one that must stop, or is dead, gives up what librdkafka has not taken."""
        self._drain(_FULL_QUEUE_POLL)
        return not (self._course.stopped or self._dead)

    def _refuse(self, opaque: Table, errors: Table) -> None:
        """Book records that librdkafka did not take: they are surely not in the log."""
        rows = np.zeros(len(opaque), REPORT)
        rows["stream"], rows["sequence"] = (
            opaque >> np.uint64(STREAM_SHIFT),
            opaque & np.uint64((1 << STREAM_SHIFT) - 1),
        )
        rows["outcome"], rows["error"], rows["offset"] = int(Outcome.REFUSED), errors, -1
        with self._books.edge:
            self._claiming.fold(rows, len(rows), self._clock.wall())

    def _drain(self, seconds: float) -> None:
        count, events = self._writer.poll(seconds)
        while count or events:
            self._book(count)
            self._books.errors(events)
            self._dead |= any(event.fatal for event in events)
            count, events = self._writer.poll(0)

    def _book(self, count: int) -> None:
        rows = self._writer.reports.rows
        count = self._sabotage.reported(rows, count)
        with self._books.edge:
            self._claiming.fold(rows, count, self._clock.wall())

    def _renew(self) -> None:
        """The client is dead for ever: its last reports, then a new one in its place, once the cluster answers."""
        self._retire(0)
        time.sleep(_RENEWAL_PAUSE)  # a cluster that kills each client at once is not asked without end
        try:
            if self._spec is not None:
                self._open(self._spec)
        except rk.KafkaError as error:
            self._books.errors([rk.Event(error.code, "", fatal=False)])

    def _retire(self, seconds: float) -> None:
        """Wait so long for reports, then purge. What the client has not reported when it is closed it never will."""
        if not self._open_now:
            return
        self._hand_over(self._deferral.rest())
        self._wait_for_reports(seconds)
        self._writer.purge()
        self._wait_for_reports(_LAST_REPORTS)
        if event := self._writer.fatal():
            self._books.fatal(self._writer.number, event.code)
        self._writer.close()
        self._books.life(self._writer.number, Life.CLOSED)
        self._open_now = False

    def _wait_for_reports(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while self._writer.in_flight and time.monotonic() < deadline:
            count, events = self._writer.poll(_LONGEST_POLL)
            self._book(count)
            self._books.errors(events)

    def _cut(self, at: int) -> list[Part]:
        attempts, claims = self._claiming.cut()
        counts = self._claiming.cut_counts()
        if self._pace is not None:
            dropped = self._pace.account(self._ended or self._clock.mono()).not_offered
            counts["not offered"], self._not_offered = dropped - self._not_offered, dropped
        latencies = cut_latencies(
            response=self._claiming.response, service=self._claiming.service, lag=self._lag.counts
        )
        return [Part(version=0, at=at, attempts=attempts, claims=claims, counts=counts, latencies=latencies)]


def _properties(spec: Producers) -> dict[str, str]:
    """The client properties that the spec means."""
    fixed = {"acks": spec.acks, "enable.idempotence": "true" if spec.idempotent else "false"}
    return {"message.timeout.ms": "120000", **spec.properties, **fixed}
