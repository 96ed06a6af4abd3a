"""The command ``marathon kafka`` as a person uses it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient

from benchmarks import boot
from marathon_ray.kafka.waiting import wait_until

pytestmark = pytest.mark.on_kafka

ROOT = Path(__file__).parents[2]


@pytest.fixture
def home() -> Iterator[Path]:
    """A home for clusters of this test alone."""
    with boot.scratch_home() as path:
        yield path


def start(home: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "marathon_ray", "kafka", *arguments],
        env={**os.environ, "MARATHON_HOME": str(home)},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def marathon(home: Path, *arguments: str) -> tuple[int, str, str]:
    with start(home, *arguments) as process:
        out, error = process.communicate(timeout=120)
        return process.returncode, out, error


def test_a_cluster_outlives_its_command_and_is_taken_down_by_another(home: Path) -> None:
    code, out, error = marathon(
        home, "up", "--nodes", "1", "--for", "10 min", "--name", "mine", "--set", "log.retention.ms=5"
    )
    assert (code, error) == (0, "")
    bootstrap = out.strip()
    assert len(AdminClient({"bootstrap.servers": bootstrap}).list_topics(timeout=20).brokers) == 1
    code, out, error = marathon(home, "status")
    assert (code, error) == (0, "")
    assert out.startswith(f"mine: {bootstrap}, ends in 9 min ")
    assert "node 1: Kafka 4.3." in out
    code, out, error = marathon(home, "logs")
    assert (code, error) == (0, "")
    assert "log.retention.ms = 5" in out
    code, _, error = marathon(home, "up", "--nodes", "1", "--name", "mine")
    assert (code, error) == (2, f"marathon: there is a cluster mine in {home}/kafka already\n")
    assert marathon(home, "status")[1].startswith(f"mine: {bootstrap}, ends in ")
    assert marathon(home, "down") == (0, "", "")
    assert boot.leftovers(home, [int(bootstrap.rpartition(":")[2])]) == []
    assert marathon(home, "down")[0] == 2


def test_a_cluster_ends_when_its_time_is_over(home: Path) -> None:
    code, out, _ = marathon(home, "up", "--nodes", "1", "--for", "2 s")
    assert code == 0
    ports = [int(out.strip().rpartition(":")[2])]
    wait_until("the end of the cluster", lambda: not boot.leftovers(home, ports), within=10)


def test_an_interrupt_while_it_starts_removes_everything_at_once(home: Path) -> None:
    with start(home, "up", "--nodes", "3") as process:
        wait_until("the second broker", lambda: len(list(home.glob("kafka/*/node-2/broker.log"))) == 1, within=30)
        process.send_signal(signal.SIGINT)
        out, error = process.communicate(timeout=30)
    assert (process.returncode, out) == (4, "")
    assert error == "marathon: interrupted: everything that was started is gone\n"
    assert boot.leftovers(home, []) == []
