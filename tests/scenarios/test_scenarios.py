"""Our own scenarios hold together, and their workloads go the way that they say, and as long."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest

from marathon_ray import Finalize, Kill, Pause, Restart, Scenario, Stop, Toolkit, Upgrade
from marathon_ray.catalogue import read
from marathon_ray.planning import plan
from scenarios.catch_up_read import CatchUpRead
from scenarios.kill_and_verify import KillAndVerify
from scenarios.kill_leader import KillLeader
from scenarios.rolling_upgrade import RollingUpgrade
from scenarios.steady_write import SteadyWrite

OURS: list[type[Scenario]] = [CatchUpRead, KillAndVerify, KillLeader, RollingUpgrade, SteadyWrite]


KINDS = {kind.__name__ for kind in (Finalize, Kill, Pause, Restart, Stop, Upgrade)}


class Diary:
    """Stands in for the toolkit, and writes down what is asked of it."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.seconds = 0.0

    async def steady(self, duration: float) -> None:
        self.seconds += duration
        self.lines.append(f"steady {duration:g}")

    async def brokers(self) -> tuple[int, ...]:
        return (1, 2, 3)

    async def start(self, fleet: str) -> None:
        self.lines.append(f"start {fleet}")

    async def until(self, condition: Any, *, within: str) -> None:
        self.lines.append(f"until {condition.name} {within}")

    @asynccontextmanager
    async def fault(self, fault: Any) -> AsyncIterator[None]:
        self.lines.append(f"{type(fault).__name__} {type(fault.whom).__name__}")
        yield
        self.lines.append("healed")


def diary_of(scenario: Scenario) -> Diary:
    diary = Diary()
    asyncio.run(scenario.workload(cast("Toolkit", diary)))
    return diary


def test_these_are_all_of_ours() -> None:
    assert {each.title() for each in OURS} <= read().scenarios.keys()
    assert len(OURS) == len([each for each in read().scenarios.values() if each.__module__.startswith("scenarios.")])


@pytest.mark.parametrize("scenario", OURS)
def test_a_scenario_has_no_mistakes_and_says_what_it_demands(scenario: type[Scenario]) -> None:
    planned = plan(scenario(), brokers=3)
    assert planned.mistakes == ()
    assert len(planned.demands) == len(list(scenario().promises())) >= 2
    assert planned.promise.endswith(".")


@pytest.mark.parametrize("scenario", OURS)
def test_a_workload_lasts_as_long_as_is_said_and_injects_what_is_said(scenario: type[Scenario]) -> None:
    diary = diary_of(scenario())
    assert diary.seconds == scenario().lasts > 0
    injected = {line.split()[0] for line in diary.lines if line.split()[0] in KINDS}
    assert injected == {fault.__name__ for fault in scenario.suffers}


def test_a_cold_group_is_started_once_there_is_something_to_read() -> None:
    *lines, last = diary_of(CatchUpRead(ahead=3, reading=5)).lines
    assert lines == ["steady 3", "start cold"]
    assert last.startswith("until ")
    assert last.endswith(" 5.0")
    assert plan(CatchUpRead()).fleets["cold"].spec.starts == "later"


def test_a_leader_is_killed_between_two_quiet_times_and_all_is_in_sync_at_the_end() -> None:
    lines = diary_of(KillLeader(steady=1, down=2)).lines
    assert lines[:4] == ["steady 1", "Kill LeaderOf", "steady 2", "healed"]
    assert lines[4].startswith("until ")
    assert len(lines) == 5


def test_every_role_leaves_and_dies_once() -> None:
    lines = diary_of(KillAndVerify(steady=1, down=2)).lines
    deaths = [line for line in lines if line.startswith(("Kill", "Stop"))]
    roles = ("LeaderOf", "FollowerOf", "ActiveController", "GroupCoordinator", "TransactionCoordinator")
    assert deaths == [f"{death} {role}" for role in roles for death in ("Stop", "Kill")]
    assert lines.count("healed") == len(deaths)


def test_broker_after_broker_is_upgraded_each_when_all_are_in_sync_again_and_features_come_last() -> None:
    lines = diary_of(RollingUpgrade(steady=1)).lines
    one_by_one = ["Upgrade OneBroker", "healed", "until orders in sync 10 min"] * 3
    assert lines == ["steady 1", *one_by_one, "Finalize ShareOfBrokers", "healed", "steady 1"]
    assert diary_of(RollingUpgrade(steady=1, finalize=False)).lines == ["steady 1", *one_by_one, "steady 1"]
