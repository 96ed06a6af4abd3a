"""Topics on a real cluster: looked at, created all or none, known everywhere, deleted for good."""

from __future__ import annotations

import itertools
import re
import time
from collections.abc import Mapping
from concurrent.futures import Future

import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic, TopicPartition

from marathon_ray.kafka import admin, looking
from marathon_ray.kafka.cluster import KafkaError
from marathon_ray.kafka.comparison import ClusterState, mistakes
from marathon_ray.kafka.connection import Connection
from marathon_ray.kafka.local import LocalKafka
from marathon_ray.kafka.topics import Topic
from marathon_ray.kafka.transacting import commits

pytestmark = pytest.mark.on_kafka

ORDERS = Topic.model_validate({"partitions": 6, "retention": "1 h", "config": {"segment.bytes": 1 << 20}})


def names(kafka: LocalKafka) -> set[str]:
    return set(AdminClient({**kafka.client_properties()}).list_topics(timeout=20).topics)


def blind(monkeypatch: pytest.MonkeyPatch, *topics: str) -> None:
    """Our look before we create does not see these topics: somebody creates them just after it."""
    check = admin._check

    def look_away(connection: Connection, wanted: Mapping[str, Topic]) -> ClusterState:
        return check(connection, {name: topic for name, topic in wanted.items() if name not in topics})

    monkeypatch.setattr(admin, "_check", look_away)


def test_topics_are_known_to_every_broker_when_create_returns(kafka: LocalKafka, topic: str) -> None:
    for number in range(5):
        wanted = {f"{topic}-{number}-{each}": ORDERS for each in "ab"}
        admin.create(kafka.client_properties(), wanted)
        for name in wanted:
            for node in kafka.nodes:
                view = kafka.metadata(node, name).partitions
                assert len(view) == 6, f"node {node} does not know {name}"
                assert all(partition.in_sync for partition in view.values())


def test_what_was_created_is_seen_as_it_was_wanted(kafka: LocalKafka, topic: str) -> None:
    ids = admin.create(kafka.client_properties(), {topic: ORDERS})
    state = admin.look(kafka.client_properties(), [topic, f"{topic}-none"])
    assert set(state.brokers) == set(kafka.nodes)
    assert set(state.topics) == {topic}
    found = state.topics[topic]
    assert (found.id, len(found.partitions), found.replication, found.in_sync) == (ids[topic], 6, 3, True)
    assert ORDERS.settings().items() <= found.settings.items()
    assert found.settings["retention.ms"] == "3600000"
    assert mistakes(state, {topic: ORDERS}) == []
    assert set(admin.look(kafka.client_properties()).topics) == names(kafka)


def test_creating_what_is_there_already_changes_nothing(kafka: LocalKafka, topic: str) -> None:
    first = admin.create(kafka.client_properties(), {topic: ORDERS})
    assert admin.create(kafka.client_properties(), {topic: ORDERS}) == first


def test_a_new_life_of_a_topic_has_a_new_id(kafka: LocalKafka, topic: str) -> None:
    properties = kafka.client_properties()
    first = admin.create(properties, {topic: ORDERS})
    assert admin.topic_ids(properties, [topic, f"{topic}-none"]) == first
    admin.delete(properties, [topic, f"{topic}-none"])
    assert all(kafka.leader(topic, seen_by=node) == -1 for node in kafka.nodes)
    assert admin.topic_ids(properties, [topic]) == {}
    assert admin.create(properties, {topic: ORDERS}) != first


def test_log_starts_move_when_records_go(kafka: LocalKafka, topic: str) -> None:
    properties = kafka.client_properties()
    admin.create(properties, {topic: Topic(partitions=2)})
    producer = Producer({**properties, "acks": "all"})
    for _ in range(10):
        producer.produce(topic, b"x", partition=1)
    assert producer.flush(30) == 0
    assert admin.log_starts(properties, [topic]) == {(topic, 0): 0, (topic, 1): 0}
    client = AdminClient({**properties})
    for future in client.delete_records([TopicPartition(topic, 1, 7)]).values():
        future.result(30)
    assert admin.log_starts(properties, [topic]) == {(topic, 0): 0, (topic, 1): 7}


def test_a_log_is_stable_up_to_its_first_open_transaction(kafka: LocalKafka, topic: str) -> None:
    properties = kafka.client_properties()
    admin.create(properties, {topic: Topic(partitions=2)})
    writer = Producer({**properties, "transactional.id": topic})
    writer.init_transactions(30)
    writer.begin_transaction()
    for producer in (Producer({**properties}), writer, Producer({**properties})):
        for partition in range(2 if producer is not writer else 1):
            for _ in range(5):
                producer.produce(topic, b"x", partition=partition)
        assert producer.flush(30) == 0
    assert admin.log_ends(properties, [topic]) == {(topic, 0): (15, 5), (topic, 1): (10, 10)}
    writer.abort_transaction(30)
    deadline = time.monotonic() + 30  # its marker is written after the answer
    while (ends := admin.log_ends(properties, [topic])) != {(topic, 0): (16, 16), (topic, 1): (10, 10)}:
        assert time.monotonic() < deadline, ends


def test_a_group_has_committed_what_its_transactions_have_and_no_more(kafka: LocalKafka, topic: str) -> None:
    properties, group = kafka.client_properties(), f"{topic}-copiers"
    places = [(topic, 0), (topic, 1)]
    admin.create(properties, {topic: Topic(partitions=2)})
    assert commits(properties, group, places) == {(topic, 0): 0, (topic, 1): 0}
    reader = Consumer({**properties, "group.id": group})
    writer = Producer({**properties, "transactional.id": topic})
    writer.init_transactions(30)
    for offset in (3, 5):
        writer.begin_transaction()
        writer.send_offsets_to_transaction([TopicPartition(topic, 1, offset)], reader.consumer_group_metadata(), 30)
        if offset == 3:
            writer.commit_transaction(30)
    deadline = time.monotonic() + 30  # its marker is written after the answer
    while (found := commits(properties, group, places)) != {(topic, 0): 0, (topic, 1): 3}:
        assert time.monotonic() < deadline, found
    writer.abort_transaction(30)
    reader.close()
    assert commits(properties, group, places) == {(topic, 0): 0, (topic, 1): 3}


def test_a_rehearsal_creates_nothing(kafka: LocalKafka, topic: str) -> None:
    before = names(kafka)
    assert admin.check(kafka.client_properties(), {topic: ORDERS}).topics == {}
    assert names(kafka) == before


def test_an_interrupt_in_the_middle_leaves_nothing(
    kafka: LocalKafka, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    properties = kafka.client_properties()
    kept = admin.create(properties, {f"{topic}-kept": ORDERS})
    before = names(kafka)
    wait = admin._await

    def interrupt(connection: Connection, topics: Mapping[str, Topic]) -> None:
        wait(connection, topics)
        assert names(kafka) == before | {topic}
        raise KeyboardInterrupt

    monkeypatch.setattr(admin, "_await", interrupt)
    with pytest.raises(KeyboardInterrupt):
        admin.create(properties, {topic: ORDERS, f"{topic}-kept": ORDERS})
    assert names(kafka) == before
    assert admin.topic_ids(properties, kept) == kept


def test_an_interrupt_while_kafka_still_creates_leaves_nothing(
    kafka: LocalKafka, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = names(kafka)
    answers = Connection.answers

    def interrupt(connection: Connection, what: str, futures: Mapping[str, Future[object]]) -> object:
        if what.startswith("create topic") and next(asked):  # the first time it is a rehearsal
            raise KeyboardInterrupt
        return answers(connection, what, futures)

    monkeypatch.setattr(Connection, "answers", interrupt)
    for number in range(3):
        asked = itertools.count()
        with pytest.raises(KeyboardInterrupt):
            admin.create(kafka.client_properties(), {f"{topic}-{number}-{each}": ORDERS for each in range(4)})
        assert names(kafka) == before


def test_a_topic_that_never_gets_ready_is_named_and_nothing_is_left(
    kafka: LocalKafka, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = names(kafka)
    monkeypatch.setattr(looking, "known", lambda *_: {(2, topic): False})
    delete = admin._delete

    def undo(connection: Connection, topics: list[str]) -> None:
        monkeypatch.undo()
        delete(connection, topics)

    monkeypatch.setattr(admin, "_delete", undo)
    with pytest.raises(KafkaError) as caught:
        admin.create(kafka.client_properties(), {topic: ORDERS}, within=2)
    line = rf"creating topics \(broker 2 does not know topic {topic}\) at 127\.0\.0\.1:\S+ took more than 2 s"
    assert re.fullmatch(line, str(caught.value))
    assert names(kafka) == before


def test_a_topic_of_our_own_that_kafka_says_is_there_already_is_a_success(
    kafka: LocalKafka, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    properties = kafka.client_properties()
    first = admin.create(properties, {topic: ORDERS})
    blind(monkeypatch, topic)
    assert admin.create(properties, {topic: ORDERS}) == first


def test_a_topic_of_another_that_appears_meanwhile_stays_and_ours_goes(
    kafka: LocalKafka, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    properties = kafka.client_properties()
    theirs = admin.create(properties, {topic: Topic(partitions=1)})
    before = names(kafka)
    blind(monkeypatch, topic)
    with pytest.raises(KafkaError, match=f"^topic {topic} is there with partitions 1, wanted 6; "):
        admin.create(properties, {topic: ORDERS, f"{topic}-ours": ORDERS})
    assert names(kafka) == before
    assert admin.topic_ids(properties, [topic]) == theirs


def test_what_cannot_be_undone_is_said_on_a_second_line(
    kafka: LocalKafka, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise KafkaError("nobody is there")

    with monkeypatch.context() as broken:
        broken.setattr(admin, "_await", fail)
        broken.setattr(admin, "_delete", fail)
        with pytest.raises(KafkaError) as caught:
            admin.create(kafka.client_properties(), {topic: ORDERS})
    assert str(caught.value) == f"nobody is there\ntopic {topic} may be left behind: nobody is there"
    admin.delete(kafka.client_properties(), [topic])


def test_a_log_start_needs_its_topic(kafka: LocalKafka, topic: str) -> None:
    with pytest.raises(KafkaError, match=f"^topic {topic} is not there: its logs start nowhere$"):
        admin.log_starts(kafka.client_properties(), [topic])


def test_a_log_end_needs_its_topic(kafka: LocalKafka, topic: str) -> None:
    with pytest.raises(KafkaError, match=f"^topic {topic} is not there: its logs end nowhere$"):
        admin.log_ends(kafka.client_properties(), [topic])


def test_a_topic_made_by_others_with_one_replica_is_not_what_was_wanted(kafka: LocalKafka, topic: str) -> None:
    client = AdminClient({**kafka.client_properties()})
    client.create_topics([NewTopic(topic, num_partitions=1, replication_factor=1)])[topic].result(30)
    with pytest.raises(KafkaError, match=f"^topic {topic} is there with replication 1, wanted 3$"):
        admin.check(kafka.client_properties(), {topic: Topic(partitions=1, min_insync=1)})
