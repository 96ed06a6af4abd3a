"""A fleet becomes what is wanted, whatever becomes of its workers, and the accounts stay exact meanwhile."""

import asyncio
import time
from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any

import pytest

from actors.order import Ask
from actors.spec import Auditors, Consumers, Producers
from marathon_ray.fleet import Fleet
from marathon_ray.gathering import Trouble
from marathon_ray.places.place import Reply
from marathon_ray.reconcile import Limits
from tests.fleeting import Crew, Perilous
from tests.mock_kafka import PARTITIONS, MockKafka

_topics = count()
QUICK = Limits(silent=0.2, young=0.2, start=0.2)


@pytest.fixture
def places() -> Perilous:
    return Perilous()


@pytest.fixture
def crew(mock_kafka: MockKafka, places: Perilous) -> Iterator[Crew]:
    topic = mock_kafka.topic(f"fleet-{next(_topics)}")
    crew = Crew(mock_kafka.properties, {topic: PARTITIONS}, places)
    yield crew
    crew.close()


def seats(fleet: Fleet) -> list[str]:
    return list(fleet._seats)


def workers(fleet: Fleet) -> list[str]:
    return [seat.order.worker for seat in fleet._seats.values() if seat.order]


def offsets(crew: Crew) -> int:
    """Records in the log, by what the first pass has said so far."""
    return sum(at for at, _ in crew.told._stands.get("first", {}).values())


def test_a_fleet_does_nothing_before_it_is_started(crew: Crew, places: Perilous) -> None:
    fleet = crew.add("writers", Producers(to=tuple(crew.partitions)), start=False)
    crew.turn()
    assert (places.opened, fleet.works, fleet.settled, fleet.ended) == ([], False, False, True)


def test_a_started_fleet_has_its_workers_each_with_its_part(crew: Crew, places: Perilous) -> None:
    fleet = crew.writers(workers=2, writers_per_partition=1, rate="4000 records/s")
    crew.settle()
    assert places.opened == ["m-b-r-writers-1", "m-b-r-writers-2"]
    assert workers(fleet) == ["writers-1", "writers-2"]
    specs: list[Any] = [places.asked[seat].order.spec for seat in seats(fleet)]  # type: ignore[union-attr]
    assert [spec.index for spec in specs] == [0, 1]
    assert sorted(number for spec in specs for some in spec.partitions.values() for number in some) == [0, 1, 2, 3]
    assert sum(spec.rate.amount for spec in specs) == 4000
    assert crew.newest["writers"].doing.wanted == crew.newest["writers"].doing.workers == 2


def test_a_seat_is_told_nothing_before_it_has_said_who_it_is(crew: Crew, places: Perilous) -> None:
    places.unborn = True
    crew.writers()
    crew.turn()
    crew.turn()
    assert list(places.asked.values()) == [Ask()]


def test_an_order_is_told_until_it_was_answered_and_no_longer(crew: Crew, places: Perilous) -> None:
    fleet = crew.writers()
    crew.settle()
    (seat,) = seats(fleet)
    told = []
    for revised in (False, True, False):
        if revised:
            fleet.set(fleet.spec)
        crew.turn()
        order = places.asked[seat].order
        told.append(order and order.revision)
    assert told == [None, 2, None]


def test_all_asks_of_a_round_have_one_limit(crew: Crew, places: Perilous, monkeypatch: pytest.MonkeyPatch) -> None:
    fleet = crew.writers()
    fleet.limits = Limits(within=60.0)
    waits: list[tuple[bool, float]] = []
    ask = places.ask

    async def heard(asks: Mapping[str, Ask], *, within: float) -> Mapping[str, Reply]:
        waits.append((any(one.order for one in asks.values()), within))
        return await ask(asks, within=within)

    monkeypatch.setattr(places, "ask", heard)
    places.unborn = True
    for _ in range(2):  # it is opened, and comes to life in a round that has lasted for long
        asyncio.run(fleet.round(crew.accounts, time.monotonic() - 100.0))
        places._deaf.clear()
    assert waits == [(False, 0), (False, 60.0), (True, 0.0)]


def test_what_comes_again_counts_once(crew: Crew, places: Perilous) -> None:
    crew.writers()
    crew.auditors()
    places.forgets = True
    crew.write(2000)
    balance = crew.finish()
    assert crew.counts["acknowledged"] == crew.acknowledged == balance.total("acknowledged") == offsets(crew)
    assert crew.counts["attempted"] == balance.total("attempted")


def test_what_has_arrived_is_confirmed(crew: Crew, places: Perilous) -> None:
    crew.writers()
    crew.write(1000)
    crew.turn()
    (ask,) = places.asked.values()
    assert ask.confirmed == crew.accounts.version("writers-1") - 1  # of that ask's own answer it knew nothing


def test_a_retired_fleet_has_told_all_and_left_nothing_open(crew: Crew, places: Perilous) -> None:
    fleet = crew.writers(workers=2)
    crew.auditors()
    crew.write(2000)
    balance = crew.finish()
    assert (fleet.works, fleet.ended, crew.losses, crew.findings) == (False, True, [], [])
    assert sorted(places.closed) == sorted(places.opened)
    assert balance.total("pending") == balance.total("unknown") == balance.total("lost") == 0
    assert balance.total("found") == balance.total("acknowledged") > 2000
    assert not balance.faults()


def test_a_worker_whose_call_breaks_is_buried_and_replaced_in_one_round(crew: Crew, places: Perilous) -> None:
    fleet = crew.writers(workers=2)
    crew.auditors()
    crew.settle()
    crew.write(1000)
    crew.until(lambda: crew.accounts.balance().total("pending") > 0)
    places.breaks("m-b-r-writers-1", preempted=True)
    crew.turn()
    (loss,) = crew.losses
    assert (loss.worker, loss.why, loss.announced) == ("writers-1", "it was killed", True)
    assert places.closed == ["m-b-r-writers-1"]
    assert seats(fleet) == ["m-b-r-writers-2", "m-b-r-writers-3"]
    crew.settle()
    crew.write(1000)
    balance = crew.finish()
    assert not balance.faults()
    assert balance.total("pending") == balance.total("lost") == 0
    assert balance.total("unknown") == loss.tail.pending
    assert crew.findings == []


def test_a_fleet_lacks_somebody_from_a_loss_until_all_work_again(crew: Crew, places: Perilous) -> None:
    fleet = crew.writers(workers=2)

    def tells() -> tuple[bool, bool]:
        doing = crew.newest["writers"].doing
        return doing.silent, doing.lost

    crew.settle()
    assert tells() == (False, False)
    places.mutes("m-b-r-writers-2")
    crew.turn()
    assert tells() == (True, False)
    places.breaks("m-b-r-writers-1")
    crew.turn()
    assert tells() == (True, True)
    fleet.limits = Limits(silent=0.05, young=0.05)
    crew.settle()
    crew.turn()
    assert tells() == (False, False)


def test_a_life_that_is_replaced_at_once_was_lost_in_that_round(crew: Crew, places: Perilous) -> None:
    crew.writers(workers=1)
    crew.settle()
    places.restarts("m-b-r-writers-1")
    crew.turn()
    assert crew.newest["writers"].doing.lost
    crew.settle()
    crew.turn()
    assert not crew.newest["writers"].doing.lost


def test_to_want_more_or_fewer_is_no_loss(crew: Crew) -> None:
    fleet = crew.writers(workers=2)
    crew.settle()
    for workers in (3, 1):
        fleet.scale(workers)
        crew.turn()
        assert not crew.newest["writers"].doing.lost
        crew.settle()


def test_a_replaced_worker_has_a_new_name_and_the_slice_of_the_lost_one(crew: Crew, places: Perilous) -> None:
    fleet = crew.writers(workers=2)
    crew.settle()
    before = [seat.order.spec for seat in fleet._seats.values() if seat.order and seat.index == 0]
    places.breaks("m-b-r-writers-1")
    crew.turn()
    crew.settle()
    assert workers(fleet) == ["writers-2", "writers-3"]
    assert [seat.order.spec for seat in fleet._seats.values() if seat.order and seat.index == 0] == before


def test_a_worker_that_hangs_is_given_up_after_the_limit_and_no_sooner(crew: Crew, places: Perilous) -> None:
    fleet = crew.writers(workers=2)
    crew.settle()
    places.mutes("m-b-r-writers-2")
    crew.turn()
    crew.turn()
    assert (crew.losses, fleet.settled) == ([], False)
    fleet.limits = Limits(silent=0.05, young=0.05)
    crew.settle()
    (loss,) = crew.losses
    assert (loss.worker, loss.why[:24]) == ("writers-2", "it has not answered for ")
    assert workers(fleet) == ["writers-1", "writers-3"]


def test_a_seat_that_came_back_to_life_gets_another_worker_in_the_same_round(crew: Crew, places: Perilous) -> None:
    fleet = crew.writers(workers=1)
    crew.auditors()
    crew.write(1000)
    places.restarts("m-b-r-writers-1")
    crew.turn()
    assert [(loss.worker, loss.seat) for loss in crew.losses] == [("writers-1", "m-b-r-writers-1")]
    assert (seats(fleet), workers(fleet)) == (["m-b-r-writers-1"], ["writers-1.2"])
    crew.settle()
    crew.write(1000)
    balance = crew.finish()
    assert not balance.faults()
    assert (balance.total("pending"), balance.total("lost"), crew.findings) == (0, 0, [])


def test_a_fleet_grows_and_shrinks_under_load_and_loses_nothing(crew: Crew, places: Perilous) -> None:
    fleet = crew.writers(workers=1)
    crew.auditors()
    crew.settle()
    for workers_ in (3, 2):
        fleet.scale(workers_)
        assert not fleet.settled
        crew.settle()
        crew.write(500)
        orders: list[Any] = [seat.order for seat in fleet._seats.values()]
        assert len(orders) == workers_
        assert sum(order.spec.rate.amount for order in orders) == 4000
    balance = crew.finish()
    assert crew.losses == []
    assert balance.total("unknown") == balance.total("lost") == balance.total("pending") == 0
    assert not balance.faults()


def test_a_new_spec_reaches_every_worker(crew: Crew) -> None:
    fleet = crew.writers(workers=2)
    crew.settle()
    fleet.set(fleet.spec.model_copy(update={"in_flight": 7}))
    assert not fleet.settled
    crew.settle()
    assert [seat.order.spec.in_flight for seat in fleet._seats.values() if seat.order] == [7, 7]  # type: ignore[attr-defined]


def test_a_spec_of_another_kind_is_refused(crew: Crew) -> None:
    fleet = crew.writers()
    with pytest.raises(ValueError, match="fleet writers is one of Producers, not of Consumers"):
        fleet.set(Consumers(of="t", group="g"))


def test_auditors_do_not_change_their_number_at_work(crew: Crew) -> None:
    fleet = crew.auditors()
    with pytest.raises(ValueError, match="fleet auditors has 1 auditors, and keeps them while it works"):
        fleet.scale(2)


def test_a_replaced_auditor_goes_on_where_the_accounts_stand(crew: Crew, places: Perilous) -> None:
    crew.writers()
    fleet = crew.auditors()
    crew.until(lambda: bool(crew.told._stands.get("second")) and offsets(crew) > 1000)
    places.breaks("m-b-r-auditors-1")
    crew.turn()
    crew.settle()
    (order,) = [seat.order for seat in fleet._seats.values()]
    assert order is not None
    assert isinstance(order.spec, Auditors)
    (topic,) = crew.partitions
    begins = order.spec.begin[topic]
    assert sorted(begins) == list(range(PARTITIONS))
    assert sum(first for (first, _), _ in begins.values()) > 1000
    crew.write(1000)
    balance = crew.finish()
    assert balance.total("found") == balance.total("acknowledged")
    assert (balance.faults(), crew.findings) == ({}, [])


def test_acknowledgements_are_told_by_partition_with_their_times(crew: Crew) -> None:
    crew.writers()
    crew.write(2000)
    crew.until(lambda: len(crew.newest["writers"].acks) == PARTITIONS)
    rows = crew.newest["writers"].acks
    assert sorted(rows["partition"].tolist()) == list(range(PARTITIONS))
    assert (rows["first"] <= rows["last"]).all()
    assert (rows["count"] > 0).all()


def test_what_its_processes_used_is_told_round_by_round(crew: Crew) -> None:
    crew.writers()
    crew.write(2000)
    crew.until(lambda: crew.newest["writers"].doing.cpu > 0)  # the kernel counts in hundredths of a second


def test_what_the_schedule_asks_for_is_told_and_unlimited_asks_for_nothing(crew: Crew) -> None:
    fleet = crew.writers(rate="1000 records/s")
    crew.settle()
    offered = 0
    began = fleet._looked
    for _ in range(20):
        crew.turn()
        offered += crew.newest["writers"].doing.offered
    assert abs(offered - 1000 * (fleet._looked - began)) <= 1
    fleet.set(Producers(to=tuple(crew.partitions)))
    crew.turn()
    assert crew.newest["writers"].doing.offered == -1


def test_a_worker_that_fails_by_itself_again_and_again_is_not_made_for_ever(crew: Crew, places: Perilous) -> None:
    crew.writers(properties={"no.such.property": "1"})
    crew.until(lambda: bool(crew.newest.get("writers") and crew.newest["writers"].trouble))
    assert len(crew.losses) == len(places.opened) == 3
    trouble = crew.newest["writers"].trouble
    assert trouble
    assert trouble.what.startswith("fleet writers: 1 of its 1 workers fail again and again: ValueError: ")
    assert "no.such.property" in trouble.what
    assert not trouble.no_room  # though there is none


@pytest.mark.parametrize("room_left", [False, True])
def test_a_seat_that_does_not_come_to_life_is_told_with_what_room_there_is(
    crew: Crew, places: Perilous, room_left: bool
) -> None:
    places.unborn, places.room_left = True, room_left
    fleet = crew.writers(workers=2)
    fleet.limits = QUICK
    crew.turn()
    assert crew.newest["writers"].trouble is None
    crew.until(lambda: crew.newest["writers"].trouble is not None)
    said = f"fleet writers: 2 of its 2 workers have not come to life within 0.2 s: there is {'' if room_left else 'no '}room"
    assert crew.newest["writers"].trouble == Trouble(said, no_room=not room_left)


def test_a_lost_worker_for_which_there_is_no_room_any_more_is_told_so(crew: Crew, places: Perilous) -> None:
    fleet = crew.writers(workers=2)
    crew.settle()
    fleet.limits, places.unborn = QUICK, True
    places.breaks("m-b-r-writers-1", preempted=True)
    crew.until(lambda: crew.newest["writers"].trouble is not None)
    said = "fleet writers: 1 of its 2 workers have not come to life within 0.2 s: there is no room"
    assert crew.newest["writers"].trouble == Trouble(said, no_room=True)


def test_a_fleet_whose_workers_live_and_are_not_done_yet_lacks_no_room(crew: Crew, places: Perilous) -> None:
    fleet = crew.writers()
    crew.settle()
    late = "fleet writers did not come to work within 5 s: "
    assert asyncio.run(fleet.late(5.0)) == Trouble(f"{late}1 of its 1 workers do what is asked")
    fleet.set(fleet.spec)
    assert asyncio.run(fleet.late(5.0)) == Trouble(f"{late}0 of its 1 workers do what is asked")


def test_who_has_not_come_to_an_end_is_told_where_a_fleet_is_late(crew: Crew, places: Perilous) -> None:
    fleet = crew.writers(workers=2)
    crew.settle()
    fleet.scale(1)
    places.mutes("m-b-r-writers-2")
    crew.turn()
    late = "fleet writers did not come to work within 5 s: "
    told = f"{late}1 of its 1 workers do what is asked, and 1 have not come to their end"
    assert asyncio.run(fleet.late(5.0)) == Trouble(told)


def test_a_closed_fleet_leaves_no_seat(crew: Crew, places: Perilous) -> None:
    fleet = crew.writers(workers=2)
    crew.settle()
    fleet.close()
    assert places.closed == places.opened
    assert fleet.ended


def test_a_stopped_fleet_may_be_started_again(crew: Crew) -> None:
    fleet = crew.writers()
    crew.settle()
    fleet.retire()
    crew.until(lambda: fleet.ended)
    fleet.start()
    crew.settle()
    assert workers(fleet) == ["writers-2"]
