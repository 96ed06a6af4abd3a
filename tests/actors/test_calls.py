"""Calls that may not return: what they raise, and who ends what they hold."""

import threading

import pytest

from actors.calls import Calls


def test_a_call_that_returns_has_ended_and_what_it_raises_is_raised() -> None:
    calls, made = Calls(), []

    def fail() -> None:
        raise KeyError("as a test wants it")

    calls.make(lambda: made.append("made"), 30)
    with pytest.raises(KeyError, match="as a test wants it"):
        calls.make(fail, 30)
    calls.then(lambda: made.append("ended"))
    assert made == ["made", "ended"]


def test_what_a_call_holds_is_ended_when_it_is_back_and_not_before() -> None:
    calls, back, ended, order = Calls(), threading.Event(), threading.Event(), list[str]()

    def hold() -> None:
        back.wait(30)
        order.append("back")

    def end() -> None:
        order.append("ended")
        ended.set()

    with pytest.raises(TimeoutError, match=r"not back after 0\.01 s"):
        calls.make(hold, 0.01)
    calls.then(end)
    assert order == []
    back.set()
    assert ended.wait(30)
    assert order == ["back", "ended"]


def test_nothing_is_held_before_the_first_call() -> None:
    ended: list[str] = []
    Calls().then(lambda: ended.append("ended"))
    assert ended == ["ended"]
