"""Driving a worker: its tallies are summed once each, and its failure is not waited out."""

import threading
from typing import Any

import pytest

from actors.tally import Part, Tally
from benchmarks.driven import driven


class Counting:
    """A worker that reads ten records between any two collections, and forgets what is confirmed only."""

    def __init__(self, failure: Exception | None = None) -> None:
        self._failure, self._stopped = failure, threading.Event()
        self._parts: list[Part] = []

    def run(self) -> None:
        if self._failure:
            raise self._failure
        self._stopped.wait(30)

    def apply(self, revision: int, spec: Any) -> None:
        raise NotImplementedError

    def collect(self, confirmed: int) -> Tally:
        version = self._parts[-1].version + 1 if self._parts else 1
        self._parts = [part for part in self._parts if part.version > confirmed]
        self._parts.append(Part(version=version, at=0, reading="first", counts={"read": 10}))
        return Tally("counting", tuple(self._parts))

    def stop(self) -> None:
        self._stopped.set()


def test_each_part_is_summed_once_and_the_last_one_is_not_forgotten() -> None:
    heard: list[int] = []
    with driven(Counting(), lambda tally: heard.append(tally.version)) as one:
        one.until(lambda counts: counts["first read"] >= 30, within=10)
        assert one.counts["first read"] == 30
    assert one.counts["first read"] == 40
    assert heard == [1, 2, 3, 4]


def test_what_the_worker_raises_ends_the_wait_for_it() -> None:
    broken = Counting(ValueError("no such partition"))
    with pytest.raises(ValueError, match="no such partition"), driven(broken) as one:
        one.until(lambda _: False, within=30)


def test_a_worker_that_does_not_come_so_far_in_time_is_an_error_that_tells_how_far() -> None:
    with pytest.raises(TimeoutError, match=r"0\.3 s.*first read"), driven(Counting()) as one:
        one.until(lambda _: False, within=0.3)
