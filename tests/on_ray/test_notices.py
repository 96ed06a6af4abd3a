"""What the bench relies on when a node will be taken away, which no version of Ray promises: who says so, and how Ray acts."""

import asyncio
import math
import time
from collections.abc import Callable, Iterator

import pytest
import ray

from actors.order import Answer, Ask
from benchmarks.ray_nodes import RayNodes
from marathon_ray.places import head
from marathon_ray.places.notices import by_status, draining
from marathon_ray.places.on_ray import OnRay
from marathon_ray.rounds import SECONDS
from marathon_ray.spot import Notice, drain

pytestmark = pytest.mark.on_ray
_SECONDS = 60.0
_HEARD = 2.0  # s from when Ray was told until a run knows of it, which asks once a round


@pytest.fixture(scope="module")
def nodes() -> Iterator[RayNodes]:
    with RayNodes() as nodes:
        yield nodes


@pytest.fixture
def places(nodes: RayNodes) -> Iterator[OnRay]:
    places = OnRay()
    yield places
    asyncio.run(places.shut())


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _SECONDS
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


async def heard(places: OnRay, told: float) -> list[str]:
    """By a run whose last round had asked just before."""
    while True:
        await asyncio.sleep(SECONDS)
        if (nodes := list(await places.notices())) or time.monotonic() - told > _SECONDS:
            return nodes


def where(places: OnRay, seats: list[str]) -> list[str]:
    """On which nodes these seats are."""
    nodes: dict[str, str] = {}
    deadline = time.monotonic() + _SECONDS
    while len(nodes) < len(seats):
        assert time.monotonic() < deadline
        replies = asyncio.run(places.ask(dict.fromkeys(seats, Ask()), within=1.0))
        nodes = {seat: reply.host.node for seat, reply in replies.items() if isinstance(reply, Answer)}
    return [nodes[seat] for seat in seats]


def open_(places: OnRay, seats: list[str]) -> list[str]:
    for seat in seats:
        places.open(seat)
    return where(places, seats)


def test_a_notice_that_came_between_two_runs_is_known_to_the_next_one_which_has_no_worker_there(
    nodes: RayNodes,
) -> None:
    leaves = nodes.add()
    until(lambda: head.room().whole == len(nodes.names()))
    nodes.notify(leaves, seconds=600)
    told = time.monotonic()
    assert head.room().whole == len(nodes.names()) - 1  # looked at before a run begins
    assert "CPU" in head.lacking(len(nodes.names()) * 10, cpus=0.1)
    places = OnRay()  # of a run that begins then
    try:
        assert asyncio.run(heard(places, told)) == [leaves]
        assert leaves not in open_(places, [f"m-between-{number}" for number in range(6)])
    finally:
        asyncio.run(places.shut())
    nodes.kill(leaves)
    until(lambda: not draining() and not by_status())


def test_a_notice_is_heard_and_such_a_node_gets_no_new_seat_while_old_ones_go_on(
    nodes: RayNodes, places: OnRay
) -> None:
    assert asyncio.run(places.notices()) == draining() == {}
    assert by_status() == []
    old = ["m-notice-1", "m-notice-2"]
    first, second = open_(places, old)
    assert first != second  # they are spread
    nodes.notify(first, seconds=600)
    told = time.monotonic()
    assert asyncio.run(heard(places, told)) == [first]
    assert time.monotonic() - told <= _HEARD
    assert 0 < draining()[first] - time.monotonic() <= 600
    until(lambda: by_status() == [first])  # it hears of it a little later
    assert open_(places, ["m-notice-3", "m-notice-4", "m-notice-5"]) == [second] * 3
    assert where(places, old) == [first, second]
    drain(
        Notice(None, "no time"), node=second, address=nodes.address
    )  # a notice without a time, and a time that is told later
    assert draining()[second] == math.inf
    nodes.notify(second, seconds=600)
    assert draining()[second] < math.inf
    nodes.kill(first)
    until(lambda: first not in draining())
    assert ray.is_initialized()
