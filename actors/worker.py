"""The contract of a worker, and what every worker has: a course that others set, and books that others collect."""

import threading
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Generic, Protocol, TypeVar

import numpy as np

from actors import latency
from actors import librdkafka as rk
from actors.pace import Clock
from actors.spec import WorkerSpec
from actors.tally import CLIENTS, INCIDENTS, Counts, Kind, Life, Part, Table, Tally

Spec = TypeVar("Spec", bound=WorkerSpec)
Asked_contra = TypeVar("Asked_contra", bound=WorkerSpec, contravariant=True)


class Worker(Protocol[Asked_contra]):
    """One loader: born idle, it loads once a spec is applied; `run` has a thread of its own."""

    def run(self) -> None:
        """Work until stopped; every record that was begun has been reported when this returns."""

    def apply(self, revision: int, spec: Asked_contra) -> None:
        """Change course at the next batch; an older revision than the present one changes nothing."""

    def collect(self, confirmed: int) -> Tally:
        """Every part after `confirmed`, cut now at a batch edge; what is confirmed is forgotten and may be committed."""

    def stop(self) -> None:
        """Ask `run` to come to its end; returns at once."""


class Course(Generic[Spec]):
    """What a worker is asked to do; safe between its own thread and those that ask."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._revision = 0
        self._asked: Spec | None = None
        self.stopped = False

    def set(self, revision: int, spec: Spec) -> None:
        """A new spec awaits the worker, unless it has had one of this revision or a later one."""
        with self._changed:
            if revision > self._revision:
                self._revision, self._asked = revision, spec
                self._changed.notify_all()

    def stop(self) -> None:
        """`next` gives None from now on."""
        with self._changed:
            self.stopped = True
            self._changed.notify_all()

    @property
    def holds(self) -> bool:
        """Whether the worker may go on as it does."""
        return self._asked is None and not self.stopped

    def next(self) -> Spec | None:
        """Wait for a new spec; None once stopped."""
        with self._changed:
            self._changed.wait_for(lambda: not self.holds)
            spec, self._asked = self._asked, None
            return None if self.stopped else spec


class Outbox:
    """The parts that nobody has confirmed yet. Safe between the worker's thread and the collecting one."""

    def __init__(self, worker: str) -> None:
        self._worker = worker
        self._version = 0
        self._confirmed = 0
        self._parts: deque[Part] = deque()
        self._lock = threading.Lock()

    def add(self, part: Part) -> int:
        """The part travels with every tally until it is confirmed; returns the version that it was given."""
        with self._lock:
            self._version += 1
            self._parts.append(replace(part, version=self._version))
            return self._version

    def confirm(self, version: int) -> None:
        """Parts up to `version` have arrived. Raises ValueError on a version that was never sent."""
        with self._lock:
            if version > self._version:
                raise ValueError(f"{self._worker}: tally {version} was confirmed, but {self._version} is the newest")
            self._confirmed = max(self._confirmed, version)
            while self._parts and self._parts[0].version <= version:
                self._parts.popleft()

    @property
    def next_version(self) -> int:
        """The version that the next part will be given."""
        return self._version + 1

    @property
    def confirmed(self) -> int:
        """The newest version that is known to have arrived."""
        return self._confirmed

    def tally(self) -> Tally:
        """All parts that are not confirmed."""
        with self._lock:
            return Tally(self._worker, tuple(self._parts))


class Books:
    """What a worker books beside its records: lives of clients, fatal errors, sums. `edge` is held while books change."""

    def __init__(self, worker: str, clock: Clock) -> None:
        self.edge = threading.Lock()
        self.counts: Counter[str] = Counter()
        self.outbox = Outbox(worker)
        self._clock = clock
        self._lives: list[tuple[int, Life]] = []
        self._fatal: list[tuple[int, int, int]] = []

    def life(self, client: int, life: Life) -> None:
        """A client has come so far."""
        with self.edge:
            self._lives.append((client, life))

    def fatal(self, client: int, code: int) -> None:
        """A client has met its end."""
        with self.edge:
            self._fatal.append((client, code, self._clock.wall()))

    def errors(self, events: list[rk.Event]) -> None:
        """Error events are counted by their names."""
        with self.edge:
            self.counts.update(f"error {rk.error_name(event.code)}" for event in events)

    def collect(self, confirmed: int, cut: Callable[[int], Sequence[Part]]) -> Tally:
        """Confirm, cut parts at a batch edge (`cut` is given the wall clock, ns), and give all that is not confirmed."""
        self.outbox.confirm(confirmed)
        with self.edge:
            first, *others = cut(self._clock.wall())
            for part in (self._with_own(first), *others):
                self.outbox.add(part)
        return self.outbox.tally()

    def _with_own(self, part: Part) -> Part:
        clients = np.array(self._lives, CLIENTS)
        incidents = np.zeros(len(self._fatal), INCIDENTS)
        for row, (client, code, at) in zip(incidents, self._fatal, strict=True):
            row["kind"], row["client"], row["count"], row["at"] = Kind.FATAL, client, -code, at
        counts = {**part.counts, **self.counts}
        self._lives.clear()
        self._fatal.clear()
        self.counts.clear()
        return replace(part, clients=clients, incidents=np.concatenate([part.incidents, incidents]), counts=counts)


def cut_latencies(**histograms: Counts) -> dict[str, tuple[Table, Counts]]:
    """The histograms that have counted something, sparse; they begin anew at zero."""
    cut = {name: latency.sparse(counts) for name, counts in histograms.items() if counts.any()}
    for counts in histograms.values():
        counts[:] = 0
    return cut
