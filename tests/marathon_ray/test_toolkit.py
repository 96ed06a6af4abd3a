"""What a scenario asks of its toolkit is done, or it is told that it was not."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, cast

import pytest

from actors.spec import Consumers
from actors.target import Target, TopicPlace
from actors.units import Rate
from marathon_ray.accounts import Accounts
from marathon_ray.fleet import Fleet
from marathon_ray.places.in_process import InProcess
from marathon_ray.reconcile import Limits
from marathon_ray.rounds import BenchError, Rounds
from marathon_ray.toolkit import Toolkit


async def unheard(limits: Limits, ask: Callable[[Toolkit], Coroutine[None, None, None]]) -> None:
    """That is asked of a kit whose one fleet has a seat that nobody asks any more."""
    places = InProcess()
    target = Target(1, {}, {"orders": TopicPlace(1, 2)})
    fleet = Fleet("readers", Consumers(of="orders", group="live"), workers=1, places=places, target=target, run="b-r")
    fleet.limits = limits
    fleet.start()
    rounds = Rounds({"readers": fleet}, Accounts({}), (), began=time.monotonic())
    await rounds.turn()
    kit = Toolkit(rounds, cast(Any, None), eyes=cast(Any, None), ordinals={}, seed=0, note=lambda _: lambda: None)
    try:
        async with asyncio.timeout(30):
            await ask(kit)
    finally:
        await places.shut()


def test_a_fleet_that_does_not_end_in_time_is_told_with_its_name_and_the_limit() -> None:
    with pytest.raises(BenchError, match=r"^fleet readers did not end within 0\.2 s$"):
        asyncio.run(unheard(Limits(retire=0.2), lambda kit: kit.stop("readers")))


def test_what_is_asked_of_a_fleet_that_does_not_work_is_waited_for_once_it_does() -> None:
    async def before(kit: Toolkit) -> None:
        fleet = kit._rounds.fleets["readers"]
        fleet.retire()
        await kit.apply("readers", rate="1 MB/s")
        await kit.scale("readers", 2)
        assert (fleet.works, cast(Consumers, fleet.spec).rate) == (False, Rate.parse("1 MB/s"))

    asyncio.run(unheard(Limits(start=0.1, young=0.1, retire=0.2), before))


ASKED: Mapping[str, Callable[[Toolkit], Coroutine[None, None, None]]] = {
    "start": lambda kit: kit.start("readers"),
    "scale": lambda kit: kit.scale("readers", 2),
    "apply": lambda kit: kit.apply("readers", rate="1 MB/s"),
}


@pytest.mark.parametrize("ask", ASKED.values(), ids=ASKED)
def test_a_fleet_has_as_long_as_its_limits_give_it_and_is_told_with_that(
    ask: Callable[[Toolkit], Coroutine[None, None, None]],
) -> None:
    """Where machines are rented seats have longer to come to life, and so has what needs them."""
    assert Limits(start=900).settle > 900
    limits = Limits(start=0.1, young=0.1, retire=0.2)
    with pytest.raises(BenchError, match=r"^fleet readers did not come to work within 0\.3 s: "):
        asyncio.run(unheard(limits, ask))
