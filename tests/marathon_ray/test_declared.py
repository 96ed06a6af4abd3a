"""What the accounts are told of a topic."""

import pytest

from marathon_ray import Producers, Scenario, Topic
from marathon_ray.declared import topic_terms


@pytest.mark.parametrize(("kept", "nanoseconds"), [(None, 0), ("2 s", 2 * 10**9), ("unlimited", 2**63 - 1)])
def test_an_unlimited_retention_is_one_that_no_record_outlives(kept: str | None, nanoseconds: int) -> None:
    class Kept(Scenario):
        """All is kept."""

        orders: Topic = Topic(partitions=1, retention=kept)
        writers: Producers = Producers(to="orders")

    assert topic_terms(Kept(), "orders", "id", {"orders": 1}).retention == nanoseconds
