"""What is done about seats, case by case; and from every state a fleet comes to what is wanted."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.order import Answer, Host, Order
from actors.spec import Consumers
from actors.target import Target
from marathon_ray.places.place import Broken, Silent
from marathon_ray.reconcile import Action, Bury, Close, GiveUp, Limits, Open, Overdue, Renew, Retire, Wanted, reconcile
from marathon_ray.seats import Seat, State, noted, observe, reborn

NOW = 1000.0
LIMITS = Limits(within=1.0, silent=2.0, young=15.0, start=60.0, leave=15.0, failures=3)
ORDER = Order("w", Target(1, {}), 1, Consumers(of="t", group="g"))
STOP = replace(ORDER, stop=True)


def seat(index: int = 0, state: State = State.ALIVE, **options: Any) -> Seat:
    known = {} if state is State.OPENING else {"host": Host(pid=1), "incarnation": "i", "order": ORDER}
    since = options.pop("ago", 0.0)
    return Seat(f"s{index}", index, **{"opened": NOW - 500, "since": NOW - since, "state": state, **known, **options})


def do(*seats: Seat, workers: int = 1, failures: dict[int, int] | None = None) -> tuple[Action, ...]:
    return reconcile(Wanted(workers, failures or {}), seats, NOW, LIMITS)


def answer(incarnation: str = "i", **options: Any) -> Answer:
    return Answer(incarnation, options.pop("host", Host(pid=1)), **options)


def test_what_is_wanted_and_missing_is_opened() -> None:
    assert do(workers=3) == (Open(0), Open(1), Open(2))
    assert do(seat(1), workers=3) == (Open(0), Open(2))


def test_what_is_there_and_wanted_is_left_alone() -> None:
    assert do(seat(0), seat(1, State.OPENING), workers=2) == ()


@pytest.mark.parametrize(
    ("one", "done"),
    [
        (seat(state=State.OPENING, ago=59.9), "nothing"),
        (seat(state=State.OPENING, ago=60.0), "overdue"),
        (seat(state=State.ALIVE, ago=999.0), "nothing"),
        (seat(state=State.SILENT, ago=1.9), "nothing"),
        (seat(state=State.SILENT, ago=2.0), "replace"),
        (seat(state=State.BROKEN), "replace"),
        (seat(state=State.RESTARTED), "renew"),
    ],
    ids=lambda one: f"{one.state} for {NOW - one.since:g} s" if isinstance(one, Seat) else one,
)
def test_a_wanted_seat(one: Seat, done: str) -> None:
    expected = {"nothing": (), "overdue": (Overdue(one),), "replace": (Bury(one), Open(0)), "renew": (Renew(one),)}
    assert do(one) == expected[done]


@pytest.mark.parametrize(("ago", "told", "given_up"), [(14.9, 29.0, False), (15.0, 29.9, True), (2.0, 17.0, True)])
def test_a_worker_that_was_told_just_before_its_silence_is_given_time_to_begin(
    ago: float, told: float, given_up: bool
) -> None:
    one = seat(state=State.SILENT, ago=ago, told=NOW - told)
    assert do(one) == ((Bury(one), Open(0)) if given_up else ())


def test_a_worker_that_ended_by_itself_is_replaced_and_counted() -> None:
    one = seat(state=State.ENDED, opened=NOW - 5)
    assert do(one) == (Bury(one, 1), Open(0))
    assert do(one, failures={0: 1}) == (Bury(one, 2), Open(0))


def test_the_third_failure_in_a_row_is_the_last() -> None:
    one = seat(state=State.ENDED, opened=NOW - 5)
    assert do(one, failures={0: 2}) == (Bury(one, 3), GiveUp(0))
    assert do(failures={0: 3}, workers=2) == (GiveUp(0), Open(1))


def test_a_seat_that_broke_before_it_ever_answered_failed_by_itself() -> None:
    one = replace(seat(state=State.OPENING, opened=NOW - 5), state=State.BROKEN)
    assert do(one, failures={0: 1}) == (Bury(one, 2), Open(0))


def test_a_failure_after_a_long_life_is_the_first_one() -> None:
    one = seat(state=State.ENDED, opened=NOW - 60)
    assert do(one, failures={0: 2}) == (Bury(one, 1), Open(0))


def test_a_worker_that_was_lost_to_others_ends_the_row_of_failures() -> None:
    one = seat(state=State.BROKEN, opened=NOW - 5)
    assert do(one, failures={0: 2}) == (Bury(one, 0), Open(0))


def test_a_seat_that_is_wanted_no_more_waits_for_its_workers_end() -> None:
    assert do(seat(0), seat(1), workers=1) == ()
    assert do(seat(0), seat(1, order=STOP), workers=1) == ()
    ended = seat(1, State.ENDED, order=STOP)
    assert do(seat(0), ended, workers=1) == (Close(ended),)


def test_a_seat_that_is_wanted_no_more_and_never_had_a_worker_is_closed_at_once() -> None:
    unborn, idle = seat(0, State.OPENING), seat(1, order=None)
    assert do(unborn, idle, workers=0) == (Close(unborn), Close(idle))


@pytest.mark.parametrize("state", [State.BROKEN, State.RESTARTED, State.SILENT])
def test_a_leaving_worker_that_is_lost_is_buried_and_not_replaced(state: State) -> None:
    one = seat(0, state, order=STOP, ago=2.0)
    assert do(one, workers=0) == (Bury(one),)


def test_a_worker_that_failed_before_it_was_told_to_leave_is_buried() -> None:
    one = seat(0, State.ENDED)
    assert do(one, workers=0) == (Bury(one, 1),)


def test_a_worker_that_fails_while_it_leaves_is_buried() -> None:
    failed = observe(seat(0, order=STOP), answer(ended=True, error="ValueError: no"), NOW)
    assert do(failed, workers=0) == (Bury(failed, 1),)
    ended = observe(seat(0, order=STOP), answer(ended=True), NOW)
    assert do(ended, workers=0) == (Close(ended),)
    moving = replace(failed, notice=LATER)
    assert do(moving, successor()) == (Bury(moving, 1),)


def test_a_slice_that_is_wanted_again_waits_until_its_old_worker_has_ended() -> None:
    leaving = seat(0, order=STOP)
    assert do(leaving, workers=1) == ()
    ended = replace(leaving, state=State.ENDED)
    assert do(ended, workers=1) == (Close(ended), Open(0))


# A node that will be taken away

LATER, SOON = NOW + 15.1, NOW + 15.0


def successor(state: State = State.ALIVE, **options: Any) -> Seat:
    known = {} if state is State.OPENING else {"order": None}
    return replace(seat(0, state, **{**known, **options}), name="successor")


def test_a_seat_whose_node_will_be_taken_away_gets_a_successor_at_once_and_works_on() -> None:
    one = seat(notice=LATER)
    assert do(one) == (Open(0),)
    assert do(one, successor(State.OPENING)) == ()


def test_a_worker_retires_once_its_successor_is_there() -> None:
    one = seat(notice=LATER)
    assert do(one, successor()) == (Retire(one),)
    assert do(one, successor(State.SILENT)) == ()


def test_a_worker_retires_in_time_though_no_successor_is_there() -> None:
    one = seat(notice=SOON)
    assert do(one) == (Retire(one), Open(0))
    assert do(one, successor(State.OPENING)) == (Retire(one),)


def test_a_worker_retires_once_and_goes_when_it_has_ended() -> None:
    one = seat(notice=SOON, order=STOP)
    assert do(one, successor()) == ()
    ended = replace(one, state=State.ENDED)
    assert do(ended, successor()) == (Close(ended),)
    assert do(ended) == (Close(ended), Open(0))


@pytest.mark.parametrize("order", [ORDER, STOP])
@pytest.mark.parametrize("state", [State.BROKEN, State.RESTARTED, State.SILENT])
def test_a_worker_that_is_lost_before_it_has_left_is_buried_and_its_successor_stays(state: State, order: Order) -> None:
    one = seat(0, state, order=order, notice=LATER, ago=2.0)
    assert do(one, successor()) == (Bury(one),)


def test_a_worker_that_failed_by_itself_while_it_had_a_successor_is_counted() -> None:
    one = seat(0, State.ENDED, opened=NOW - 5, notice=LATER)
    assert do(one, successor(), failures={0: 1}) == (Bury(one, 2),)


def test_a_seat_without_a_worker_leaves_such_a_node_at_once() -> None:
    idle = seat(order=None, notice=LATER)
    assert do(idle) == (Close(idle), Open(0))
    old, second = seat(notice=LATER), successor(notice=LATER)
    assert do(old, second) == (Close(second), Open(0))


def test_a_seat_on_such_a_node_that_is_wanted_no_more_has_no_successor() -> None:
    one = seat(notice=LATER)
    idle = successor()
    assert do(one, workers=0) == ()
    assert do(one, idle, workers=0) == (Close(idle),)


states = st.sampled_from(list(State))


@given(st.lists(st.tuples(states, st.booleans(), st.floats(0, 100)), max_size=6), st.integers(0, 6))
def test_afterwards_every_wanted_slice_has_one_seat_and_no_seat_is_treated_twice(
    drawn: list[tuple[State, bool, float]], workers: int
) -> None:
    seats = [
        seat(index, state, ago=ago, **({"order": STOP} if leaves and state is not State.OPENING else {}))
        for index, (state, leaves, ago) in enumerate(drawn)
    ]
    actions = do(*seats, workers=workers)
    treated = [action.seat.name for action in actions if not isinstance(action, Open | GiveUp)]
    assert len(treated) == len(set(treated))
    gone = {action.seat.name for action in actions if isinstance(action, Bury | Close)}
    held = [one.index for one in seats if one.name not in gone]
    held += [action.index for action in actions if isinstance(action, Open)]
    assert len(held) == len(set(held))
    assert set(range(workers)) <= set(held)
    assert not {one.index for one in seats if one.name in gone and one.index >= workers} & set(held)


@given(states, st.sampled_from([None, NOW + 5, NOW + 50]), st.sampled_from([None, ORDER, STOP]), st.integers(0, 1))
def test_a_slice_never_has_two_seats_that_stay_nor_is_without_one(
    state: State, notice: float | None, order: Order | None, successors: int
) -> None:
    one = seat(0, state, **({} if state is State.OPENING else {"order": order, "notice": notice}))
    others = [successor()] * (successors if one.notice is not None else 0)
    actions = do(one, *others)
    gone = {action.seat.name for action in actions if isinstance(action, Bury | Close)}
    staying = [each for each in (one, *others) if each.name not in gone and each.notice is None]
    assert len(staying) + sum(isinstance(action, Open) for action in actions) == 1


# What a reply changes


def test_a_first_answer_brings_a_seat_to_life() -> None:
    one = observe(seat(state=State.OPENING), answer(), NOW)
    assert (one.state, one.incarnation, one.host) == (State.ALIVE, "i", Host(pid=1))


def test_silence_begins_with_the_first_ask_that_is_not_answered() -> None:
    one = observe(seat(ago=1.0), Silent(), NOW)
    assert (one.state, one.since) == (State.SILENT, NOW)
    assert observe(one, Silent(), NOW + 1) == one
    assert observe(one, answer(), NOW + 2).state is State.ALIVE


def test_a_seat_that_is_not_born_yet_is_not_silent() -> None:
    one = seat(state=State.OPENING)
    assert observe(one, Silent(), NOW) == one


def test_a_broken_call_says_why() -> None:
    one = observe(seat(), Broken("gone", preempted=True), NOW)
    assert (one.state, one.why, one.preempted) == (State.BROKEN, "gone", True)


def test_another_life_has_forgotten_the_worker() -> None:
    one = observe(seat(), answer("j", revision=0), NOW)
    assert (one.state, one.incarnation) == (State.RESTARTED, "j")
    again = reborn(one, NOW)
    assert (again.state, again.order, again.lives, again.why) == (State.ALIVE, None, 2, "")


def test_another_life_of_a_seat_that_had_no_worker_is_as_good() -> None:
    assert observe(seat(order=None), answer("j"), NOW).state is State.ALIVE


def test_an_ended_worker_says_why() -> None:
    assert observe(seat(), answer(ended=True, error="ValueError: no"), NOW).why == "ValueError: no"
    assert observe(seat(), answer(ended=True), NOW).why == "its worker ended by itself"


def test_how_busy_a_process_is_is_told_between_two_answers_of_it() -> None:
    one = observe(seat(ago=2.0), answer(host=Host(pid=1, cpu_seconds=1.0)), NOW)
    assert one.busy == 0.5
    assert observe(one, answer(host=Host(pid=2, cpu_seconds=9.0)), NOW + 1).busy == 0.0


# What is said of nodes


def test_a_notice_is_for_all_seats_of_the_node_and_is_kept_when_the_node_is_gone() -> None:
    there = seat(host=Host("n1"))
    one = noted(there, {"n1": LATER, "n2": SOON})
    assert one.notice == LATER
    assert noted(one, {}).notice == LATER
    assert noted(one, {"n1": SOON}).notice == SOON
    assert noted(there, {"n2": SOON}).notice is None
    assert noted(seat(state=State.OPENING), {"": SOON}).notice is None


def test_a_life_elsewhere_knows_nothing_of_that_notice() -> None:
    one = observe(seat(host=Host("n1"), notice=LATER), answer("j", host=Host("n2")), NOW)
    assert (one.state, one.notice) == (State.RESTARTED, LATER)  # so was the life that is gone
    assert noted(reborn(one, NOW), {"n1": SOON}).notice is None


@pytest.mark.parametrize(("ago", "left"), [(45.0, True), (60.0, False)])
def test_by_the_limits_of_a_run_a_young_worker_has_time_to_load_on_a_busy_machine(ago: float, left: bool) -> None:
    loads = seat(state=State.SILENT, ago=ago, told=NOW - ago - 1)
    assert reconcile(Wanted(1), (loads,), NOW, Limits()) == (() if left else (Bury(loads), Open(0)))
