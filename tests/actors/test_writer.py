"""One life of a producing client on the mock cluster: its topics, its streams, and what is not there."""

import threading
from collections.abc import Iterator
from itertools import count

import pytest

from actors import librdkafka as rk
from actors import writer as module
from actors.claiming import Claiming
from actors.target import Target, TopicPlace
from actors.writer import Writer
from tests.mock_kafka import PARTITIONS, MockKafka

_topics = count()


@pytest.fixture
def target(mock_kafka: MockKafka) -> Target:
    names = [mock_kafka.topic(f"writing-{next(_topics)}") for _ in range(2)]
    return Target(1, mock_kafka.properties, {name: TopicPlace(n, PARTITIONS) for n, name in enumerate(names, 5)})


@pytest.fixture
def closing() -> Iterator[list[Writer]]:
    writers: list[Writer] = []
    yield writers
    for one in writers:
        one.close()


def test_each_partition_gets_a_stream_and_keeps_it(target: Target, closing: list[Writer]) -> None:
    one, two = target.topics
    claiming = Claiming()
    closing.append(writer := Writer(target, {}, [(one, 0), (one, 2)], claiming))
    before = [writer.stream(one, partition) for partition in (0, 2)]
    writer.widen([(one, 0), (one, 1), (two, 3)])
    assert [writer.stream(one, partition) for partition in (0, 2)] == before
    streams = claiming.streams[[writer.stream(one, 1), writer.stream(two, 3)]]
    assert streams[["client", "topic", "partition"]].tolist() == [(writer.number, 5, 1), (writer.number, 6, 3)]
    assert len(claiming.streams) == 4
    assert writer.topic(two)[1] == TopicPlace(6, PARTITIONS)


def test_every_client_has_a_number_of_its_own(target: Target, closing: list[Writer]) -> None:
    closing += [Writer(target, {}, [], Claiming()) for _ in range(3)]
    assert len({writer.number for writer in closing}) == 3


def test_a_partition_that_is_not_there_is_named_and_opens_no_stream(target: Target, closing: list[Writer]) -> None:
    (one, _), claiming = target.topics, Claiming()
    with pytest.raises(ValueError, match=f"topic {one} has 4 partitions, so there is no partition 4"):
        Writer(target, {}, [(one, 0), (one, 4)], claiming)
    closing.append(writer := Writer(target, {}, [(one, 0)], claiming))
    with pytest.raises(ValueError, match="there is no partition 9"):
        writer.widen([(one, 9)])
    assert len(claiming.streams) == 1


def test_a_topic_that_is_not_there_is_waited_for_and_then_named(
    target: Target, monkeypatch: pytest.MonkeyPatch, closing: list[Writer]
) -> None:
    (one, _), asked = target.topics, []

    def unknown(*_: object) -> int:
        asked.append(1)
        if len(asked) == 3:
            return PARTITIONS
        raise rk.KafkaError(rk.UNKNOWN_TOPIC, "topic")

    monkeypatch.setattr(rk, "partitions", unknown)
    closing.append(Writer(target, {}, [(one, 0)], Claiming()))
    assert len(asked) == 3
    monkeypatch.setattr(module, "_NEW_TOPIC_SECONDS", 0.2)
    with pytest.raises(rk.KafkaError, match="UNKNOWN_TOPIC"):
        Writer(target, {}, [(one, 0)], Claiming())


def test_whoever_collects_never_waits_for_the_cluster(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    (one, _), edge, asked, answer = target.topics, threading.Lock(), threading.Event(), threading.Event()

    def slow(*_: object) -> int:
        asked.set()
        assert answer.wait(10)
        return PARTITIONS

    monkeypatch.setattr(rk, "partitions", slow)
    opened: list[Writer] = []
    thread = threading.Thread(target=lambda: opened.append(Writer(target, {}, [(one, 0)], Claiming(), edge=edge)))
    thread.start()
    assert asked.wait(10)
    free = edge.acquire(timeout=0.1)
    if free:
        edge.release()
    answer.set()
    thread.join(10)
    assert free
    opened[0].close()


def test_a_property_that_librdkafka_refuses_is_told_in_its_words(target: Target) -> None:
    with pytest.raises(ValueError, match="outside allowed range"):
        Writer(target, {"linger.ms": "-1"}, [], Claiming())


def test_the_clusters_properties_yield_to_what_every_writer_has_and_that_to_the_specs(mock_kafka: MockKafka) -> None:
    target = Target(1, {**mock_kafka.properties, "linger.ms": "-1"}, {})  # replaced by every writer's own
    Writer(target, {}, [], Claiming()).close()
    with pytest.raises(ValueError, match="value -2 is outside"):
        Writer(target, {"linger.ms": "-2"}, [], Claiming())
