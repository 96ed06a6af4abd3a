"""The consuming worker: a member of a group whose offsets are committed exactly where a tally is known to have arrived."""

import math
import time
from collections import deque
from typing import Final

import numpy as np

from actors import librdkafka as rk
from actors.commits import Commits
from actors.librdkafka import Place
from actors.pace import Clock
from actors.reader import LEAVE_SECONDS, MOST, Reader
from actors.reading import Reading
from actors.sabotage import Honest
from actors.spec import Consumers
from actors.tally import COMMITS, Part, Tally
from actors.target import Target
from actors.units import Rate
from actors.worker import Books, Course, cut_latencies

_POLL: Final = 0.05
_RENEWAL_PAUSE: Final = 0.5
_Stand = dict[tuple[str, int], tuple[int, int]]  # place: (position, stint)


class Allowance:
    """A limit of records or bytes a second; what is not used within a second (or the time of one record) is lost."""

    def __init__(self, rate: Rate, now: int) -> None:
        self._rate = rate
        self._looked = now
        self._left = 0.0
        self._records, self._bytes = 1, 1024  # a first guess of a record's size

    def most(self, now: int) -> int:
        """How many records may be taken at `now` (monotonic, ns); in bytes, the last one may go beyond the limit."""
        if self._rate.amount is None:
            return MOST
        second = float(self._rate.amount)
        self._left = min(self._left + second * (now - self._looked) / 1e9, max(second, 1.0))
        self._looked = now
        size = self._bytes / self._records if self._rate.unit == "bytes" else 1.0
        return min(MOST, max(0, math.ceil(self._left / size) if size > 1 else int(self._left)))

    def spend(self, records: int, size: int) -> None:
        """So much was taken."""
        self._records += records
        self._bytes += size
        self._left -= size if self._rate.unit == "bytes" else records


class Consumer:
    """A `Worker` that reads as a member of a group. A fatal error gives it a new client in the same group."""

    def __init__(
        self, name: str, target: Target, *, sabotage: Honest | None = None, clock: Clock | None = None
    ) -> None:
        self.name = name
        self._target = target
        self._sabotage = sabotage or Honest()
        self._clock = clock or Clock()
        self._course: Course[Consumers] = Course()
        self._books = Books(name, self._clock)
        self._spec: Consumers | None = None
        self._reading = Reading({place.ordinal: place.partitions for place in target.topics.values()})
        self._owned: dict[tuple[str, int], int] = {}  # place: stint
        self._stints = 0
        self._stands: deque[tuple[int, _Stand]] = deque()
        self._committed: list[tuple[int, int, int, int]] = []  # since the last cut
        self._allowance = Allowance(Rate(), 0)
        self._opened = False

    def apply(self, revision: int, spec: Consumers) -> None:
        """Take that slice from the next batch on; a paused member stays in its group."""
        self._course.set(revision, spec)

    def stop(self) -> None:
        """Ask `run` to leave the group and to return."""
        self._course.stop()

    def collect(self, confirmed: int) -> Tally:
        """Every part after `confirmed`, the newest cut now; what was read up to `confirmed` is committed by `run`."""
        return self._books.collect(confirmed, self._cut)

    def run(self) -> None:
        """Read until stopped. Raises ValueError on a property that librdkafka refuses."""
        try:
            while (spec := self._course.next()) is not None:
                self._adopt(spec)
                while self._course.holds:
                    self._step(spec)
        finally:
            if self._opened:
                self._leave()

    def _adopt(self, spec: Consumers) -> None:
        before, self._spec = self._spec, spec
        if before is None:
            self._reading.committed = spec.isolation == "read_committed"
            self._open(spec)
        if before is None or before.rate != spec.rate:
            self._allowance = Allowance(spec.rate, self._clock.mono())
        self._pause(spec)

    def _open(self, spec: Consumers) -> None:
        self._reader = Reader(
            self._target, _properties(spec), self._reading, sabotage=self._sabotage, on_rebalance=self._rebalanced
        )
        self._commits = Commits(self._reader.handle)
        self._opened = True
        rk.subscribe(self._reader.handle, spec.of)

    def _leave(self) -> None:
        self._commit_confirmed()
        left = rk.leave(self._reader.handle, LEAVE_SECONDS)
        self._book_commits()
        self._close(wait=left)
        if not left:
            with self._books.edge:
                self._books.counts["left without a word"] += 1

    def _close(self, *, wait: bool) -> None:
        self._opened = False
        self._commits.close()
        self._reader.close(wait=wait)

    def _pause(self, spec: Consumers) -> None:
        (rk.pause if spec.paused else rk.resume)(self._reader.handle, [Place(*place) for place in self._owned])

    def _rebalanced(self, assigned: bool, places: list[Place], lost: bool) -> None:  # noqa: ARG002, FBT001
        """Called in `take`, so by the thread that folds: a stint begins and ends exactly between two batches."""
        with self._books.edge:
            for place in places:
                key = (place.topic, place.partition)
                if assigned:
                    self._stints += 1
                    self._owned[key] = self._stints
                    ordinal = self._target.topics[place.topic].ordinal
                    self._reading.learn(ordinal, place.partition, self._clock.wall())
                    self._reading.stand(ordinal, place.partition, -1, self._stints)
                else:
                    self._owned.pop(key, None)
            self._books.counts["assigned" if assigned else "revoked"] += len(places)
        self._fresh |= assigned

    def _step(self, spec: Consumers) -> None:
        self._commit_confirmed()
        self._book_commits()
        most = self._allowance.most(self._clock.mono())
        if most == 0:
            time.sleep(_POLL / 5)
            return
        self._fresh = False
        count = self._reader.take(_POLL, most)
        if self._fresh and spec.paused:
            self._pause(spec)
        if count:
            self._read(spec, count)

    def _read(self, spec: Consumers, count: int) -> None:
        with self._books.edge:
            before = self._reading.sums.copy()
            errors = self._reader.book(count, self._clock)
            self._allowance.spend(*(self._reading.sums - before)[:2].tolist())
            self._books.counts.update(f"error {rk.error_name(int(row['error']))}" for row in errors)
        if any(row["error"] == rk.FATAL for row in errors):
            self._renew(spec)

    def _renew(self, spec: Consumers) -> None:
        """The client is dead for ever: a new one joins the group."""
        event = rk.fatal_error(self._reader.handle)
        self._books.fatal(0, event.code if event else rk.FATAL)
        self._book_commits()
        self._close(wait=False)
        with self._books.edge:
            self._owned.clear()
        time.sleep(_RENEWAL_PAUSE)
        self._open(spec)

    def _cut(self, at: int) -> list[Part]:
        tables = self._reading.cut(at)
        commits = np.array(self._committed, COMMITS)
        self._committed.clear()
        self._stands.append((self._books.outbox.next_version, self._stand()))
        group = self._spec.group if self._spec else ""
        latencies = cut_latencies(**{"end to end": self._reading.latency})
        counts = self._reading.cut_counts()
        return [Part(0, at, reading=group, commits=commits, counts=counts, latencies=latencies, **tables)]

    def _stand(self) -> _Stand:
        stand = {}
        for place, stint in self._owned.items():
            position = int(self._reading.place(self._target.topics[place[0]].ordinal, place[1])["position"])
            if position >= 0:
                stand[place] = (position, stint)
        return stand

    def _commit_confirmed(self) -> None:
        confirmed, stand = self._books.outbox.confirmed, None
        while self._stands and self._stands[0][0] <= confirmed:
            _, stand = self._stands.popleft()
        mine = {place: both for place, both in (stand or {}).items() if self._owned.get(place) == both[1]}
        if mine:
            self._commits.ask({Place(*place, offset): stint for place, (offset, stint) in mine.items()})

    def _book_commits(self) -> None:
        """Book what the coordinator has answered. What it refused is not asked for again: a later stand will be."""
        for asked, error in self._commits.answers():
            with self._books.edge:
                if error:
                    self._books.counts[f"commit refused {rk.error_name(error)}"] += 1
                    continue
                self._committed += [
                    (self._target.topics[place.topic].ordinal, place.partition, stint, place.offset)
                    for place, stint in asked.items()
                ]


def _properties(spec: Consumers) -> dict[str, str]:
    """The client properties that the spec means."""
    fixed = {
        "group.id": spec.group,
        "group.protocol": spec.protocol,
        "isolation.level": spec.isolation,
        "auto.offset.reset": spec.begin,
    }
    usual = {"partition.assignment.strategy": "cooperative-sticky"} if spec.protocol == "classic" else {}
    return {**usual, **spec.properties, **fixed}
