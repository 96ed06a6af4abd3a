"""One local Ray for all tests of a file that need one: a process drives one Ray at a time, and some need another."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from marathon_ray.places.on_ray import OnRay, connect, disconnect

OpenPlaces = Callable[..., OnRay]
_SEATS = 40


@pytest.fixture(scope="module")
def ray_here() -> Iterator[None]:
    """Ray runs, with room for forty seats of the usual size."""
    connect(seats=_SEATS)
    yield
    disconnect()


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
