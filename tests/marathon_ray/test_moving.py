"""A worker whose node will be taken away moves: its successor waits for its end, and nothing is left in the dark."""

from collections import Counter
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest

from actors import shell
from actors.spec import Auditors, Consumers
from marathon_ray.fleet import Fleet
from marathon_ray.reconcile import Limits
from marathon_ray.told import PASSES
from tests.fleeting import Crew, Perilous
from tests.mock_kafka import PARTITIONS, MockKafka

_topics = count()
FIRST = "m-b-r-writers-1"


@pytest.fixture
def places() -> Perilous:
    return Perilous()


@pytest.fixture
def crew(mock_kafka: MockKafka, places: Perilous) -> Iterator[Crew]:
    crew = Crew(mock_kafka.properties, {mock_kafka.topic(f"moving-{next(_topics)}"): PARTITIONS}, places, moving={})
    yield crew
    crew.close()


def begin(crew: Crew, fleet: Fleet) -> Fleet:
    """It works, under audit, and something has been written."""
    if "auditors" not in crew.fleets:
        crew.auditors()
    crew.settle()
    crew.write(1000)
    return fleet


def working(fleet: Fleet) -> Counter[int]:
    """How many work on each slice."""
    return Counter(seat.index for seat in fleet._seats.values() if seat.order)


def read(crew: Crew, reading: str) -> int:
    """How many records that pass has read."""
    return sum(at for at, _ in crew.told._stands.get(reading, {}).values())


def move(crew: Crew, fleet: Fleet, workers: int = 1) -> None:
    """So many have moved, and at no time did two work on one slice."""

    def moved() -> bool:
        assert max(working(fleet).values(), default=0) <= 1
        return len(crew.moved) == workers

    crew.until(moved)
    crew.settle()


def conserve(crew: Crew) -> None:
    """Nobody was lost, and of no record it is unknown what became of it."""
    balance = crew.finish()
    assert (crew.losses, crew.findings, balance.faults()) == ([], [], {})
    assert balance.total("unknown") == balance.total("pending") == balance.total("lost") == 0
    assert balance.total("attempted") == balance.total("acknowledged") == balance.total("found") == crew.acknowledged


def test_a_writer_moves_and_leaves_nothing_open(crew: Crew, places: Perilous) -> None:
    fleet = begin(crew, crew.writers(workers=2))
    before = fleet._seats[FIRST].order
    places.notifies(FIRST)
    crew.turn()
    assert places.opened[-1] == "m-b-r-writers-3"
    assert not crew.newest["writers"].doing.lost
    move(crew, fleet)
    assert crew.moved == ["writers-1"]
    assert list(fleet._seats) == ["m-b-r-writers-2", "m-b-r-writers-3"]
    after = fleet._seats["m-b-r-writers-3"].order
    assert before is not None
    assert after is not None
    assert (after.worker, after.spec) == ("writers-3", before.spec)
    crew.write(1000)
    conserve(crew)


def test_a_successor_that_is_ready_goes_on_in_the_round_in_which_the_other_one_leaves(
    crew: Crew, places: Perilous, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shell, "_END_SECONDS", 60.0)
    fleet = begin(crew, crew.writers(workers=2))
    fleet.limits = Limits(within=60.0)  # what has to happen in one round is waited for
    places.unborn = True
    places.notifies(FIRST)
    crew.turn()
    assert [seat for seat, ask in places.asked.items() if ask.ready] == ["m-b-r-writers-3"]
    places._deaf.clear()
    crew.until(lambda: fleet._seats["m-b-r-writers-3"].has_answered)
    assert crew.moved == ["writers-1"]
    orders = [seat.order for seat in fleet._seats.values()]
    assert [order.worker for order in orders if order and not order.stop] == ["writers-2", "writers-3"]
    assert not any(ask.ready for seat, ask in places.asked.items() if seat in fleet._seats)
    crew.write(1000)
    conserve(crew)


def test_a_node_with_all_workers_is_left_and_the_log_is_read_without_a_gap(crew: Crew, places: Perilous) -> None:
    writers = begin(crew, crew.writers(workers=2))
    crew.until(lambda: min(read(crew, reading) for reading in PASSES) > 1000)
    for seat in tuple(places.opened):
        places.notifies(seat)
    move(crew, writers, workers=3)
    assert sorted(crew.moved) == ["auditors-1", "writers-1", "writers-2"]
    (order,) = [seat.order for seat in crew.fleets["auditors"]._seats.values()]
    assert order is not None
    assert isinstance(order.spec, Auditors)
    (begins,) = order.spec.begin.values()
    assert all(sum(stood[one][0] for stood in begins.values()) > 1000 for one in range(len(PASSES)))
    crew.write(1000)
    conserve(crew)


def test_a_reader_leaves_its_group_and_its_successor_goes_on(crew: Crew, places: Perilous) -> None:
    readers = crew.add("readers", Consumers(of=tuple(crew.partitions), group="moving"), 2)
    begin(crew, crew.writers())
    crew.until(lambda: crew.counts["read"] > 500)
    places.notifies("m-b-r-readers-1")
    move(crew, readers)
    assert crew.moved == ["readers-1"]
    assert crew.counts["left without a word"] == 0
    goal = crew.counts["read"] + 1000
    crew.until(lambda: crew.counts["read"] >= goal)
    conserve(crew)


def test_what_lacks_in_a_move_is_told_from_its_end_until_the_successor_works(crew: Crew, places: Perilous) -> None:
    fleet = begin(crew, crew.writers())
    places.notifies(FIRST)
    told = []
    while not crew.moved or not fleet.settled:
        crew.turn()
        told.append(crew.newest["writers"].doing.lost)
    crew.turn()
    assert crew.newest["writers"].doing.lost is False
    assert told[0] is False
    first = told.index(True)
    assert all(told[first:])


def test_a_worker_that_dies_before_it_has_moved_was_announced_and_is_followed_at_once(
    crew: Crew, places: Perilous
) -> None:
    fleet = begin(crew, crew.writers())
    places.unborn = True
    places.notifies(FIRST)
    crew.turn()
    places.here.open("m-b-r-writers-2")
    places._deaf.clear()
    places.breaks(FIRST)
    crew.turn()
    assert [(loss.worker, loss.announced) for loss in crew.losses] == [("writers-1", True)]
    crew.settle()
    assert (list(fleet._seats), crew.moved) == (["m-b-r-writers-2"], [])
    crew.write(1000)
    balance = crew.finish()
    assert (balance.faults(), balance.total("lost"), crew.findings) == ({}, 0, [])


def test_a_worker_retires_in_time_where_nobody_comes_to_follow_it(crew: Crew, places: Perilous) -> None:
    fleet = begin(crew, crew.writers())
    fleet.limits = Limits(leave=30.0)
    places.unborn = True
    places.notifies(FIRST, within=30.0)
    crew.until(lambda: crew.moved == ["writers-1"])
    assert list(fleet._seats) == ["m-b-r-writers-2"]
    assert crew.newest["writers"].doing.lost
    places._deaf.clear()
    crew.settle()
    crew.write(1000)
    conserve(crew)


def test_a_successor_is_not_missed_while_the_other_one_works(crew: Crew, places: Perilous) -> None:
    fleet = begin(crew, crew.writers())
    fleet.limits = Limits(start=0.2)
    places.unborn = True
    places.notifies(FIRST)
    began = fleet._looked
    crew.until(lambda: fleet._looked - began > 0.5)
    assert crew.newest["writers"].trouble is None
    assert fleet.settled
    places.notifies(FIRST, within=0.0)
    crew.until(lambda: bool(crew.moved))
    assert crew.newest["writers"].trouble is None
    crew.until(lambda: "1 of its 1 workers have not come to life" in str(crew.newest["writers"].trouble))


def test_a_fleet_that_ends_while_one_moves_leaves_no_seat(crew: Crew, places: Perilous) -> None:
    fleet = begin(crew, crew.writers(workers=2))
    places.notifies(FIRST)
    crew.turn()
    fleet.retire()
    crew.until(lambda: fleet.ended)
    assert sorted(places.closed) == [FIRST, "m-b-r-writers-2", "m-b-r-writers-3"]
    assert crew.moved == []
    conserve(crew)


def test_a_fleet_that_changes_while_one_moves_becomes_what_is_wanted(crew: Crew, places: Perilous) -> None:
    fleet = begin(crew, crew.writers(workers=1))
    places.notifies(FIRST)
    crew.turn()
    fleet.scale(2)
    move(crew, fleet)
    orders: list[Any] = [seat.order for seat in fleet._seats.values()]
    assert sorted(order.spec.index for order in orders) == [0, 1]
    assert sum(order.spec.rate.amount for order in orders) == 4000
    crew.write(1000)
    conserve(crew)
