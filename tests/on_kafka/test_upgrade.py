"""A real cluster goes to a newer Kafka under load. One cluster serves all of these in turn, and is newer after each."""

import asyncio
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from actors.spec import Producers
from marathon_ray.clusters import open_cluster
from marathon_ray.journal import NAME, left, read
from marathon_ray.kafka.cluster import KafkaError
from marathon_ray.kafka.formation import command_of
from marathon_ray.kafka.local import LocalKafka
from marathon_ray.kafka.node import Node
from marathon_ray.kafka.officers import asked
from marathon_ray.kafka.state import State
from marathon_ray.kafka.waiting import wait_until
from marathon_ray.outcome import Outcome
from marathon_ray.promises.promise import Promise
from marathon_ray.promises.rate import KeepsRate
from marathon_ray.running import run
from scenarios.rolling_upgrade import RollingUpgrade

pytestmark = pytest.mark.on_kafka

LEVEL_4_2, LEVEL_4_3 = 29, 30  # of metadata.version
WRITERS = Producers(to="orders", rate="1 MB/s")


class Unhurried(RollingUpgrade):
    """As ours, but for the rate: in so short a time that is the machine's."""

    def promises(self) -> Iterator[Promise]:
        yield from (one for one in super().promises() if not isinstance(one, KeepsRate))


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalKafka]:
    with LocalKafka(nodes=3, version="4.2") as kafka:
        kafka.fetch("4.3")
        yield kafka


def level(kafka: LocalKafka) -> int:
    """Of metadata.version, in force."""

    def ask(client) -> int:  # type: ignore[no-untyped-def]  # kafka-python has no types
        return int(client.describe_features()["metadata.version"]["finalized"][1])

    return asked(kafka.client_properties(), "which features are in force", ask, within=20)


def test_who_dies_between_stop_and_start_leaves_no_node_down_and_it_comes_back_newer(cluster: LocalKafka) -> None:
    code = f"""
import os
from marathon_ray.faults.roles import broker
from marathon_ray.faults.upgrade import Upgrade
from marathon_ray.kafka.local import LocalKafka
from marathon_ray.kafka.state import State
State.save = lambda state: os._exit(9)
Upgrade(broker(2), "4.3").inject(LocalKafka.attach({cluster.name!r}), (2,), at_most=3)
"""
    gone = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert gone.returncode == 9, gone.stderr
    wait_until("the start", lambda: cluster.state(2) == "up", within=30)
    cluster.wait_up()
    assert "Kafka version: 4.3." in cluster.logs(2)
    assert (LocalKafka.attach(cluster.name).version(2)[:3], level(cluster)) == (
        "4.2",
        LEVEL_4_2,
    )  # to be done once more


def test_a_node_that_the_newer_kafka_does_not_start_serves_with_the_older_again(
    cluster: LocalKafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(state: State, at: Node, version: str) -> list[str]:
        argv = command_of(state, at, version)
        return argv if version.startswith("4.2.") else [*argv[:-1], f"{argv[-1]}.missing"]

    monkeypatch.setattr("marathon_ray.kafka.local.command_of", broken)
    older = cluster.version(3)
    assert older.startswith("4.2.")
    with pytest.raises(
        KafkaError, match=rf"^Kafka 4\.3\.\d+ does not start, so {older} does again: node 3 .* by itself: "
    ):
        cluster.upgrade(3, "4.3")
    assert (cluster.version(3), cluster.state(3)) == (older, "up")
    assert f"Kafka version: {older}" in cluster.logs(3)[-100_000:]
    cluster.wait_up()


def test_a_cluster_is_upgraded_under_load_and_loses_nothing(cluster: LocalKafka, tmp_path: Path) -> None:
    scenario = Unhurried(to="4.3", steady="3 s", writers=WRITERS)
    report = asyncio.run(run(scenario, cluster=cluster.name, places="here", results=tmp_path))
    assert (report.outcome, report.cause) == (Outcome.PASSED, "")
    after = LocalKafka.attach(cluster.name)
    (release,) = after.releases()
    assert release.startswith("4.3.")
    assert all(f"Kafka version: {release}" in cluster.logs(node) for node in cluster.nodes)
    assert level(cluster) == LEVEL_4_3
    assert [(shade.fault, shade.nodes) for shade in report.shades] == [
        *((f"upgrade broker {node} to {release}", (node,)) for node in (1, 2, 3)),
        (f"finalize {release} on 100 % of brokers", (1, 2, 3)),
    ]
    assert all(shade.until is not None for shade in report.shades)
    assert re.fullmatch(rf"4\.2\.\d+, then {re.escape(release)}", str(report.cluster["version"]))
    assert report.spec["to"] == release
    assert left(read(next(tmp_path.glob(f"*/{NAME}")))) == {}


def test_there_is_no_way_back_and_none_to_where_it_is(cluster: LocalKafka, tmp_path: Path) -> None:
    for name in ("4.2", "4.3"):
        with pytest.raises(KafkaError, match=f"Kafka {name}: none is offered that is newer than what the cluster runs"):
            asyncio.run(run(RollingUpgrade(to=name), cluster=cluster.name, places="here", results=tmp_path))
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(KafkaError, match=r"Could not upgrade \w+\.(\w|\.)* to "):
        open_cluster(cluster.name).cluster.finalize("4.2")  # type: ignore[attr-defined]
    assert level(cluster) == LEVEL_4_3
