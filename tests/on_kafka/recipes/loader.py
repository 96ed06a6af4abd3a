"""A producer in a process of its own, collected through a pipe: what can be killed as a node kills it."""

import multiprocessing
import threading
import time
from multiprocessing.connection import Connection
from typing import Final

from actors.producer import Producer
from actors.spec import Producers
from actors.tally import Tally
from actors.target import Target

_ANSWER_SECONDS: Final = 30.0
_SPAWN: Final = multiprocessing.get_context("spawn")


def serve(pipe: Connection, name: str, target: Target, spec: Producers) -> None:
    """Load, and answer each confirmed version with a tally, until killed or until nobody asks any more."""
    producer = Producer(name, target)
    producer.apply(1, spec)
    threading.Thread(target=producer.run, daemon=True).start()
    while True:
        try:
            pipe.send(producer.collect(pipe.recv()))
        except (EOFError, BrokenPipeError):
            return


class Loader:
    """A `Worker` whose load is another process's. `killed_at` (wall clock, ns) is when that was killed; 0: it lives."""

    def __init__(self, name: str, target: Target) -> None:
        self.name = name
        self.killed_at = 0
        self._target = target
        self._over = threading.Event()
        self._silent = False

    def apply(self, revision: int, spec: Producers) -> None:
        """The process starts to load; it can be given no other spec."""
        assert revision == 1, f"{self.name} takes one spec"
        self._pipe, theirs = _SPAWN.Pipe()
        self._process = _SPAWN.Process(target=serve, args=(theirs, self.name, self._target, spec), daemon=True)
        self._process.start()
        theirs.close()

    def collect(self, confirmed: int) -> Tally:
        """What the process answers; nothing once it is dead."""
        if self._silent:
            return Tally(self.name)
        try:
            self._pipe.send(confirmed)
            assert self._pipe.poll(_ANSWER_SECONDS), f"{self.name} did not answer within {_ANSWER_SECONDS} s"
            tally: Tally = self._pipe.recv()
        except (EOFError, ConnectionError):
            self._silent = True
            return Tally(self.name)
        return tally

    def kill(self) -> None:
        """The process is gone, wherever it was (SIGKILL)."""
        self._process.kill()
        self._process.join(_ANSWER_SECONDS)
        self.killed_at = time.time_ns()

    def run(self) -> None:
        """Return when stopped."""
        self._over.wait()

    def stop(self) -> None:
        """The process is gone, killed or not."""
        if not self.killed_at:
            self.kill()
        self._pipe.close()
        self._over.set()
