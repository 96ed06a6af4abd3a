"""What a scenario asks of its toolkit is done, or it is told that it was not."""

import asyncio
import time
from typing import Any, cast

import pytest

from actors.spec import Consumers
from actors.target import Target, TopicPlace
from marathon_ray import toolkit
from marathon_ray.accounts import Accounts
from marathon_ray.fleet import Fleet
from marathon_ray.places.in_process import InProcess
from marathon_ray.rounds import BenchError, Rounds
from marathon_ray.toolkit import Toolkit


def test_a_fleet_that_does_not_end_in_time_is_told_with_its_name_and_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toolkit, "_STOP_SECONDS", 0.2)

    async def stopped() -> None:
        places = InProcess()
        target = Target(1, {}, {"orders": TopicPlace(1, 1)})
        spec = Consumers(of="orders", group="live")
        fleet = Fleet("readers", spec, workers=1, places=places, target=target, run="b-r")
        fleet.start()
        rounds = Rounds({"readers": fleet}, Accounts({}), (), began=time.monotonic())
        await rounds.turn()  # its seat is there, and nobody asks it any more
        kit = Toolkit(rounds, cast(Any, None), eyes=cast(Any, None), ordinals={}, seed=0, note=lambda _: None)
        try:
            await kit.stop("readers")
        finally:
            await places.shut()

    with pytest.raises(BenchError, match=r"^fleet readers did not end within 0\.2 s$"):
        asyncio.run(stopped())
