"""One open ask a seat; who hangs or is not born yet costs the others one limit at most."""

import asyncio
from collections.abc import Mapping

from actors.order import Answer, Ask, Host
from marathon_ray.places.asking import Asking
from marathon_ray.places.place import Reply, Silent


class Calls:
    """Calls by number; `answers` says which seats answer now. What was waited for, and how long, is in `waits`."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, Ask]] = []
        self.answers: set[str] = set()
        self.waits: list[tuple[list[str], float]] = []
        self.asking: Asking[int] = Asking(self._send, self._ended)

    def _send(self, asks: Mapping[str, Ask]) -> Mapping[str, int]:
        before = len(self.sent)
        self.sent += asks.items()
        return {seat: before + number for number, seat in enumerate(asks)}

    def _ended(self, calls: Mapping[str, int], within: float) -> Mapping[str, Reply]:
        self.waits.append((sorted(calls), within))
        return {seat: Answer(f"call {call}", Host()) for seat, call in calls.items() if seat in self.answers}

    def ask(self, *seats: str) -> dict[str, str]:
        """What each says: the number of the call that was answered, or silent."""
        self.waits.clear()
        replies = asyncio.run(self.asking.ask(dict.fromkeys(seats, Ask()), within=1.0))
        return {seat: "silent" if isinstance(one, Silent) else one.incarnation for seat, one in replies.items()}  # type: ignore[union-attr]


def test_each_answer_goes_to_its_seat() -> None:
    calls = Calls()
    calls.answers = {"a", "b"}
    assert calls.ask("a", "b") == {"a": "call 0", "b": "call 1"}


def test_a_seat_whose_ask_is_open_is_not_asked_again_and_may_answer_late() -> None:
    calls = Calls()
    assert calls.ask("a") == calls.ask("a") == {"a": "silent"}
    calls.answers = {"a"}
    assert calls.ask("a") == {"a": "call 0"}
    assert calls.ask("a") == {"a": "call 1"}
    assert len(calls.sent) == 2


def test_only_those_that_are_prompt_are_waited_for() -> None:
    calls = Calls()
    calls.answers = {"a", "b"}
    calls.ask("a", "b")
    calls.answers = {"a"}
    calls.ask("a", "b", "unborn")
    assert calls.waits == [(["a", "b"], 1.0), (["unborn"], 0)]
    calls.ask("a", "b", "unborn")
    assert calls.waits == [(["a"], 1.0), (["b", "unborn"], 0)]


def test_one_that_answers_again_is_prompt_again() -> None:
    calls = Calls()
    calls.answers = {"a", "b"}
    calls.ask("a", "b")
    for answers in ({"a"}, {"a", "b"}):
        calls.answers = answers
        calls.ask("a", "b")
    calls.ask("a", "b")
    assert calls.waits == [(["a", "b"], 1.0)]


def test_where_none_is_prompt_all_are_waited_for() -> None:
    calls = Calls()
    calls.ask("a", "b")
    assert calls.waits == [(["a", "b"], 1.0)]


def test_a_forgotten_seat_is_not_waited_for_and_its_open_ask_is_dropped() -> None:
    calls = Calls()
    calls.ask("a")
    calls.asking.forget("a")
    calls.answers = {"a"}
    assert calls.ask("a") == {"a": "call 1"}


def test_a_seat_that_is_forgotten_while_it_is_asked_leaves_nothing() -> None:
    calls = Calls()
    ended = calls.asking._ended

    def forgetting(some: Mapping[str, int], within: float) -> Mapping[str, Reply]:
        calls.asking.forget("a")
        return ended(some, within)

    calls.answers = {"a"}
    calls.asking._ended = forgetting
    calls.ask("a")
    assert not calls.asking._open
    assert not calls.asking._prompt
