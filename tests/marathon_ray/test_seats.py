"""What a seat's process has used of its processor, by what its answers say."""

from dataclasses import replace

import pytest

from actors.order import Answer, Host
from marathon_ray.seats import Seat, State, observe, spent

BORN = Seat("m-1-writers-1", 0, opened=0.0, since=0.0)


def answered(seat: Seat, cpu_seconds: float, now: float, pid: int = 7) -> Seat:
    return observe(seat, Answer("life", Host(pid=pid, cpu_seconds=cpu_seconds)), now)


def test_a_first_answer_says_nothing_of_a_share() -> None:
    first = answered(BORN, 3.0, 1.0)
    assert (spent(BORN, Host(pid=7, cpu_seconds=3.0)), first.busy) == (0.0, 0.0)


def test_what_was_spent_between_two_answers() -> None:
    seat = answered(answered(BORN, 3.0, 1.0), 4.0, 3.0)
    assert seat.busy == pytest.approx(0.5)
    assert spent(seat, Host(pid=7, cpu_seconds=4.25)) == pytest.approx(0.25)


def test_another_process_begins_anew() -> None:
    seat = answered(answered(BORN, 3.0, 1.0), 0.5, 2.0, pid=8)
    assert seat.busy == 0.0
    assert spent(answered(BORN, 3.0, 1.0), Host(pid=8, cpu_seconds=0.5)) == 0.0


def test_a_silent_seat_has_no_share_but_what_it_spent_counts() -> None:
    silent = replace(answered(BORN, 3.0, 1.0), state=State.SILENT)
    assert answered(silent, 4.0, 9.0).busy == 0.0
    assert spent(silent, Host(pid=7, cpu_seconds=4.0)) == 1.0
