"""A worker at work in a thread, whose tallies are collected here as a driver would."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Final

from actors.tally import Tally
from actors.worker import Worker

_BETWEEN: Final = 0.1  # seconds between two collections
_END_WITHIN: Final = 150.0


class Driven:
    """`counts` are the sums of all tallies so far; those of a reading are named "first read" and the like."""

    def __init__(
        self, worker: Worker[Any], running: Future[None], on_tally: Callable[[Tally], None], every: float = _BETWEEN
    ) -> None:
        self._worker, self._running = worker, running
        self._on_tally, self._every = on_tally, every
        self._confirmed = 0
        self.counts: Counter[str] = Counter()

    def collect(self) -> None:
        """Take what is new. Raises what the worker raised where it failed."""
        if self._running.done():
            self._running.result()
        tally = self._worker.collect(self._confirmed)
        for part in tally.after(self._confirmed):
            self.counts.update({f"{part.reading} {name}".strip(): count for name, count in part.counts.items()})
        self._on_tally(tally)
        self._confirmed = tally.version

    def until(self, done: Callable[[Counter[str]], bool], *, within: float) -> None:
        """Collect until `done` of the counts. Raises TimeoutError."""
        deadline = time.monotonic() + within
        while not done(self.counts):
            if time.monotonic() > deadline:
                raise TimeoutError(f"not done within {within:g} s; counts so far: {dict(self.counts)}")
            time.sleep(self._every)
            self.collect()

    def during(self, seconds: float) -> None:
        """Collect for so long, and until the next collection is over."""
        end = time.monotonic() + seconds
        self.until(lambda _: time.monotonic() >= end, within=seconds + _END_WITHIN)


@contextmanager
def driven(
    worker: Worker[Any], on_tally: Callable[[Tally], None] = lambda _: None, *, every: float = _BETWEEN
) -> Iterator[Driven]:
    """The worker runs; it has ended, and its last tally is taken, when the block is left. Raises what `run` raised.

    It is collected from every so many seconds.
    """
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(worker.run)
        one = Driven(worker, running, on_tally, every)
        try:
            yield one
        finally:
            worker.stop()
            running.result(_END_WITHIN)
            one.collect()
