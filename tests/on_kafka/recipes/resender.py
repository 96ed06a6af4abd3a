"""An application that sends a failed record again, the very same bytes, behind all that it has sent since."""

import time
from collections import deque
from typing import Final, TypeAlias

from actors.claiming import Claiming
from actors.composer import Composer, Identity, Times
from actors.pace import Clock
from actors.spec import Producers
from actors.tally import Life, Outcome, Part, Tally
from actors.target import Target
from actors.worker import Books, Course
from actors.writer import Writer

_AT_ONCE: Final = 10  # records
_EVERY: Final = 0.01  # seconds
_POLL: Final = 0.005
_LAST_SECONDS: Final = 60.0
_Failed: TypeAlias = tuple[int, int]  # sequence, intended: all of a record follows from these


class Resender:
    """A `Worker` that writes a thousand records a second to partition 0, until each is acknowledged."""

    def __init__(self, name: str, target: Target) -> None:
        self.name = name
        self.resent = 0
        self._target = target
        self._clock = Clock()
        self._books = Books(name, self._clock)
        self._course: Course[Producers] = Course()
        self._claiming = Claiming()
        self._failed: deque[_Failed] = deque(maxlen=100_000)

    def apply(self, revision: int, spec: Producers) -> None:
        """Take the topic, the size and the properties of that spec."""
        self._course.set(revision, spec)

    def stop(self) -> None:
        """Ask `run` to return once all is acknowledged."""
        self._course.stop()

    def collect(self, confirmed: int) -> Tally:
        """Every part after `confirmed`, the newest cut now."""
        return self._books.collect(confirmed, self._cut)

    def run(self) -> None:
        """Write until stopped."""
        spec = self._course.next()
        assert spec is not None
        self._open(spec)
        while self._course.holds:
            due = time.monotonic() + _EVERY
            with self._books.edge:
                first = self._claiming.attempt(self._stream, _AT_ONCE)
            self._send(first, _AT_ONCE, self._clock.wall())
            self._turn()
            while time.monotonic() < due:
                self._drain()
        self._end()

    def _open(self, spec: Producers) -> None:
        (topic,) = spec.to
        properties = {**spec.properties, "enable.idempotence": "true", "acks": "all"}
        with self._books.edge:
            self._writer = Writer(self._target, properties, [(topic, 0)], self._claiming)
        self._books.life(self._writer.number, Life.OPEN)
        self._handle, place = self._writer.topic(topic)
        self._stream = self._writer.stream(topic, 0)
        self._identity = Identity(self._target.run, self._writer.number, place.ordinal, 0, self._stream)
        self._composer = Composer(spec.size, spec.keys, spec.compressible)

    def _send(self, first: int, count: int, intended: int) -> None:
        self._composer.compose(self._identity, first, count, Times(intended))
        assert self._composer.batch.produce(self._handle, 0, 0, count) == count

    def _drain(self) -> None:
        count, _ = self._writer.poll(_POLL)
        rows = self._writer.reports.rows[:count]
        with self._books.edge:
            self._claiming.fold(rows, count, self._clock.wall())
        failed = rows[rows["outcome"] != Outcome.ACKNOWLEDGED]
        self._failed.extend(zip(failed["sequence"].tolist(), failed["intended"].tolist(), strict=True))

    def _turn(self) -> None:
        """What has failed goes to the tail."""
        while self._failed:
            sequence, intended = self._failed.popleft()
            self._send(sequence, 1, intended)
            self.resent += 1

    def _end(self) -> None:
        deadline = time.monotonic() + _LAST_SECONDS
        while self._writer.in_flight or self._failed:
            assert time.monotonic() < deadline, f"{self._writer.in_flight} records had no last report"
            self._drain()
            self._turn()
        self._writer.close()
        self._books.life(self._writer.number, Life.CLOSED)

    def _cut(self, at: int) -> list[Part]:
        attempts, claims = self._claiming.cut()
        return [Part(0, at, attempts=attempts, claims=claims, counts=self._claiming.cut_counts())]
