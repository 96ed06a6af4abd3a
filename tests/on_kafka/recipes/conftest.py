"""One cluster for all recipes: each breaks it, and leaves it whole."""

from collections.abc import Iterator

import pytest

from marathon_ray.kafka.local import LocalKafka


@pytest.fixture(scope="package")
def breakable() -> Iterator[LocalKafka]:
    """Three nodes that may be killed, paused and wiped, one test after the other."""
    with LocalKafka(nodes=3) as kafka:
        yield kafka
