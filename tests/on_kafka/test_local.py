"""The shared cluster: boot, how it looks from outside, and what its nodes say."""

from __future__ import annotations

from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from marathon_ray.kafka import cluster
from marathon_ray.kafka.cluster import KafkaError
from marathon_ray.kafka.local import LocalKafka
from marathon_ray.kafka.waiting import wait_until

pytestmark = pytest.mark.on_kafka


def create(kafka: LocalKafka, topic: str, partitions: int = 3) -> None:
    admin = AdminClient({**kafka.client_properties()})
    replication = min(3, len(kafka.nodes))
    admin.create_topics([NewTopic(topic, num_partitions=partitions, replication_factor=replication)])[topic].result(30)
    kafka.wait_in_sync(topic)


def test_all_nodes_are_up_and_name_each_other(kafka: LocalKafka) -> None:
    assert kafka.running() == [1, 2, 3]
    for node in kafka.nodes:
        assert set(kafka.metadata(node).brokers) == {1, 2, 3}
        assert kafka.metadata(node).brokers[node] == ("127.0.0.1", int(kafka.bootstrap(node).rpartition(":")[2]))


def test_what_is_written_with_three_replicas_is_read_back(kafka: LocalKafka, topic: str) -> None:
    create(kafka, topic)
    producer = Producer({**kafka.client_properties(), "acks": "all"})
    for number in range(300):
        producer.produce(topic, str(number).encode(), partition=number % 3)
    assert producer.flush(30) == 0
    consumer = Consumer({**kafka.client_properties(), "group.id": topic, "auto.offset.reset": "earliest"})
    consumer.subscribe([topic])
    read: set[bytes | None] = set()
    while len(read) < 300:
        batch = consumer.consume(300, 30)
        assert batch, f"only {len(read)} of 300 records came back"
        read.update(message.value() for message in batch)
    consumer.close()
    assert read == {str(number).encode() for number in range(300)}


def test_leader_and_segments_of_a_partition_are_found(kafka: LocalKafka, topic: str) -> None:
    create(kafka, topic)
    view = kafka.metadata(1, topic).partitions
    assert {kafka.leader(topic, partition, seen_by=2) for partition in range(3)} == {1, 2, 3}
    for node in kafka.nodes:
        assert kafka.leader(topic, 0, seen_by=node) == view[topic, 0].leader
        wait_until("the segment", lambda: len(kafka.segments(topic, 0, node=node)) == 1, within=10)  # noqa: B023
        assert kafka.segments(topic, 0, node=node)[0].parent == kafka.home / f"node-{node}" / "data" / f"{topic}-0"


def test_a_topic_that_does_not_exist_is_not_made_by_asking(kafka: LocalKafka) -> None:
    assert kafka.leader("never-made") == -1
    with pytest.raises(KafkaError, match=r"never-made in sync on cluster .* took more than 0.2 s"):
        kafka.wait_in_sync("never-made", within=0.2)


def test_brokers_are_not_mute(kafka: LocalKafka) -> None:
    for node in kafka.nodes:
        log = kafka.logs(node)
        assert "INFO" in log
        assert f"[KafkaRaftServer nodeId={node}] Kafka Server started" in log


def test_any_process_can_take_hold_of_a_running_cluster(kafka: LocalKafka) -> None:
    other = LocalKafka.attach(kafka.name)
    assert other.bootstrap() == kafka.bootstrap()
    assert [other.pid(node) for node in other.nodes] == [kafka.pid(node) for node in kafka.nodes]
    assert 0 < other.ends_in() <= 15


def test_it_has_every_capability_of_the_contract(kafka: LocalKafka) -> None:
    contract = [each for name, each in vars(cluster).items() if name.startswith("Can")]
    assert len(contract) == 8
    assert all(isinstance(kafka, each) for each in contract)
    reachable: cluster.Cluster = kafka
    assert reachable.bootstrap(2) == kafka.bootstrap().split(",")[1]


def test_a_node_that_is_not_there_is_named(kafka: LocalKafka) -> None:
    with pytest.raises(KafkaError, match=r"there is no node 4 in cluster .*, only \[1, 2, 3\]"):
        kafka.kill(4)


def test_a_cluster_without_the_second_listener_says_so(kafka: LocalKafka) -> None:
    with pytest.raises(KafkaError, match="has no secure listener"):
        kafka.client_properties(secure=True)


def test_two_clusters_at_once_do_not_disturb_each_other(kafka: LocalKafka, topic: str) -> None:
    create(kafka, topic)
    given = {"log.retention.ms": 123456, "num.partitions": 7}
    with LocalKafka(nodes=1, properties=given, node_properties={1: {"num.partitions": 5}}) as other:
        assert not set(kafka.bootstrap().split(",")) & set(other.bootstrap().split(","))
        assert topic not in AdminClient({**other.client_properties()}).list_topics(timeout=10).topics
        configuration = (other.home / "node-1" / "node.properties").read_text().splitlines()
        assert {"log.retention.ms=123456", "num.partitions=5"} <= set(configuration)
        home: Path = other.home
    assert not home.exists()
    assert kafka.running() == [1, 2, 3]
    assert kafka.leader(topic) > 0
