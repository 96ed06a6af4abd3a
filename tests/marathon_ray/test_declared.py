"""What the accounts are told of a topic."""

import math

import pytest

from marathon_ray import Producers, Scenario, Topic
from marathon_ray.declared import topic_terms
from marathon_ray.kafka.kept import Kept

_FOR_EVER = 2**63 - 1


class Kind(Scenario):
    """All is kept."""

    orders: Topic = Topic(partitions=1, retention="1 ms")
    writers: Producers = Producers(to="orders")


@pytest.mark.parametrize(
    ("keeps", "nanoseconds"),
    [
        (Kept(2.0, math.inf), 1.8e9),
        (Kept(86_400.0, math.inf), 86_100e9),
        (Kept(math.inf, math.inf), _FOR_EVER),
        (Kept(None, None), _FOR_EVER),
        (Kept(9.3e15, math.inf), _FOR_EVER),  # the longest that Kafka can be told
    ],
)
def test_the_cluster_is_held_to_what_it_says_and_where_it_says_nothing_no_record_may_go(
    keeps: Kept, nanoseconds: int
) -> None:
    assert topic_terms(Kind(), "orders", "id", {"orders": 1}, kept=keeps).retention == nanoseconds
