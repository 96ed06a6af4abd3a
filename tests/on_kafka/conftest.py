"""Real clusters for tests: one that all share and none may break, and fresh ones for those that break theirs."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Unpack

import pytest

from marathon_ray.kafka.local import LocalKafka
from marathon_ray.kafka.plan import Options

FreshKafka = Callable[..., LocalKafka]
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def kafka() -> Iterator[LocalKafka]:
    """Three nodes, shared: use topics of your own, break nothing."""
    with LocalKafka(nodes=3) as running:
        yield running


@pytest.fixture
def fresh_kafka() -> Iterator[FreshKafka]:
    """Start a cluster of the test's own with ``fresh_kafka(**options)``; it is gone when the test is over."""
    with ExitStack() as stack:

        def start(**options: Unpack[Options]) -> LocalKafka:
            return stack.enter_context(LocalKafka(**options))

        yield start


@pytest.fixture
def topic(request: pytest.FixtureRequest) -> str:
    """A topic name that no other test of this session has."""
    readable = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower()).strip("-")[:60]
    return f"{readable}-{next(_numbers)}"
