"""A faulted run that is cut short at random leaves nothing behind; `python -m benchmarks.interruptions` does it more often."""

import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.interruptions import MARK, interrupt, leftovers
from marathon_ray import cli
from marathon_ray.journal import NAME, left, read
from marathon_ray.kafka.local import LocalKafka
from marathon_ray.report.report import Report

pytestmark = [pytest.mark.on_kafka, pytest.mark.on_ray]
DRAW = random.Random(8)  # the moments are drawn once: what a seed has found is found again
CASES = [
    ("kill-leader", "here", signal.SIGINT, 4.0),
    ("freeze-follower", "here", signal.SIGTERM, DRAW.uniform(3, 14)),
    ("kill-leader", "ray", signal.SIGINT, DRAW.uniform(8, 20)),
    ("freeze-follower", "ray", signal.SIGKILL, DRAW.uniform(8, 20)),
    ("kill-leader", "ray", signal.SIGTERM, DRAW.uniform(8, 20)),
]


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalKafka]:
    with LocalKafka(nodes=3) as kafka:
        yield kafka


@pytest.mark.parametrize(("scenario", "places", "how", "after"), CASES)
def test_nothing_is_left_of_a_run_that_was_cut_short(
    cluster: LocalKafka, tmp_path: Path, scenario: str, places: str, how: signal.Signals, after: float
) -> None:
    one = interrupt(cluster, tmp_path, scenario=scenario, places=places, how=how, after=after)
    assert one.left == ()
    early = one.phase == "before" and one.code == -how  # nobody listened yet
    assert early or one.code == (-signal.SIGKILL if how is signal.SIGKILL else 4)


SLOW = """
import asyncio, os, signal
from marathon_ray import Producers, Scenario, Topic

class Slow(Scenario):
    "It takes longer to end than Ray's own handler of SIGTERM leaves a process to live."
    orders: Topic = Topic(partitions=1)
    writers: Producers = Producers(to="orders", rate="100 records/s")

    async def workload(self, kit):
        os.kill(os.getpid(), signal.SIGTERM)
        try:
            await kit.steady("60 s")
        finally:
            await asyncio.sleep(5)
"""


def test_a_run_on_ray_has_all_the_time_it_needs_to_end_after_a_signal(cluster: LocalKafka, tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text(SLOW)
    command = [sys.executable, "-m", "marathon_ray", "run", str(tmp_path / "slow.py"), "--cluster", cluster.name]
    run = subprocess.run([*command, "--results", str(tmp_path)], capture_output=True, text=True, timeout=240)
    assert run.returncode == 4, run.stderr
    assert Report.read(next(tmp_path.glob("slow-*"))).cause == "SIGTERM"


DYING = """
from marathon_ray import Consumers
from scenarios.kill_leader import KillLeader

class Dying(KillLeader):
    "A leader dies, and its run is cut short before it is back."
    readers: Consumers = Consumers(of="orders", group="live", properties={"session.timeout.ms": 6000})
"""
FIELDS = ["--writers.rate", "100 records/s", "--orders.partitions", "3", "--steady", "1 s", "--down", "60 s"]


@pytest.mark.parametrize("signals", [2, 3])
def test_of_a_run_that_was_told_more_than_once_to_end_reclaim_undoes_the_rest(
    cluster: LocalKafka, tmp_path: Path, signals: int
) -> None:
    (tmp_path / "dying.py").write_text(DYING)
    command = [
        sys.executable,
        "-m",
        "marathon_ray",
        "run",
        str(tmp_path / "dying.py"),
        *FIELDS,
        "--cluster",
        cluster.name,
    ]
    with subprocess.Popen(
        [*command, "--places", "here", "--results", str(tmp_path), "--json"],
        env={**os.environ, MARK: str(tmp_path)}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    ) as run:  # fmt: skip
        out = run.stdout
        assert out is not None
        for line in out:
            if '"faults": ["kill leader' in line:
                run.send_signal(signal.SIGTERM)
                break
        for _ in range(signals - 1):  # each is heard before the next one comes
            assert any("SIGTERM: heals" in line for line in out)
            run.send_signal(signal.SIGTERM)
        rest = out.read()
    assert run.returncode == 4, rest
    (journal,) = tmp_path.glob(f"*/{NAME}")
    kinds = {thing.kind for thing in left(read(journal))}
    assert kinds == ({"topic", "group"} if signals == 2 else {"topic", "group", "fault", "cluster"})
    assert signals == 3 or {cluster.state(node) for node in cluster.nodes} == {"up"}
    assert cli.run(["reclaim", "--results", str(tmp_path)]) == 0
    assert list(leftovers(cluster, tmp_path, str(tmp_path))) == []
