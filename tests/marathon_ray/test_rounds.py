"""The heartbeat: all fleets are asked at once, and what one of them cannot do ends the run."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any

import pytest

from actors.order import Answer, Ask, Host
from actors.spec import Consumers
from actors.tally import nothing
from actors.target import Target, TopicPlace
from marathon_ray import rounds as rounding
from marathon_ray.accounts import Accounts
from marathon_ray.fleet import Fleet
from marathon_ray.gathering import Answered, Trouble
from marathon_ray.nodes import MARKET
from marathon_ray.places.place import Reply, Silent, Vacancy
from marathon_ray.reconcile import Limits
from marathon_ray.reporting import _machines
from marathon_ray.round import ACKS, Doing
from marathon_ray.rounds import BenchError, NoRoomError, Rounds

_SECONDS = 30.0


class Meeting:
    """Places that answer nobody before so many asks have come together."""

    def __init__(self, parties: int) -> None:
        self.room_left = False
        self.all = asyncio.Barrier(parties)
        self.asked = asyncio.Semaphore(0)

    def open(self, seat: str, zone: str = "") -> None:
        pass

    async def zones(self) -> frozenset[str]:
        return frozenset()

    async def ask(self, asks: Mapping[str, Ask], *, within: float) -> Mapping[str, Reply]:
        async with asyncio.timeout(_SECONDS):
            self.asked.release()
            await self.all.wait()
        return dict.fromkeys(asks, Silent())

    async def notices(self) -> Mapping[str, float]:
        return {}

    async def room(self) -> Vacancy:
        return Vacancy(self.room_left, "there is room" if self.room_left else "there is no room")

    def close(self, seat: str) -> None:
        pass

    async def shut(self) -> None:
        pass


class Answering(Meeting):
    """Places on two nodes, of which the first one answers until it is gone."""

    gone = False

    async def ask(self, asks: Mapping[str, Ask], *, within: float) -> Mapping[str, Reply]:
        nodes = {seat: "b" if "readers" in seat else "a" for seat in asks}
        return {
            seat: Silent()
            if self.gone and node == "a"
            else Answer("life", Host(node, memory=8 << 30, kernel="Linux 6", labels={MARKET: "spot"}))
            for seat, node in nodes.items()
        }


def rounds(*names: str, limits: Limits | None = None, places: Meeting | None = None) -> Rounds:
    places = places or Meeting(len(names))
    spec = Consumers(of="orders", group="live")
    target = Target(1, {}, {"orders": TopicPlace(1, 1)})
    made: dict[str, Any] = {
        name: Fleet(name, spec, workers=1, places=places, target=target, run="b-r") for name in names
    }
    for fleet in made.values():
        fleet.limits = limits or fleet.limits
        fleet.start()
    return Rounds(made, Accounts({}), (), began=time.monotonic())


async def turned(rounds: Rounds, times: int) -> None:
    for _ in range(times):
        await rounds.turn()


def test_a_fleet_that_waits_for_its_workers_holds_up_no_other() -> None:
    one = rounds("writers", "readers")
    asyncio.run(turned(one, 2))
    assert [doing.wanted for doing in one.last.fleets.values()] == [1, 1]


def test_a_round_that_is_cancelled_comes_to_its_end_and_a_second_cancellation_cuts_it() -> None:
    async def cancelled(times: int) -> tuple[Rounds, bool]:
        one = rounds("writers", "readers")
        places: Any = one.fleets["writers"]._places
        places.all = asyncio.Barrier(3)  # two fleets and we
        heart = asyncio.create_task(one.run())
        for _ in one.fleets:
            await places.asked.acquire()
        for _ in range(times):
            heart.cancel()
            await asyncio.sleep(0)
        waits = not heart.done()
        if waits and times == 1:
            await places.all.wait()
        await asyncio.wait([heart])
        return one, waits

    whole, waited = asyncio.run(cancelled(1))
    assert waited
    assert set(whole.last.fleets) == {"writers", "readers"}
    cut, _ = asyncio.run(cancelled(2))
    assert not cut.last.fleets


def test_a_node_counts_as_long_as_somebody_there_is_heard_and_the_report_has_its_kind() -> None:
    places = Answering(2)
    one = rounds("writers", "readers", places=places)
    asyncio.run(turned(one, 1))
    first = one.now
    places.gone = True
    asyncio.run(turned(one, 2))
    machines = {machine.node: machine for machine in _machines(one.nodes)}
    assert {(one.kind, one.memory, one.kernel) for one in machines.values()} == {("spot", 8 << 30, "Linux 6")}
    assert 0 < machines["a"].hours * 3600 <= first < machines["b"].hours * 3600 <= one.now


_UNBORN = r"fleet writers: 1 of its 1 workers have not come to life .* there is "


@pytest.mark.parametrize(
    ("room_left", "error", "told"), [(True, BenchError, f"{_UNBORN}room"), (False, NoRoomError, f"{_UNBORN}no room")]
)
def test_what_a_fleet_cannot_do_is_told_when_all_were_asked_and_it_is_not_the_bench_where_there_is_no_room(
    room_left: bool, error: type[Exception], told: str
) -> None:
    one = rounds("writers", "readers", limits=Limits(start=0.0))
    places: Any = one.fleets["writers"]._places
    places.room_left = room_left
    with pytest.raises(error, match=told):
        asyncio.run(turned(one, 2))
    assert one.most == {"writers": 0, "readers": 0}


@pytest.mark.parametrize("first", [True, False])
def test_what_the_bench_does_wrong_is_told_before_what_it_lacks(first: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    one = rounds("writers", "readers")

    async def troubled(name: str, now: float) -> Answered:
        lacks = (name == "writers") is first
        return Answered(Doing(), nothing(ACKS), trouble=Trouble(f"{name} lack room" if lacks else "it fails", lacks))

    monkeypatch.setattr(one, "_ask_fleet", troubled)
    with pytest.raises(BenchError, match="it fails"):
        asyncio.run(one.turn())


@pytest.mark.parametrize(("room_left", "error"), [(True, BenchError), (False, NoRoomError)])
def test_fleets_that_are_waited_for_in_vain_lack_room_or_are_the_benchs_own_fault(
    room_left: bool, error: type[Exception]
) -> None:
    async def settled() -> None:
        one = rounds("writers")
        places: Any = one.fleets["writers"]._places
        places.room_left = room_left
        one.fleets["writers"].limits = Limits(start=0.2, young=0.0, retire=0.0)
        heart = asyncio.create_task(one.run())
        try:
            await one.settle([*one.fleets.values()])
        finally:
            heart.cancel()

    late = r"fleet writers did not come to work within 0.2 s: 1 of its 1 workers have not come to life: there is "
    with pytest.raises(error, match=late):
        asyncio.run(settled())


def test_what_is_ordered_while_a_round_goes_on_does_not_wait_for_the_rest_of_its_second(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rounding, "SECONDS", 2 * _SECONDS)

    async def asked_again() -> None:
        one = rounds("writers", places=Meeting(2))  # the fleet and we
        places: Any = one.fleets["writers"]._places
        heart = asyncio.create_task(one.run())
        await places.asked.acquire()
        one.hurry()  # that round has asked by now
        await places.all.wait()
        async with asyncio.timeout(_SECONDS):
            await places.asked.acquire()
        await places.all.wait()
        heart.cancel()
        await asyncio.wait([heart])

    asyncio.run(asked_again())


@pytest.mark.parametrize("steps", range(8))
def test_a_cancellation_is_not_lost_on_what_happens_in_the_same_moment(steps: int) -> None:
    async def cancelled() -> tuple[bool, bool]:
        one = Rounds({}, Accounts({}), (), began=time.monotonic())
        heart, waiter = asyncio.create_task(one.run()), asyncio.create_task(_waits(one))
        await one.next(_SECONDS)
        await asyncio.sleep(0.02)  # both wait
        one.hurry()
        async with one._turned:
            one._turned.notify_all()
        for _ in range(steps):
            await asyncio.sleep(0)
        tasks = (heart, waiter)
        for task in tasks:
            task.cancel()
        done, _ = await asyncio.wait(tasks, timeout=1.5)
        for task in tasks:
            task.cancel()
        return heart in done, waiter in done

    assert asyncio.run(cancelled()) == (True, True)


async def _waits(one: Rounds) -> None:
    while True:
        await one.next(_SECONDS)
