"""A fleet where nodes and brokers tell their zones: where its workers are asked for, and what they are told."""

import asyncio
import json
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from actors import gauge
from actors.near import Near
from actors.order import Host
from actors.spec import Auditors, Consumers, Producers, WorkerSpec
from actors.traffic import Traffic
from marathon_ray.attempt import Attempt, Site
from marathon_ray.fleet import Fleet
from marathon_ray.journal import Journal
from marathon_ray.kafka import admin
from marathon_ray.kafka.comparison import ClusterState, TopicState
from marathon_ray.kafka.metadata import Partition
from marathon_ray.kafka.topics import Topic
from marathon_ray.names import Names
from marathon_ray.reporting import _within
from marathon_ray.scenario import Scenario
from marathon_ray.seats import Seat, exchanged
from tests.fleeting import Crew, Perilous
from tests.mock_kafka import PARTITIONS, MockKafka

_topics = count()
RACK, STATISTICS = "client.rack", "statistics.interval.ms"


@pytest.fixture
def places() -> Perilous:
    return Perilous()


@pytest.fixture
def crew(mock_kafka: MockKafka, places: Perilous) -> Iterator[Crew]:
    crew = Crew(mock_kafka.properties, {mock_kafka.topic(f"zones-{next(_topics)}"): PARTITIONS}, places, live={})
    yield crew
    crew.close()


def known(crew: Crew) -> Near:
    (topic,) = crew.partitions
    return Near(("a", "b"), {(topic, number): "ab"[number % 2] for number in range(PARTITIONS)}, {1: "a", 2: "b"})


def start(crew: Crew, name: str, spec: WorkerSpec, near: Near | None) -> Fleet:
    fleet = crew.add(name, spec, 2, start=False)
    fleet.near = near
    fleet.start()
    crew.settle()
    return fleet


def orders(fleet: Fleet) -> list[Any]:
    return [seat.order for seat in fleet._seats.values()]


def test_workers_are_asked_for_in_each_zone_by_turns_and_write_to_what_is_led_there(
    crew: Crew, places: Perilous
) -> None:
    spec = Producers(to=tuple(crew.partitions), rate="1000 records/s", writers_per_partition=1)
    fleet = start(crew, "writers", spec, known(crew))
    assert list(places.zone.values()) == ["a", "b"]
    written = [sorted(number for some in one.spec.partitions.values() for number in some) for one in orders(fleet)]
    assert written == [[0, 2], [1, 3]]


def test_members_of_a_group_read_in_their_zone_and_auditors_from_leaders(crew: Crew) -> None:
    of = tuple(crew.partitions)
    readers = start(crew, "readers", Consumers(of=of, group="live"), known(crew))
    assert [one.target.properties[RACK] for one in orders(readers)] == ["a", "b"]
    auditors = start(crew, "auditors", Auditors(of=of), known(crew))
    assert [RACK in one.target.properties for one in orders(auditors)] == [False, False]
    assert [sorted(one.spec.partitions[of[0]]) for one in orders(auditors)] == [[0, 2], [1, 3]]
    assert all(STATISTICS in one.target.properties for fleet in (readers, auditors) for one in orders(fleet))


def test_a_fleet_that_ignores_zones_is_where_there_is_room_and_tells_what_it_exchanges_all_the_same(
    crew: Crew, places: Perilous
) -> None:
    places.elsewhere = "b"
    readers = start(crew, "readers", Consumers(of=tuple(crew.partitions), group="live", zones="ignore"), known(crew))
    assert list(places.zone.values()) == ["", ""]
    assert [RACK in one.target.properties for one in orders(readers)] == [False, False]
    assert [STATISTICS in one.target.properties for one in orders(readers)] == [True, True]


def test_a_node_that_does_not_tell_its_zone_is_asked_nothing_of(crew: Crew) -> None:
    readers = start(crew, "readers", Consumers(of=tuple(crew.partitions), group="live", zones="ignore"), known(crew))
    assert all(one.target == crew.target for one in orders(readers))


def test_what_stays_in_its_workers_zone_is_told_apart_once_where_both_zones_are_known(
    crew: Crew, places: Perilous, monkeypatch: pytest.MonkeyPatch
) -> None:
    traffic = Traffic()
    monkeypatch.setattr(gauge, "TRAFFIC", traffic)
    spec = Producers(to=tuple(crew.partitions), rate="1000 records/s", zones="ignore")
    lost = start(crew, "lost", spec, known(crew))
    places.elsewhere = "a"
    near = start(crew, "near", spec, known(crew))
    brokers = {str(node): {"nodeid": node, "txbytes": 10 * node, "rxbytes": 0} for node in (1, 2, 3)}
    traffic.hear(json.dumps({"name": "one", "brokers": brokers}).encode())  # no rack is known of broker 3
    for _ in range(2):
        crew.turn()
        assert near.carried == {True: 20, False: 40}  # two workers in one process
    assert not lost.carried


def test_the_share_within_a_zone_is_that_of_what_was_told() -> None:
    assert [_within(carried) for carried in ({}, {True: 1, False: 3}, {False: 3}, {True: 3})] == [None, 0.25, 0.0, 1.0]


class Zoned(Scenario):
    """All is kept."""

    orders: Topic = Topic(partitions=2)
    writers: Producers = Producers(to="orders", rate="1 records/s")


@pytest.mark.parametrize(
    ("rack", "note"),
    [("a", ""), ("A", "nodes are in a, brokers in A: nothing can be kept in one zone")],
)
def test_fleets_know_zones_that_both_sides_tell_and_people_that_the_words_differ(
    places: Perilous, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rack: str, note: str
) -> None:
    partition = Partition(leader=1, replicas=(1,), isr=(1,), error=0)
    topic = TopicState("id", (partition, partition))
    state = ClusterState({}, {"m-bench-00000000-orders": topic}, {1: rack})
    monkeypatch.setattr(admin, "create", lambda properties, topics: dict.fromkeys(topics, "id"))
    monkeypatch.setattr(admin, "look", lambda *_: state)
    places.elsewhere, notes = "a", list[str]()
    with Journal(tmp_path / "journal.jsonl") as journal:
        site = Site(cast(Any, SimpleNamespace(client_properties=dict)), places, journal, cast(Any, notes.append))
        attempt = Attempt(Zoned(), Names("bench", "00000000"), site, seed=0)
        asyncio.run(attempt._create())
    wanted = None if note else Near(("a",), state.zones(), {1: "a"})
    assert all(fleet.near == wanted for fleet in attempt._rounds.fleets.values())
    assert notes == [note] * bool(note)


def test_auditors_at_work_keep_their_partitions(crew: Crew) -> None:
    auditors = start(crew, "auditors", Auditors(of=tuple(crew.partitions)), known(crew))
    auditors.set(Auditors(of=tuple(crew.partitions), trailing=0))
    with pytest.raises(ValueError, match="fleet auditors has its partitions, and keeps them while it works"):
        auditors.set(Auditors(of=tuple(crew.partitions), zones="ignore"))


def test_where_zones_are_not_known_nothing_is_asked_of_anybody(crew: Crew, places: Perilous) -> None:
    fleet = start(crew, "writers", Producers(to=tuple(crew.partitions), rate="1000 records/s"), None)
    assert list(places.zone.values()) == ["", ""]
    assert all(one.target == crew.target for one in orders(fleet))


def test_what_a_seat_has_exchanged_is_counted_once_and_anew_with_a_new_process() -> None:
    def told(pid: int, **bytes_: int) -> Host:
        return Host("n", pid=pid, exchanged={int(broker[1:]): count for broker, count in bytes_.items()})

    seat = Seat("s", 0, opened=0, since=0, host=told(1, b1=10, b2=5))
    assert exchanged(seat, told(1, b1=15, b2=5, b3=7)) == {1: 5, 2: 0, 3: 7}
    assert exchanged(seat, told(2, b1=4)) == {1: 4}
