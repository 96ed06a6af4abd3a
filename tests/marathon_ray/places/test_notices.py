"""What is heard of nodes that will be taken away: in a moment, or the next time, and never at the price of a round."""

import asyncio
import math
import threading
import time
from collections.abc import Iterator, Mapping

import pytest

from marathon_ray.places import notices
from marathon_ray.places.notices import Notices, draining


class Head:
    """Answers what it is told to, once it is let."""

    def __init__(self) -> None:
        self.asked = 0
        self.free = threading.Event()
        self.free.set()
        self.says: Mapping[str, float] | Exception = {}

    def __call__(self) -> Mapping[str, float]:
        self.asked += 1
        assert self.free.wait(30)
        if isinstance(self.says, Exception):
            raise self.says
        return self.says


@pytest.fixture
def head() -> Head:
    return Head()


@pytest.fixture
def heard(head: Head) -> Iterator[Notices]:
    heard = Notices(head)
    yield heard
    head.free.set()
    heard.close()


def hear(heard: Notices) -> Mapping[str, float]:
    return asyncio.run(heard.heard())


def until(heard: Notices, known: Mapping[str, float]) -> None:
    deadline = time.monotonic() + 30
    while hear(heard) != known:
        assert time.monotonic() < deadline


def test_each_time_it_is_asked_anew(head: Head, heard: Notices) -> None:
    head.says = {"a": 1.0}
    until(heard, {"a": 1.0})
    head.says = {"a": 1.0, "b": 2.0}
    until(heard, {"a": 1.0, "b": 2.0})
    head.says = {}
    until(heard, {})


def test_a_head_that_hangs_is_not_waited_for_nor_asked_twice_and_its_late_answer_counts(
    head: Head, heard: Notices, monkeypatch: pytest.MonkeyPatch
) -> None:
    head.says = {"a": 1.0}
    until(heard, {"a": 1.0})
    monkeypatch.setattr(notices, "_MOMENT", 0.01)
    head.free.clear()
    head.says = {"b": 2.0}
    before = head.asked
    assert [hear(heard) for _ in range(5)] == [{"a": 1.0}] * 5
    assert head.asked <= before + 1
    head.free.set()
    until(heard, {"b": 2.0})


def test_all_fleets_of_a_round_share_one_question(head: Head, heard: Notices) -> None:
    async def together() -> None:
        head.free.clear()
        asks = [asyncio.ensure_future(heard.heard()) for _ in range(4)]
        await asyncio.sleep(0)
        head.free.set()
        await asyncio.gather(*asks)

    asyncio.run(together())
    assert head.asked == 1


def test_a_head_that_fails_takes_nothing_back(head: Head, heard: Notices) -> None:
    head.says = {"a": 1.0}
    until(heard, {"a": 1.0})
    head.says = RuntimeError("gone")
    assert hear(heard) == {"a": 1.0}


class _State:
    def __init__(self, nodes: Mapping[str, int]) -> None:
        self._nodes = nodes

    def get_draining_nodes(self) -> Mapping[str, int]:
        return self._nodes


def test_times_are_those_of_this_machines_monotonic_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notices, "state", _State({"a": int((time.time() + 100) * 1000), "b": 0}))
    said = draining()
    assert said["b"] == math.inf
    assert 90 < said["a"] - time.monotonic() <= 100


@pytest.mark.parametrize("state", [object(), _State({"a": "soon"})])  # type: ignore[dict-item]
def test_where_a_ray_does_not_say_when_its_public_word_counts(state: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notices, "state", state)
    monkeypatch.setattr(notices, "by_status", lambda: ["a"])
    assert draining() == {"a": math.inf}
