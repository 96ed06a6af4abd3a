"""A fleet where nodes and brokers tell their zones: where its workers are asked for, and what they are told."""

from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest

from actors.near import Near
from actors.order import Host
from actors.spec import Auditors, Consumers, Producers, WorkerSpec
from marathon_ray.fleet import Fleet
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
    readers = start(crew, "readers", Consumers(of=tuple(crew.partitions), group="live", zones="ignore"), known(crew))
    assert list(places.zone.values()) == ["", ""]
    assert [RACK in one.target.properties for one in orders(readers)] == [False, False]


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
