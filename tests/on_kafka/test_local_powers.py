"""What can be done to a node. One cluster serves all of these in turn: each leaves three nodes up and in sync."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from marathon_ray.kafka.cluster import KafkaError
from marathon_ray.kafka.local import LocalKafka
from marathon_ray.kafka.waiting import wait_until

pytestmark = pytest.mark.on_kafka

TOPIC = "orders"


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalKafka]:
    """Three nodes of 4.2, so that one can be upgraded at the end, and a topic with something in it."""
    with LocalKafka(nodes=3, version="4.2") as kafka:
        admin = AdminClient({**kafka.client_properties(), "log_level": 0})
        admin.create_topics([NewTopic(TOPIC, num_partitions=6, replication_factor=3)])[TOPIC].result(30)
        write(kafka, 600)
        yield kafka


@pytest.fixture
def broken(cluster: LocalKafka) -> Iterator[LocalKafka]:
    """The cluster, in sync before the test (whatever the one before has left) and checked to be so after it."""
    for node in cluster.nodes:
        if cluster.state(node) == "down":
            cluster.start(node)
        cluster.resume(node)
    cluster.wait_in_sync(TOPIC, within=20)
    yield cluster
    cluster.wait_up(within=20)
    cluster.wait_in_sync(TOPIC, within=20)
    assert cluster.running() == [1, 2, 3]


def write(kafka: LocalKafka, records: int) -> None:
    producer = Producer({**kafka.client_properties(), "acks": "all", "log_level": 0})
    for number in range(records):
        producer.produce(TOPIC, b"x" * 100, partition=number % 6)
    assert producer.flush(30) == 0


def test_a_killed_node_is_gone_at_once_and_comes_back(broken: LocalKafka) -> None:
    process = psutil.Process(broken.pid(1))
    broken.kill(1)
    assert not process.is_running()
    assert (broken.state(1), broken.running()) == ("down", [2, 3])
    with pytest.raises(KafkaError, match=r"node 1 of cluster .* is down, with exit code -9"):
        broken.pid(1)
    with pytest.raises(KafkaError, match=r"node 1 of cluster .* is down: SIGKILL has nobody to meet"):
        broken.kill(1)
    wait_until("another leader", lambda: all(broken.leader(TOPIC, each) != 1 for each in range(6)), within=20)
    write(broken, 60)
    broken.start(1)


def test_a_stopped_node_leaves_in_good_order(broken: LocalKafka) -> None:
    broken.stop(2)
    assert broken.state(2) == "down"
    assert "[BrokerServer id=2] shut down completed" in broken.logs(2)
    assert all(broken.leader(TOPIC, each) != 2 for each in range(6))
    broken.start(2)
    with pytest.raises(KafkaError, match="node 2 is running already"):
        broken.start(2)


def test_a_paused_node_stands_still_until_it_is_resumed(broken: LocalKafka) -> None:
    process = psutil.Process(broken.pid(3))
    broken.pause(3)
    wait_until("the stop", lambda: process.status() == psutil.STATUS_STOPPED, within=5)
    assert (broken.state(3), broken.running()) == ("paused", [1, 2])
    with pytest.raises(TimeoutError):
        broken.metadata(3)
    broken.resume(3)
    assert broken.state(3) == "up"
    assert 3 in broken.metadata(3).brokers


def test_a_pause_can_have_an_end_of_its_own(broken: LocalKafka) -> None:
    broken.pause(3, at_most=0.5)
    wait_until("the thaw", lambda: broken.state(3) == "up", within=5)


def test_a_wiped_controller_comes_back_empty_and_fills_up_again(broken: LocalKafka) -> None:
    old = {path: path.stat().st_size for path in broken.segments(TOPIC, 0, node=1)}
    assert sum(old.values()) > 0
    with pytest.raises(KafkaError, match="it must be down for that"):
        broken.wipe(1)
    broken.kill(1)
    broken.wipe(1)
    assert broken.segments(TOPIC, 0, node=1) == []
    broken.start(1)
    broken.wait_up()
    broken.wait_in_sync(TOPIC)
    assert {path: path.stat().st_size for path in broken.segments(TOPIC, 0, node=1)} == old


def test_a_tail_can_be_cut_off_while_all_nodes_are_down(broken: LocalKafka) -> None:
    for node in broken.nodes:
        broken.kill(node)
    cut: list[tuple[Path, int]] = []
    for node in broken.nodes:
        (segment,) = broken.segments(TOPIC, 1, node=node)
        size = segment.stat().st_size
        os.truncate(segment, size * 2 // 3)
        cut.append((segment, size))
        broken.start(node)
    broken.wait_up()
    broken.wait_in_sync(TOPIC)
    assert all(segment.stat().st_size < size for segment, size in cut)


def test_a_broker_can_be_added_and_removed(broken: LocalKafka) -> None:
    added = broken.add()
    assert added == 4
    assert set(broken.metadata(1).brokers) == {1, 2, 3, 4}
    assert "process.roles=broker\n" in (broken.home / "node-4" / "node.properties").read_text()
    broken.remove(added)
    assert broken.nodes == (1, 2, 3)
    assert not (broken.home / "node-4").exists()
    with pytest.raises(KafkaError, match="votes in the controller quorum"):
        broken.remove(1)


def test_one_node_can_be_upgraded(broken: LocalKafka) -> None:
    broken.upgrade(2, "4.3")
    assert broken.version(2).startswith("4.3.")
    assert f"Kafka version: {broken.version(2)}" in broken.logs(2)
    assert broken.version(1).startswith("4.2.")
    write(broken, 60)


def test_a_node_that_ends_by_itself_is_told_with_its_last_words(cluster: LocalKafka) -> None:
    cluster.stop(3)
    with (cluster.home / "node-3" / "node.properties").open("a") as file:
        file.write("broker.heartbeat.interval.ms=soon\n")
    cluster.start(3)
    with pytest.raises(KafkaError, match=r"node 3 of cluster .* has ended by itself: .*Invalid value soon"):
        cluster.wait_up()
