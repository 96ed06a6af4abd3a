"""What is wanted against what is there: each mistake is one line, and what fits is none."""

from __future__ import annotations

import pytest

from marathon_ray.kafka.comparison import ClusterState, TopicState, mistakes
from marathon_ray.kafka.metadata import Partition
from marathon_ray.kafka.topics import Topic

THREE = {1: ("a", 1), 2: ("b", 1), 3: ("c", 1)}
WANTED = Topic.model_validate({"partitions": 2, "retention": "1 h", "cleanup": "compact,delete"})


def partition(*replicas: int, leader: int = 1, isr: tuple[int, ...] | None = None) -> Partition:
    return Partition(leader, replicas, replicas if isr is None else isr, error=0)


def there(*partitions: Partition, **settings: str) -> ClusterState:
    """A cluster on which `orders` is as wanted, but for this."""
    found = WANTED.settings() | {key.replace("_", "."): value for key, value in settings.items()}
    topic = TopicState("id", partitions or (partition(1, 2, 3), partition(2, 3, 1)), found)
    return ClusterState(THREE, {"orders": topic})


def test_a_topic_that_is_missing_can_be_created() -> None:
    assert mistakes(ClusterState(THREE, {}), {"orders": WANTED}) == []


def test_a_topic_that_is_there_as_wanted_is_no_mistake() -> None:
    assert mistakes(there(), {"orders": WANTED}) == []
    assert mistakes(there(cleanup_policy="delete, compact", segment_bytes="7"), {"orders": WANTED}) == []


def test_a_setting_that_the_cluster_does_not_tell_contradicts_nothing() -> None:
    silent = TopicState("id", there().topics["orders"].partitions)
    assert mistakes(ClusterState(THREE, {"orders": silent}), {"orders": WANTED}) == []


@pytest.mark.parametrize(
    ("state", "difference"),
    [
        (there(partition(1, 2, 3)), "partitions 1, wanted 2"),
        (there(partition(1, 2, 3), partition(1, 2)), "replication 2, wanted 3"),
        (there(min_insync_replicas="1"), "min.insync.replicas 1, wanted 2"),
        (there(retention_ms="-1"), "retention.ms -1, wanted 3600000"),
        (there(cleanup_policy="compact"), "cleanup.policy compact, wanted compact,delete"),
        (there(unclean_leader_election_enable="true"), "unclean.leader.election.enable true, wanted false"),
    ],
)
def test_a_difference_names_the_topic_what_was_found_and_what_was_wanted(state: ClusterState, difference: str) -> None:
    assert mistakes(state, {"orders": WANTED}) == [f"topic orders is there with {difference}"]


def test_too_few_brokers_are_counted_for_what_is_missing_only() -> None:
    state = ClusterState({1: ("a", 1)}, {})
    assert mistakes(state, {"orders": WANTED}) == ["topic orders: replication 3, the cluster has 1 broker"]
    few = ClusterState({1: ("a", 1), 2: ("b", 1)}, there().topics)
    assert mistakes(few, {"orders": WANTED}) == []  # a broker is away, and the topic is there
    assert mistakes(few, {"bills": WANTED}) == ["topic bills: replication 3, the cluster has 2 brokers"]


def test_an_illegal_name_is_said_once() -> None:
    assert len(mistakes(ClusterState({}, {}), {"a b": WANTED})) == 1


def test_names_that_kafka_cannot_tell_apart_are_found_among_those_wanted_and_those_there() -> None:
    line = "topic a_b: Kafka takes it for the same as a.b ('.' and '_' are one)"
    assert mistakes(ClusterState(THREE, {}), {"a.b": WANTED, "a_b": WANTED}) == [line]
    assert mistakes(ClusterState(THREE, {"a.b": there().topics["orders"]}), {"a_b": WANTED}) == [line]


def test_every_mistake_has_its_line() -> None:
    state = there(partition(1, 2, 3), min_insync_replicas="1")
    assert (
        len(mistakes(state, {"orders": WANTED, "..": WANTED, "bills": WANTED.model_copy(update={"replication": 4})}))
        == 4
    )


def test_a_topic_is_in_sync_when_each_partition_is_led_by_one_of_all_its_replicas() -> None:
    assert there().topics["orders"].in_sync
    assert not there(partition(1, 2), partition(1, 2, isr=(1,))).topics["orders"].in_sync
    assert not there(partition(1, 2, leader=-1)).topics["orders"].in_sync
