"""Records that go before their time on a real cluster, and those that go in time."""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

from actors.spec import Auditors, Producers
from marathon_ray.clusters import Opened
from marathon_ray.kafka import admin
from marathon_ray.kafka.cluster import KafkaError
from marathon_ray.kafka.local import LocalKafka
from marathon_ray.kafka.topics import Topic
from marathon_ray.outcome import Outcome
from marathon_ray.promises.integrity import Integrity
from marathon_ray.promises.promise import Promise
from marathon_ray.report.report import Report
from marathon_ray.running import run
from marathon_ray.scenario import Scenario
from marathon_ray.toolkit import Toolkit
from tests.on_kafka.conftest import FreshKafka

pytestmark = pytest.mark.on_kafka


class Kept(Scenario):
    """No record goes before its time."""

    orders: Topic = Topic(partitions=2, replication=1, min_insync=1)
    writers: Producers = Producers(to="orders", rate="1000 records/s", size="200 B", workers=1)
    auditors: Auditors = Auditors(of="orders", trailing="1 s")
    lasts_for: float = 6.0

    def promises(self) -> Iterator[Promise]:
        yield Integrity("orders")

    async def workload(self, kit: Toolkit) -> None:
        await kit.steady(self.lasts_for)


def play(scenario: Scenario, kafka: LocalKafka, folder: Path, meanwhile: Callable[[str], None] | None = None) -> Report:
    """The report of a run; 3 s after its topic is there, `meanwhile` is called with the topic's name."""
    given = Opened(kafka.name, ours=False, cluster=kafka, begin=lambda: None, end=lambda: None)

    async def both() -> Report:
        playing = asyncio.create_task(run(scenario, cluster=given, places="here", results=folder))
        while meanwhile and not playing.done():
            mine = [name for name in await asyncio.to_thread(topics, kafka) if name.endswith("-orders")]
            await asyncio.sleep(3)
            if mine:
                await asyncio.to_thread(meanwhile, mine[0])
                break
        return await playing

    return asyncio.run(both())


def topics(kafka: LocalKafka) -> Mapping[str, object]:
    return AdminClient({**kafka.client_properties(), "log_level": 0}).list_topics(timeout=10).topics


def delete(kafka: LocalKafka, share: float) -> Callable[[str], None]:
    """Delete the oldest part of what is in the first partition."""

    def now(name: str) -> None:
        end = admin.log_ends(kafka.client_properties(), [name])[name, 0].end
        place = TopicPartition(name, 0, max(1, round(end * share)))
        client = AdminClient({**kafka.client_properties(), "log_level": 0})
        for future in client.delete_records([place]).values():
            future.result(10)

    return now


@pytest.mark.parametrize(("share", "trailing"), [(1.0, 30.0), (0.1, 1.0)], ids=["read once", "read twice"])
@pytest.mark.parametrize("retention", [None, "1 h", "unlimited"])
def test_records_that_somebody_deletes_are_found_whatever_the_scenario_declares(
    kafka: LocalKafka, tmp_path: Path, retention: str | None, share: float, trailing: float
) -> None:
    orders = Topic(partitions=2, replication=1, min_insync=1, retention=retention)
    scenario = Kept(orders=orders, auditors=Auditors(of="orders", trailing=trailing))
    report = play(scenario, kafka, tmp_path, delete(kafka, share))
    assert (report.outcome, report.cause) == (Outcome.FAILED, "")
    (broken,) = report.broken
    assert broken.figures["expired early"] > 0
    assert {finding.kind for finding in report.findings} == {"expired early"}
    assert (report.total("expired") > 0) == (trailing > 1)
    told = {None: "at an age of 7 d", "1 h": "at an age of 1 h", "unlimited": "no record goes for its age"}[retention]
    assert told in report.allowances[0]


def test_records_that_go_in_time_by_the_brokers_default_are_no_loss(fresh_kafka: FreshKafka, tmp_path: Path) -> None:
    kafka = fresh_kafka(
        nodes=1,
        properties={"log.retention.ms": 4000, "log.retention.check.interval.ms": 500, "log.initial.task.delay.ms": 500},
    )
    orders = Topic(partitions=2, replication=1, min_insync=1, config={"segment.ms": "500"})
    starts: dict[object, int] = {}

    def look(name: str) -> None:
        deadline = time.monotonic() + 30
        while not all(starts.values()) or not starts:
            assert time.monotonic() < deadline, "nothing expires"
            starts.update(admin.log_starts(kafka.client_properties(), [name]))

    report = play(Kept(orders=orders, lasts_for=12.0), kafka, tmp_path, look)
    assert (report.outcome, report.cause) == (Outcome.PASSED, "")
    assert report.allowances[0] == "orders: a record goes at an age of 4 s"
    assert all(starts.values())
    late = play(Kept(orders=orders, auditors=Auditors(of="orders", trailing="4 s")), kafka, tmp_path / "late")
    why = (
        "its second look at orders comes after up to 5.5 s, but records are kept for 4 s by the cluster's own settings"
    )
    assert (late.outcome, late.cause) == (Outcome.INVALID, f"auditors: {why}")


def test_where_the_cluster_does_not_say_how_long_it_keeps_records_what_is_gone_proves_nothing(
    kafka: LocalKafka, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise KafkaError("not authorized to describe configs")

    monkeypatch.setattr("marathon_ray.attempt.admin.look", refuse)
    report = play(Kept(auditors=Auditors(of="orders", trailing="30 s")), kafka, tmp_path, delete(kafka, 1.0))
    assert report.outcome is Outcome.INVALID
    assert "the cluster does not say how long it keeps records" in report.cause
    assert report.allowances[0].startswith("orders: the cluster does not say how long it keeps records")
