"""Seats in this process, each asked in a thread of its own."""

import asyncio
import threading
from collections.abc import Iterator

import pytest

from actors.order import Answer, Ask
from marathon_ray.places.in_process import InProcess
from marathon_ray.places.place import Broken, Reply, Silent


@pytest.fixture
def places() -> Iterator[InProcess]:
    places = InProcess()
    for seat in ("a", "b", "c"):
        places.open(seat)
    yield places
    asyncio.run(places.shut())


def ask(places: InProcess, *seats: str, within: float = 30.0) -> list[type[Reply]]:
    replies = asyncio.run(places.ask(dict.fromkeys(seats, Ask()), within=within))
    return [type(replies[seat]) for seat in seats]


def test_every_seat_answers_for_itself(places: InProcess) -> None:
    replies = asyncio.run(places.ask(dict.fromkeys("abc", Ask()), within=30.0))
    lives = {reply.incarnation for reply in replies.values() if isinstance(reply, Answer)}
    assert len(lives) == 3


def test_a_seat_that_hangs_hangs_alone(places: InProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = threading.Event()
    monkeypatch.setattr(places._seats["b"].shell, "ask", lambda _: go_on.wait(30))
    assert ask(places, "a", "b", "c", within=0.5) == [Answer, Silent, Answer]
    assert ask(places, "a", "b", "c", within=0.5) == [Answer, Silent, Answer]
    go_on.set()


def test_a_shells_error_breaks_its_call(places: InProcess) -> None:
    reply = asyncio.run(places.ask({"a": "no ask"}, within=30.0))["a"]  # type: ignore[dict-item]
    assert isinstance(reply, Broken)
    assert reply.why.startswith("AttributeError: ")


def test_a_closed_seat_ends_its_worker(places: InProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    dismissed = threading.Event()
    monkeypatch.setattr(places._seats["a"].shell, "dismiss", dismissed.set)
    places.close("a")
    assert dismissed.is_set()
    assert list(places._seats) == ["b", "c"]
    places.close("a")  # once more does nothing
