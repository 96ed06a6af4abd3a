"""A faulted run that is cut short at random leaves nothing behind; `python -m benchmarks.interruptions` does it more often."""

import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.interruptions import interrupt
from marathon_ray.kafka.local import LocalKafka
from marathon_ray.report.report import Report

pytestmark = [pytest.mark.on_kafka, pytest.mark.on_ray]
DRAW = random.Random(8)  # the moments are drawn once: what a seed has found is found again
CASES = [
    ("kill-leader", "here", signal.SIGINT, 4.0),
    ("kill-leader", "here", signal.SIGKILL, DRAW.uniform(3, 14)),
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
