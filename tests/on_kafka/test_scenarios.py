"""Those of our own scenarios that no other test plays, in short, and `marathon try`, which plays the others."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

import scenarios.kill_and_verify as deaths
from actors.spec import Producers
from benchmarks.interruptions import leftovers
from marathon_ray import check
from marathon_ray.commands import trial
from marathon_ray.commands.run import Options
from marathon_ray.faults.broker import Kill
from marathon_ray.faults.roles import active_controller, group_coordinator
from marathon_ray.kafka.local import LocalKafka
from marathon_ray.outcome import EXIT, Outcome
from marathon_ray.report.report import Report
from marathon_ray.running import run
from marathon_ray.scenario import Scenario
from scenarios.catch_up_read import CatchUpRead
from scenarios.kill_and_verify import KillAndVerify

pytestmark = pytest.mark.on_kafka
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


def test_the_roles_that_no_other_scenario_kills_die_in_turn_and_nothing_is_lost(
    cluster: LocalKafka, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deaths, "ROLES", (active_controller(), group_coordinator("readers")))
    monkeypatch.setattr(deaths, "DEATHS", (Kill,))  # to leave in good order takes as long once more
    report = play(KillAndVerify(writers=SMALL, steady="1 s", down="2 s"), cluster, tmp_path)
    assert [shade.fault.split()[0] for shade in report.shades] == ["kill", "kill"]
    assert all(shade.until is not None for shade in report.shades)
    assert report.total("found") >= report.total("acknowledged") > 2_000


def test_what_is_tried_out_is_found_and_judged_told_in_json_and_gone(
    cluster: LocalKafka, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    load = ("--writers.rate=1000 records/s", "--orders.partitions=3")
    short = {
        "steady-write": ("--warm=1 s", "--steady=2 s", *load),
        "kill-leader": ("--steady=1 s", "--down=2 s", *load),
    }
    assert short.keys() == trial.SHORT.keys()
    monkeypatch.setattr(trial, "SHORT", short)
    monkeypatch.setattr(check, "PLANTS", check.PLANTS[:2])
    code = trial.try_out(options=Options(cluster=cluster.name, places="here", results=tmp_path, json=True))
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["result"] for line in lines if "planted" in line] == ["as it must be"] * 2
    ended = [line for line in lines if "outcome" in line]
    assert [Path(line["report"]).parent.name.rpartition("-")[0] for line in ended] == list(short)
    assert not [line["broken"] for line in ended if any(name.startswith("Integrity") for name in line["broken"])]
    assert code == next((EXIT[line["outcome"]] for line in ended if line["outcome"] != "passed"), 0)
    assert list(leftovers(cluster, tmp_path, "nobody's")) == []
