"""A run on real Kafka that loses load machines: a worker's process, a whole node. It costs a tail, not the truth."""

import math
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from benchmarks.losing import PATIENT, Kind, Lost, lose
from benchmarks.losses_result import RATE
from benchmarks.ray_nodes import RayNodes
from marathon_ray.kafka.local import LocalKafka
from marathon_ray.outcome import Outcome
from marathon_ray.rounds import SECONDS

pytestmark = [pytest.mark.on_ray, pytest.mark.on_kafka]
_LAST = 30  # lines of a log


@pytest.fixture(scope="module")
def nodes() -> Iterator[RayNodes]:
    with RayNodes() as nodes:
        yield nodes


@pytest.fixture(scope="module")
def kafka() -> Iterator[LocalKafka]:
    with LocalKafka(nodes=3, properties=PATIENT) as kafka:
        yield kafka


def last_words(kafka: LocalKafka) -> str:
    """What each broker is, what it has used of the processors, and what it has logged last."""
    told = []
    for node in kafka.nodes:
        broker = psutil.Process(kafka.pid(node))
        told += [f"broker {node} is {kafka.state(node)}, {broker.status()}: {broker.cpu_times()}"]
        told += kafka.logs(node).splitlines()[-_LAST:]
    return "\n".join(told)


def lost(nodes: RayNodes, kafka: LocalKafka, folder: Path, kind: Kind) -> Lost:
    """Of every run: whoever was taken away was missed, all worked again, and every record is where it was said to be."""
    one = lose(nodes, kafka, folder, kind=kind, seed=3)
    assert any("-writers-" in seat for seat in one.victims)  # that seed draws a writer, who has most to lose
    assert one.noticed is not None
    assert one.back is not None, last_words(kafka)
    assert one.deaths >= len(one.victims) >= 1
    assert one.true
    assert one.report.total("unknown") <= RATE * SECONDS  # what was written since the last collect
    assert [verdict.found for verdict in one.report.verdicts[:2] if verdict.state != "passed"] == []
    assert [finding for finding in one.report.findings if finding.kind != "unowned"] == []
    assert any(" lost " in note.text for note in one.report.notes)  # of whom, and why
    assert [note for note in one.report.notes if note.text.startswith("the bench lacked workers: ")]
    # A busy machine may take long to replace a worker: then the bench was not whole most of the time, and says so.
    short = one.report.outcome is Outcome.INVALID and "lacked workers" in one.report.cause
    assert one.report.outcome is Outcome.PASSED or short, one.report.cause
    return one


def test_a_killed_worker_costs_its_tail_and_the_run_goes_on(nodes: RayNodes, kafka: LocalKafka, tmp_path: Path) -> None:
    one = lost(nodes, kafka, tmp_path, "worker")
    assert len(one.victims) == 1


def test_a_lost_node_costs_the_tails_of_all_its_workers_and_the_run_goes_on(
    nodes: RayNodes, kafka: LocalKafka, tmp_path: Path
) -> None:
    one = lost(nodes, kafka, tmp_path, "node")
    assert one.report.total("unknown") >= sum(tail.pending for crew in one.report.fleets for tail in crew.tails)


def test_a_node_that_is_taken_away_with_notice_leaves_nothing_in_the_dark(
    nodes: RayNodes, kafka: LocalKafka, tmp_path: Path
) -> None:
    one = lose(nodes, kafka, tmp_path, kind="drain", seed=3)
    assert any("-writers-" in seat for seat in one.victims)
    assert (one.moved, one.deaths, one.unheard) == (len(one.victims), 0, 0), [note.text for note in one.report.notes]
    assert one.report.total("unknown") == 0
    assert one.heard is not None
    assert one.heard < math.inf
    assert one.true
    assert one.back is not None
    assert one.report.outcome is Outcome.PASSED, one.report.cause
