"""One cluster for all recipes: each breaks it, and leaves it whole."""

from collections.abc import Iterator

import pytest

from marathon_ray.kafka.local import LocalKafka
from tests.on_kafka.recipes.stage import mend


@pytest.fixture(scope="package")
def cluster() -> Iterator[LocalKafka]:
    """Three nodes for all recipes."""
    with LocalKafka(nodes=3) as kafka:
        yield kafka


@pytest.fixture
def breakable(cluster: LocalKafka) -> Iterator[LocalKafka]:
    """Three nodes that may be killed, paused and wiped: a test that fails leaves them up for the next one."""
    yield cluster
    mend(cluster)
    cluster.wait_up()
