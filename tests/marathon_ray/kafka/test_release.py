"""Which Kafka a cluster is."""

import pytest

from marathon_ray.kafka.release import release


@pytest.mark.parametrize(
    ("level", "name"),
    [(0, ""), (6, ""), (7, "3.3"), (15, "3.7"), (19, "3.7"), (20, "3.8"), (22, "4.0"), (30, "4.3"), (31, "newer than 4.3")],
)  # fmt: skip
def test_brokers_support_what_their_release_brought_and_nothing_later(level: int, name: str) -> None:
    assert release(level) == name
