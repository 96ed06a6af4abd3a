"""One Ray for all tests of a file that need one: a process drives one Ray at a time, and some need another."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from ray.cluster_utils import Cluster

from marathon_ray.places.on_ray import OnRay, connect, disconnect

OpenPlaces = Callable[..., OnRay]
_SEATS = 40
_STARTS = 3  # Ray gives its own start 30 s, which a busy machine may need more than once


@pytest.fixture(scope="module")
def ray_here() -> Iterator[None]:
    """Ray runs, with room for forty seats of the usual size."""
    connect(seats=_SEATS)
    yield
    disconnect()


@pytest.fixture(scope="module")
def ray_cluster(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a cluster of its own that nobody drives yet: one node, with as many CPUs as the file's CPUS says."""
    cluster = Cluster()
    options = {"num_cpus": request.module.CPUS, "include_dashboard": False}
    for _ in range(_STARTS - 1):
        with suppress(Exception):  # Ray raises what its parts raise, Exception itself among them
            cluster.add_node(**options)
            break
    else:
        cluster.add_node(**options)
    yield cluster.address
    cluster.shutdown()  # type: ignore[no-untyped-call]


@pytest.fixture
def on_ray(ray_here: None) -> Iterator[OpenPlaces]:
    """Make places with ``on_ray(**options)``; they are shut when the test is over."""
    made: list[OnRay] = []

    def make(**options: Any) -> OnRay:
        made.append(OnRay(**options))
        return made[-1]

    yield make
    for places in made:
        asyncio.run(places.shut())
