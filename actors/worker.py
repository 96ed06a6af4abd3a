"""The contract of a worker, and the outbox from which its tallies are collected."""

import threading
from collections import deque
from dataclasses import replace
from typing import Protocol

from actors.spec import WorkerSpec
from actors.tally import Part, Tally


class Worker(Protocol):
    """One loader: born idle, it loads once a spec is applied; `run` has a thread of its own."""

    def run(self) -> None:
        """Work until stopped; every record that was begun has been reported when this returns."""

    def apply(self, revision: int, spec: WorkerSpec) -> None:
        """Change course at the next batch; an older revision than the present one changes nothing."""

    def collect(self, confirmed: int) -> Tally:
        """Every part after `confirmed`, cut now at a batch edge; what is confirmed is forgotten and may be committed."""

    def stop(self) -> None:
        """Ask `run` to come to its end; returns at once."""


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
    def confirmed(self) -> int:
        """The newest version that is known to have arrived."""
        return self._confirmed

    def tally(self) -> Tally:
        """All parts that are not confirmed."""
        with self._lock:
            return Tally(self._worker, tuple(self._parts))
