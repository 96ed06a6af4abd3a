"""Those of our own scenarios that no other test plays, in short, and `marathon try`, which plays the others."""

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from actors.spec import Producers
from benchmarks.interruptions import leftovers
from marathon_ray.commands import trial
from marathon_ray.commands.run import Options
from marathon_ray.kafka.local import LocalKafka
from marathon_ray.outcome import Outcome
from marathon_ray.report.report import Report
from marathon_ray.running import run
from marathon_ray.scenario import Scenario
from scenarios.catch_up_read import CatchUpRead
from scenarios.kill_and_verify import KillAndVerify

pytestmark = pytest.mark.on_kafka
BOARD = (
    "Honest by nobody", "Drop by producer", "Double by producer", "Swap by producer", "CorruptHead by producer",
    "CorruptKey by producer", "CorruptPayload by producer", "Withhold by second", "Withhold by consumer",
)  # fmt: skip
PROMISED = (
    ("Integrity", "KeepsRate", "Latency", "GeneratorHonest"),
    ("Integrity", "WritableAgain", "KeepsRate", "GeneratorHonest", "until"),
)
SMALL = Producers(to="orders", rate="1000 records/s", size="200 B")


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalKafka]:
    with LocalKafka(nodes=3) as kafka:
        yield kafka


def play(scenario: Scenario, kafka: LocalKafka, results: Path) -> Report:
    report = asyncio.run(run(scenario, cluster=kafka.name, places="here", results=results))
    assert list(leftovers(kafka, results, "nobody's")) == []
    assert (report.outcome, report.cause, [*report.broken]) == (Outcome.PASSED, "", [])
    return report


def test_a_cold_group_catches_up_with_those_that_write(cluster: LocalKafka, tmp_path: Path) -> None:
    report = play(CatchUpRead(writers=SMALL, ahead="4 s", reading="60 s"), cluster, tmp_path)
    (drained,) = [verdict for verdict in report.verdicts if verdict.promise.startswith("Drained")]
    assert drained.state == "passed"
    assert drained.figures["read"] >= 2_000
    (cold,) = report.groups.values()
    assert cold["orders"]["delivered"] == report.total("found") > 4_000


class Witness:
    """Sees what becomes of brokers' processes: who has gone, and as what it was asked to, and who has come back as another."""

    def __init__(self, kafka: LocalKafka, monkeypatch: pytest.MonkeyPatch) -> None:
        self._kafka, self._pids = kafka, {node: kafka.pid(node) for node in kafka.nodes}
        self.died: list[tuple[str, int]] = []
        self.back: list[int] = []
        for name in ("kill", "stop"):
            monkeypatch.setattr(LocalKafka, name, self._watched(name, getattr(LocalKafka, name)))
        monkeypatch.setattr(LocalKafka, "wait_up", self._returning(LocalKafka.wait_up))

    def _watched(self, how: str, act: Callable[..., None]) -> Callable[..., None]:
        def ends(kafka: LocalKafka, node: int, **more: Any) -> None:
            act(kafka, node, **more)
            if not psutil.pid_exists(self._pids[node]):
                self.died.append((how, node))

        return ends

    def _returning(self, act: Callable[..., None]) -> Callable[..., None]:
        def waits(kafka: LocalKafka, **more: Any) -> None:
            act(kafka, **more)
            pids = {node: kafka.pid(node) for node in kafka.nodes}
            self.back += [node for node, pid in pids.items() if pid != self._pids[node]]
            self._pids = pids

        return waits


def test_who_has_a_role_leaves_and_dies_and_comes_back_in_turn_and_nothing_is_lost_or_copied_twice(
    cluster: LocalKafka, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    witness = Witness(cluster, monkeypatch)
    report = play(KillAndVerify(writers=SMALL, steady="1 s", down="2 s"), cluster, tmp_path)
    roles = (
        "leader of orders-0", "follower of orders-0", "active controller", "coordinator of group readers",
        "coordinator of transactions of copiers",
    )  # fmt: skip
    assert [shade.fault for shade in report.shades] == [f"{how} {role}" for role in roles for how in ("stop", "kill")]
    assert all(shade.until is not None for shade in report.shades)
    befell = [(shade.fault.partition(" ")[0], *shade.nodes) for shade in report.shades]
    assert witness.died == befell
    assert witness.back == [node for _, node in befell]
    assert report.total("found") >= report.total("acknowledged") > 2_000
    delivered = {topic: counts["delivered"] for topic, counts in report.groups["live"].items()}
    assert delivered["copies"] == delivered["orders"] > 2_000


def test_what_is_tried_out_is_found_and_judged_told_in_json_and_gone(
    cluster: LocalKafka, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    load = ("--writers.rate=1000 records/s", "--orders.partitions=3")
    short = {
        "steady-write": ("--warm=3 s", "--steady=5 s", *load),
        "kill-leader": ("--steady=5 s", "--down=12 s", *load),
    }
    assert short.keys() == trial.SHORT.keys()
    monkeypatch.setattr(trial, "SHORT", short)
    code = trial.try_out(options=Options(cluster=cluster.name, places="here", results=tmp_path, json=True))
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    planted = [(line["planted"], line["result"]) for line in lines if "planted" in line]
    assert planted == [(name, "as it must be") for name in BOARD]
    notes = [line["note"] for line in lines if line.get("note", "").endswith("where nothing was planted")]
    assert notes == ["8 of 8 planted errors were caught; nothing was found where nothing was planted"]
    ended = [line for line in lines if "outcome" in line]
    assert [(Path(line["report"]).parent.name.rpartition("-")[0], line["outcome"]) for line in ended] == [
        ("steady-write", "passed"),
        ("kill-leader", "passed"),
    ]
    reports = [Report.read(Path(line["report"]).parent) for line in ended]
    kept = [[(one.promise.partition("(")[0], one.state) for one in report.verdicts] for report in reports]
    assert kept == [[(name, "passed") for name in names] for names in PROMISED]
    assert code == 0
    assert list(leftovers(cluster, tmp_path, "nobody's")) == []
