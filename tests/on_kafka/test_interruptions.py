"""A faulted run that is cut short at random leaves nothing behind; `python -m benchmarks.interruptions` does it more often."""

import random
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.interruptions import interrupt
from marathon_ray.kafka.local import LocalKafka

pytestmark = [pytest.mark.on_kafka, pytest.mark.on_ray]
DRAW = random.Random(8)  # the moments are drawn once: what a seed has found is found again
CASES = [
    ("here", signal.SIGINT, 4.0),
    ("here", signal.SIGKILL, DRAW.uniform(3, 14)),
    ("here", signal.SIGTERM, DRAW.uniform(3, 14)),
    ("ray", signal.SIGINT, DRAW.uniform(8, 20)),
    ("ray", signal.SIGKILL, DRAW.uniform(8, 20)),
]


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalKafka]:
    with LocalKafka(nodes=3) as kafka:
        yield kafka


@pytest.mark.parametrize(("places", "how", "after"), CASES)
def test_nothing_is_left_of_a_run_that_was_cut_short(
    cluster: LocalKafka, tmp_path: Path, places: str, how: signal.Signals, after: float
) -> None:
    one = interrupt(cluster, tmp_path, places=places, how=how, after=after)
    assert one.left == ()
    assert one.code == (-signal.SIGKILL if how is signal.SIGKILL else 4) or one.phase == "before"
