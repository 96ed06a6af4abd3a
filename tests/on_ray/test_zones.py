"""Zones on a real Ray whose nodes are labelled, and a real Kafka whose brokers have racks: what leaves a zone is seen on the wire."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import ray

from actors.near import ZONE
from actors.spec import Auditors, Consumers, Producers
from benchmarks.losing import PATIENT
from benchmarks.ray_nodes import RayNodes
from marathon_ray.clusters import Opened
from marathon_ray.kafka.local import LocalKafka
from marathon_ray.kafka.topics import Topic
from marathon_ray.places import head
from marathon_ray.places.head import MARKET
from marathon_ray.places.on_ray import OnRay
from marathon_ray.promises.integrity import Integrity
from marathon_ray.promises.promise import Promise
from marathon_ray.running import run
from marathon_ray.scenario import Scenario
from marathon_ray.toolkit import Toolkit
from tests.on_ray.test_notices import where

ZONES = ("a", "b", "c")


@pytest.fixture(scope="module")
def nodes() -> Iterator[dict[str, str]]:
    """By zone, a node with room for four seats in each; two more say nothing of where they are."""
    with RayNodes() as nodes:
        yield {zone: nodes.add(**{ZONE: zone, MARKET: "spot"}) for zone in ZONES}


class Zoned(Scenario):
    """What can stay in its zone does."""

    orders: Topic = Topic(partitions=6, replication=3, min_insync=2)
    writers: Producers = Producers(to="orders", rate="3 MB/s", size="1 kB", workers=3, writers_per_partition=1)
    readers: Consumers = Consumers(of="orders", group="live", workers=3)
    auditors: Auditors = Auditors(of="orders", trailing="1 s", workers=3)

    def promises(self) -> Iterator[Promise]:
        yield Integrity("orders")

    async def workload(self, kit: Toolkit) -> None:
        await kit.steady("12 s")


def nodes_of(zones: list[str], *, nodes: str) -> list[str]:
    """Where seats come to life that are asked for in these zones, once those before them are gone."""
    deadline = time.monotonic() + 30
    while head.room().free < head.room().whole - 5 * 0.6 - 1e-6:  # what RayNodes leaves of each node
        assert time.monotonic() < deadline
        time.sleep(0.1)
    places = OnRay(nodes=nodes)
    try:
        assert asyncio.run(places.zones()) == set(ZONES)
        seats = [f"m-zone-{number}" for number in range(len(zones))]
        for seat, zone in zip(seats, zones, strict=True):
            places.open(seat, zone)
        return where(places, seats)
    finally:
        asyncio.run(places.shut())


@pytest.mark.on_ray
@pytest.mark.parametrize("market", ["any", "spot"])
def test_a_seat_comes_to_its_zone_and_where_that_is_full_to_another(nodes: dict[str, str], market: str) -> None:
    assert nodes_of(["a", "b", "b", "c"], nodes=market) == [nodes["a"], nodes["b"], nodes["b"], nodes["c"]]
    found = nodes_of(["a"] * 6, nodes=market)
    assert found.count(nodes["a"]) == 4


@pytest.fixture(scope="module")
def kafka() -> Iterator[LocalKafka]:
    selector = {
        "replica.selector.class": "org.apache.kafka.common.replica.RackAwareReplicaSelector",
        **PATIENT,  # a broker that a busy machine delays is not fenced: its leaders would leave its zone
    }
    racks = {node: {"broker.rack": zone} for node, zone in enumerate(ZONES, 1)}
    with LocalKafka(nodes=3, properties=selector, node_properties=racks) as running:
        yield running


def play(scenario: Scenario, kafka: LocalKafka, folder: Path) -> dict[str, float]:
    """By fleet, the share of what it exchanged with brokers that did not leave the zone."""
    given = Opened(kafka.name, ours=False, cluster=kafka, begin=lambda: None, end=lambda: None)
    report = asyncio.run(run(scenario, cluster=given, places="ray", results=folder))
    assert report.verdicts[0].state == "passed", (
        report.cause
    )  # whether the machine was too busy for the rest is no matter
    return {crew.name: crew.within_zone for crew in report.fleets if crew.within_zone is not None}


@pytest.mark.on_ray
@pytest.mark.on_kafka
def test_workers_keep_to_their_zone_and_nothing_is_lost_by_it(
    nodes: dict[str, str], kafka: LocalKafka, tmp_path: Path
) -> None:
    assert ray.is_initialized()
    near = play(Zoned(), kafka, tmp_path)
    base = Zoned()
    far = {name: spec.model_copy(update={"zones": "ignore"}) for name, spec in base.fleets.items()}
    anywhere = play(base.model_copy(update=far), kafka, tmp_path)
    assert near.keys() == anywhere.keys() == {"writers", "readers", "auditors"}
    assert all(share > 0.9 for share in near.values()), (near, anywhere)
    assert all(anywhere[name] < near[name] for name in near)
