"""A producer in a process of its own, collected through a pipe: what can be killed as a node kills it."""

import multiprocessing
import threading
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Final

from actors.librdkafka import Batch, Handle
from actors.producer import Producer
from actors.sabotage import Honest
from actors.spec import Producers
from actors.tally import Table, Tally
from actors.target import Target

_ANSWER_SECONDS: Final = 30.0
_INTENDED: Final = 4  # which word of a value: `actors.record`
_SPAWN: Final = multiprocessing.get_context("spawn")


@dataclass(frozen=True, slots=True)
class Testimony:
    """What stood beside the accounts when they were asked.

    `began` is the first record's intended time (wall clock, ns; 0 before it), `reported` how many reports came from the
    client and were handed to the accounts before.
    """

    began: int = 0
    reported: int = 0


class Witness(Honest):
    """Sees what goes to the client and what comes back, and counts for itself."""

    def __init__(self) -> None:
        super().__init__()
        self.testimony = Testimony()
        self._handed_over = 0

    def send(self, batch: Batch, topic: Handle, partition: int, start: int, count: int) -> int:
        """Take the time of the first record from its head."""
        if not self.testimony.began:
            self.testimony = Testimony(int(batch.values[start, _INTENDED]))
        return super().send(batch, topic, partition, start, count)

    def reported(self, rows: Table, count: int) -> int:
        """These rows are not booked yet, but all are that came before."""
        before = self.testimony
        self.testimony = Testimony(before.began, before.reported + self._handed_over)
        self._handed_over = count
        return super().reported(rows, count)


def serve(pipe: Connection, name: str, target: Target, spec: Producers) -> None:
    """Load, and answer each confirmed version with a testimony and a tally, until killed or until nobody asks."""
    witness = Witness()
    producer = Producer(name, target, sabotage=witness)
    producer.apply(1, spec)
    threading.Thread(target=producer.run, daemon=True).start()
    while True:
        try:
            confirmed = pipe.recv()
            testimony = witness.testimony  # before the cut, so that the tally tells of no less
            pipe.send((testimony, producer.collect(confirmed)))
        except (EOFError, BrokenPipeError):
            return


class Loader:
    """A `Worker` whose load is another process's.

    `killed_at` (wall clock, ns) is when that was killed; 0: it lives. `testimony` is the last that was heard of it.
    """

    def __init__(self, name: str, target: Target) -> None:
        self.name = name
        self.killed_at = 0
        self.testimony = Testimony()
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
            answer: tuple[Testimony, Tally] = self._pipe.recv()
        except (EOFError, ConnectionError):
            self._silent = True
            return Tally(self.name)
        self.testimony, tally = answer
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
