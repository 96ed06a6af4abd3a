"""Whole runs on real Kafka, with workers in this process: from the fields to the report, and nothing left."""

import asyncio
import json
import os
import signal
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest
from confluent_kafka.admin import AdminClient

from actors.spec import Consumers, Producers
from marathon_ray import running
from marathon_ray.clusters import Opened
from marathon_ray.conditions import size
from marathon_ray.faults.broker import Kill
from marathon_ray.faults.roles import leader_of
from marathon_ray.ground import Ground
from marathon_ray.journal import NAME, left, read
from marathon_ray.kafka import admin
from marathon_ray.kafka.existing import Existing
from marathon_ray.kafka.local import LocalKafka
from marathon_ray.kafka.release import facts
from marathon_ray.kafka.topics import Topic
from marathon_ray.outcome import Outcome
from marathon_ray.prices import Prices
from marathon_ray.promises.integrity import Integrity
from marathon_ray.promises.promise import Declared, Ending, Promise, Verdict
from marathon_ray.promises.recovery import WritableAgain
from marathon_ray.report.report import Report
from marathon_ray.round import Phase, Round
from marathon_ray.running import run
from marathon_ray.scenario import Scenario
from marathon_ray.toolkit import Toolkit
from tests.fleeting import Perilous

pytestmark = pytest.mark.on_kafka


class Steady(Scenario):
    """All that is acknowledged is there."""

    orders: Topic = Topic(partitions=3)
    writers: Producers = Producers(to="orders", rate="3000 records/s", size="200 B", workers=2)
    readers: Consumers = Consumers(of="orders", group="live")

    def promises(self) -> Iterator[Promise]:
        yield Integrity("orders")

    async def workload(self, kit: Toolkit) -> None:
        await kit.steady("3 s")


class Deaths(Steady):
    """A leader dies and comes back."""

    suffers = (Kill,)

    def promises(self) -> Iterator[Promise]:
        yield Integrity("orders")
        yield WritableAgain("orders", within="60 s")

    async def workload(self, kit: Toolkit) -> None:
        async with kit.fault(Kill(leader_of("orders"))):
            await kit.steady("5 s")
        await kit.steady("4 s")


class Changes(Steady):
    """A fleet grows, slows down and ends while the run goes on."""

    async def workload(self, kit: Toolkit) -> None:
        await kit.scale("writers", 3)
        await kit.apply("writers", rate="600 records/s")
        await kit.steady("2 s")
        await kit.stop("readers")
        with kit.span("the quiet end"):
            await kit.until(lambda view: view.written("orders") > 0, within="5 s")


class Waits(Steady):
    """It waits for what does not come."""

    async def workload(self, kit: Toolkit) -> None:
        await kit.until(lambda view: view.written("orders") > 0, within="10 s")
        await kit.until(size("orders", "1 TB"), within="1 s")


class Stumbles(Steady):
    """Its own code fails."""

    async def workload(self, kit: Toolkit) -> None:
        raise LookupError("nobody is there")


@dataclass(frozen=True)
class Confused:
    """A promise that fails by itself, in one of its methods."""

    safety: ClassVar[bool] = False
    step_fails: bool

    def mistakes(self, declared: Declared) -> Iterator[str]:
        return iter(())

    def begin(self, declared: Declared, ordinals: Mapping[str, int]) -> None:
        pass

    def step(self, state: None, round_: Round) -> None:
        if self.step_fails and round_.phase is Phase.WORKLOAD:
            raise KeyError("auditors")

    def verdict(self, state: None, ending: Ending) -> Verdict:
        raise KeyError("auditors")


class Promising(Steady):
    """One of its promises fails by itself."""

    step_fails: bool = False

    def promises(self) -> Iterator[Promise]:
        yield Confused(self.step_fails)


@dataclass(frozen=True)
class Broken:
    """A promise of safety that is broken from the begin."""

    safety: ClassVar[bool] = True

    def mistakes(self, declared: Declared) -> Iterator[str]:
        return iter(())

    def begin(self, declared: Declared, ordinals: Mapping[str, int]) -> None:
        pass

    def step(self, state: None, round_: Round) -> None:
        pass

    def verdict(self, state: None, ending: Ending) -> Verdict:
        return Verdict("Broken", "nothing", "a loss", "failed", safety=True)


class Stranded(Steady):
    """One of its writers is lost, and there is no room for another."""

    places: ClassVar[Perilous]
    breaks: bool = False

    def promises(self) -> Iterator[Promise]:
        yield from [Broken()] if self.breaks else []

    async def workload(self, kit: Toolkit) -> None:
        self.places.unborn = True
        self.places.breaks(next(seat for seat in self.places.opened if "-writers-" in seat), preempted=True)
        await kit.steady("60 s")


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalKafka]:
    with LocalKafka(nodes=3) as kafka:
        yield kafka


def play(scenario: Scenario, kafka: LocalKafka, folder: Path, **options: Any) -> Report:
    given = Opened(kafka.name, ours=False, cluster=kafka, begin=lambda: None, end=lambda: None)
    asyncio.run(run(scenario, cluster=given, places="here", results=folder, **options))
    (journal,) = folder.glob(f"*/{NAME}")
    assert left(read(journal)) == {}
    client = AdminClient({**kafka.client_properties(), "log_level": 0})
    assert not [name for name in client.list_topics(timeout=10).topics if name.startswith("m-")]
    groups = client.list_consumer_groups(request_timeout=10).result().valid
    assert not [group.group_id for group in groups if group.group_id.startswith("m-")]
    return Report.read(journal.parent)


def test_a_steady_run_passes_and_says_of_every_record_where_it_is(cluster: LocalKafka, tmp_path: Path) -> None:
    report = play(Steady(), cluster, tmp_path)
    assert (report.outcome, report.cause) == (Outcome.PASSED, "")
    assert report.total("acknowledged") == report.total("found") == report.total("attempted") > 5_000
    assert report.coverage == 1.0
    (live,) = report.groups.values()
    assert live["orders"]["delivered"] == report.total("found")
    page = next(tmp_path.glob("*/report.html")).read_text()
    assert "PASSED" in page or "passed" in page


def test_a_run_says_how_long_its_nodes_had_workers_and_what_they_cost_and_notes_it_meanwhile(
    cluster: LocalKafka, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "_SPENT_SECONDS", 1.0)
    report = play(Steady(), cluster, tmp_path, prices=Prices.model_validate({"on-demand": "36 EUR"}))
    (machine,) = report.hosts
    assert 3 / 3600 < machine.hours < report.seconds / 3600
    assert machine.processors > 0
    assert report.node_hours == {"unknown": machine.hours}
    assert report.cost == {"EUR": pytest.approx(36 * machine.hours)}
    (journal,) = tmp_path.glob(f"*/{NAME}")
    spent = [entry for entry in read(journal) if entry["what"] == "spent"]
    assert len(spent) >= 3
    assert 0 < spent[-1]["bytes"] <= report.bytes["orders"]
    assert 0 < spent[-1]["hours"]["unknown"] <= machine.hours
    assert spent[-1]["money"]["EUR"] == pytest.approx(36 * spent[-1]["hours"]["unknown"])


def test_a_first_signal_while_it_cleans_up_lets_it_do_so(
    cluster: LocalKafka, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    delete = admin.delete

    def signalled(properties: Mapping[str, str], topics: Iterable[str]) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        delete(properties, topics)

    monkeypatch.setattr(admin, "delete", signalled)
    report = play(Steady(), cluster, tmp_path)
    assert (report.outcome, report.cause) == (Outcome.INTERRUPTED, "SIGTERM")
    assert report.total("acknowledged") == report.total("found") > 5_000


def test_a_run_says_which_cluster_it_was_on_and_which_kafka(cluster: LocalKafka, tmp_path: Path) -> None:
    about = play(Steady(), cluster, tmp_path).cluster
    assert about == {"name": cluster.name, "id": about["id"], "version": cluster.version(1)}
    theirs = facts(Existing(cluster.client_properties()))  # who cannot look into it knows no more than brokers say
    assert theirs == {"id": about["id"], "version": cluster.version(1).rpartition(".")[0]}


def test_a_leader_that_dies_is_journalled_healed_and_seen_in_the_verdict(cluster: LocalKafka, tmp_path: Path) -> None:
    report = play(Deaths(), cluster, tmp_path)
    assert (report.outcome, report.cause) == (Outcome.PASSED, "")
    (shade,) = report.shades
    assert shade.until is not None
    assert cluster.running() == [1, 2, 3]
    kinds = [json.loads(line).get("kind") for line in next(tmp_path.glob(f"*/{NAME}")).read_text().splitlines()]
    assert "fault" in kinds
    assert [verdict.state for verdict in report.verdicts[:2]] == ["passed", "passed"]


def test_fleets_change_under_way_and_no_record_is_forgotten(cluster: LocalKafka, tmp_path: Path) -> None:
    report = play(Changes(), cluster, tmp_path)
    assert (report.outcome, report.cause) == (Outcome.PASSED, "")
    writers = next(crew for crew in report.fleets if crew.name == "writers")
    assert (writers.workers, writers.deaths) == (3, 0)
    assert [crew.name for crew in report.fleets if not crew.declared] == ["auditors"]
    assert all(machine.memory > machine.resident > 0 and machine.kernel for machine in report.hosts)
    assert report.total("acknowledged") == report.total("found")
    (quiet,) = [note for note in report.notes if "quiet end" in note.text]
    assert quiet.until is not None
    assert quiet.since < quiet.until < report.seconds


def test_a_mistake_in_a_scenario_is_told_with_its_place_and_proves_nothing(cluster: LocalKafka, tmp_path: Path) -> None:
    report = play(Stumbles(), cluster, tmp_path)
    assert report.outcome is Outcome.INVALID
    assert "LookupError: nobody is there (test_run.py:" in report.cause


@pytest.mark.parametrize("step_fails", [False, True])
def test_a_promise_that_fails_by_itself_proves_nothing_and_leaves_nothing(
    step_fails: bool, cluster: LocalKafka, tmp_path: Path
) -> None:
    report = play(Promising(step_fails=step_fails), cluster, tmp_path)
    assert report.outcome is Outcome.INVALID
    assert "KeyError: 'auditors'" in report.cause
    assert report.verdicts[0].found == "it cannot say: KeyError: 'auditors'"


def test_what_does_not_come_in_time_is_a_broken_promise(cluster: LocalKafka, tmp_path: Path) -> None:
    report = play(Waits(), cluster, tmp_path)
    assert (report.outcome, report.cause) == (Outcome.FAILED, "")
    (broken,) = report.broken
    assert (broken.demanded, broken.found) == ("1 TB in orders within 1 s", "not in that time")


@pytest.mark.parametrize(("breaks", "outcome"), [(False, Outcome.INTERRUPTED), (True, Outcome.FAILED)])
def test_a_lost_worker_for_which_there_is_no_room_interrupts_a_run_and_hides_no_loss(
    breaks: bool, outcome: Outcome, cluster: LocalKafka, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = Stranded.places = Perilous()
    monkeypatch.setattr(Ground, "places", lambda _: places)
    monkeypatch.setattr(Ground, "patience", 1.0)
    report = play(Stranded(breaks=breaks), cluster, tmp_path)
    told = "fleet writers: 1 of its 2 workers have not come to life within 1 s: there is no room"
    assert (report.outcome, report.cause) == (outcome, told)
    assert not any("not read to its end" in other for other in report.others)
    assert sorted(places.closed) == sorted(places.opened)


def test_a_cluster_that_cannot_suffer_it_is_not_touched(cluster: LocalKafka, tmp_path: Path) -> None:
    properties = cluster.client_properties()
    given = Opened("theirs", ours=False, cluster=Existing(properties), begin=pytest.fail, end=lambda: None)
    report = asyncio.run(run(Deaths(), cluster=given, places="here", results=tmp_path))
    assert report.outcome is Outcome.SKIPPED
    remedy = "a cluster that is made for the run can: --cluster local"
    assert report.cause == f"Kill: its nodes cannot be killed or started again; {remedy}"
