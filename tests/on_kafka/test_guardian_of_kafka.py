"""Nothing is left behind: not of a lapsed lease with a frozen broker, not of a driver killed at whatever moment."""

from __future__ import annotations

import random
from collections.abc import Callable

import psutil
import pytest

from benchmarks import boot
from marathon_ray.kafka.cluster import KafkaError
from marathon_ray.kafka.local import LocalKafka
from marathon_ray.kafka.waiting import wait_until

pytestmark = pytest.mark.on_kafka


def test_a_lapsed_lease_removes_everything_a_paused_broker_too(fresh_kafka: Callable[..., LocalKafka]) -> None:
    kafka = fresh_kafka(nodes=2)
    processes = [psutil.Process(kafka.pid(node)) for node in kafka.nodes]
    ports = [int(kafka.bootstrap(node).rpartition(":")[2]) for node in kafka.nodes]
    kafka.pause(2)
    kafka.hand_over(1)
    wait_until("the end of the cluster", lambda: not kafka.home.exists(), within=10)
    wait_until("the end of its ports", lambda: not any(map(boot.is_taken, ports)), within=5)
    assert not any(process.is_running() for process in processes)
    with pytest.raises(KafkaError, match="does not answer"):
        kafka.running()


@pytest.mark.parametrize("seed", range(3))
def test_nothing_is_left_when_the_driver_is_killed_at_a_random_moment(seed: int) -> None:
    assert boot.kill_driver(random.Random(seed).uniform(0.3, 6)) == []


def test_leftovers_are_seen_where_there_are_any() -> None:
    with boot.scratch_home() as home:
        (home / "kafka" / "k-1").mkdir(parents=True)
        assert boot.leftovers(home, []) == [f"directory {home}/kafka/k-1"]
