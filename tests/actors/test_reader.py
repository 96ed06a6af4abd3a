"""One life of a reading client on the mock cluster: rows booked, errors told apart, batches copied."""

import ctypes
import threading
import time
from itertools import count

import numpy as np
import pytest

from actors import librdkafka as rk
from actors.bindings import LIBRARY
from actors.claiming import Claiming
from actors.commits import Commits
from actors.composer import Composer, Identity, Times
from actors.librdkafka import Place
from actors.load import FixedSize, SequentialKeys
from actors.pace import Clock
from actors.reader import MOST, Reader
from actors.reading import Reading
from actors.record import HEAD
from actors.target import Target, TopicPlace
from actors.writer import Writer
from tests.mock_kafka import PARTITIONS, MockKafka
from tests.scripted_kafka import OFFSET_COMMIT, ScriptedKafka

_topics = count()
RUN = 77


@pytest.fixture
def target(mock_kafka: MockKafka) -> Target:
    return Target(RUN, mock_kafka.properties, {mock_kafka.topic(f"reading-{next(_topics)}"): TopicPlace(1, PARTITIONS)})


def write(target: Target, records: int, size: int = 100, partition: int = 0) -> None:
    """So many keyed records stand in a partition."""
    (name,) = target.topics
    writer = Writer(target, {}, [(name, partition)], Claiming())
    composer = Composer(FixedSize(size=size), SequentialKeys(count=10), 0.0)
    identity = Identity(RUN, writer.number, 1, partition, writer.stream(name, partition))
    handle, _ = writer.topic(name)
    for first in range(0, records, composer.room):
        number = min(composer.room, records - first)
        composer.compose(identity, first, number, Times(0))
        assert composer.batch.produce(handle, partition, 0, number) == number
    deadline = time.monotonic() + 20
    while writer.in_flight:
        assert time.monotonic() < deadline
        writer.poll(0.05)
    writer.close()


def opened(target: Target, offset: int = 0) -> tuple[Reader, Reading]:
    (name,) = target.topics
    reading = Reading({1: PARTITIONS})
    reader = Reader(target, {"group.id": "unused", "auto.offset.reset": "error"}, reading)
    rk.assign(reader.handle, [Place(name, 0, offset)])
    return reader, reading


def read(reader: Reader, reading: Reading, records: int) -> list[np.ndarray]:
    """Book until so many records are; returns the error rows."""
    told, deadline = [], time.monotonic() + 20
    while int(reading.sums[0]) < records or not reading.places["at_end"][0]:
        assert time.monotonic() < deadline
        told += reader.book(reader.take(0.05), Clock())
    return told


def test_all_is_booked_and_the_end_of_a_log_is_no_error(target: Target) -> None:
    write(target, 3_000)
    reader, reading = opened(target)
    assert read(reader, reading, 3_000) == []
    tables = reading.cut(0)
    reader.close()
    assert tables["positions"].tolist() == [(1, 0, 3_000, 1)]
    assert int(tables["spans"]["count"].sum()) == 3_000
    assert len(tables["incidents"]) == 0


def test_a_take_gives_no_more_than_was_asked(target: Target) -> None:
    write(target, 500)
    reader, reading = opened(target)
    deadline = time.monotonic() + 20
    while int(reading.sums[0]) < 100:
        assert time.monotonic() < deadline
        taken = reader.take(0.05, 7)
        assert taken <= 7
        reader.book(taken, Clock())
    reader.close()


def test_an_offset_that_is_not_there_is_an_error_row_with_its_place(target: Target) -> None:
    write(target, 10)
    reader, _ = opened(target, offset=1_000)
    deadline = time.monotonic() + 20
    while not (told := reader.book(reader.take(0.05), Clock())):
        assert time.monotonic() < deadline
    reader.close()
    assert [row[["error", "topic", "partition"]].tolist() for row in told] == [(rk.RESET, 1, 0)]


def test_copies_hold_keys_and_values_and_grow_with_the_largest(target: Target) -> None:
    write(target, 4, size=10_000)
    reader, _ = opened(target)
    batch, deadline = None, time.monotonic() + 20
    while batch is None:
        assert time.monotonic() < deadline
        if taken := reader.take(0.2):
            small = rk.Batch(MOST, 48, keyed=True)
            batch = reader.copy(taken, small)
            assert batch is not small
            assert reader.copy(taken, batch) is batch
            reader.book(taken, Clock())
    rows = reader.rows[:taken][reader.rows[:taken]["error"] == 0]
    reader.close()
    count_ = len(rows)
    assert batch.values.shape[1] * 8 >= 10_000
    heads = np.ascontiguousarray(batch.values[:count_, :6]).view(HEAD)[:, 0]
    assert heads["sequence"].tolist() == rows["sequence"].tolist()
    assert batch.keys[:count_, 1].tolist() == [int(sequence) % 10 for sequence in rows["sequence"]]
    assert set(batch.sizes[:count_].tolist()) == {10_000}


class Member:
    """The only member of a group, with all partitions of a topic."""

    def __init__(self, scripted: ScriptedKafka) -> None:
        self.topic = scripted.topic("t")
        self.rebalances: list[tuple[bool, int, bool]] = []
        target = Target(RUN, scripted.properties, {self.topic: TopicPlace(1, PARTITIONS)})
        write(target, 5_000)
        reading = Reading({1: PARTITIONS})
        properties = {"group.id": "g", "auto.offset.reset": "earliest"}
        self.reader = Reader(target, properties, reading, on_rebalance=self.rebalanced)
        rk.subscribe(self.reader.handle, target.topics)
        deadline = time.monotonic() + 20
        while not reading.sums[0]:
            assert time.monotonic() < deadline
            self.reader.book(self.reader.take(0.05, 1), Clock())

    def rebalanced(self, assigned: bool, places: list[Place], lost: bool) -> None:
        self.rebalances.append((assigned, len(places), lost))


def test_a_member_that_leaves_is_called_back_for_all_it_had() -> None:
    with ScriptedKafka() as scripted:
        member = Member(scripted)
        assert rk.leave(member.reader.handle, 20)
        assert member.rebalances == [(True, PARTITIONS, False), (False, PARTITIONS, False)]
        member.reader.close()


def test_who_may_not_leave_in_time_is_closed_in_the_background() -> None:
    with ScriptedKafka() as scripted:
        member = Member(scripted)
        scripted.hold(OFFSET_COMMIT, 8)
        commits = Commits(member.reader.handle)
        commits.ask({Place(member.topic, 0, 1): 1})
        assert not rk.leave(member.reader.handle, 0.5)
        assert member.rebalances == [(True, PARTITIONS, False), (False, PARTITIONS, False)]
        assert commits.answers() == []
        commits.close()
        member.reader.close(wait=False)
        (closing,) = [thread for thread in threading.enumerate() if thread.name == f"closing {member.reader.handle}"]
        closing.join(60)
        assert not closing.is_alive()


def test_a_reader_that_met_a_fatal_error_leaves_its_group_and_closes_without_a_word(target: Target) -> None:
    reader = Reader(target, {"group.id": "left"}, Reading({1: PARTITIONS}))
    rk.subscribe(reader.handle, target.topics)
    fenced = 82
    assert LIBRARY.rd_kafka_test_fatal_error(ctypes.c_void_p(reader.handle), fenced, b"as a test wants it") == 0
    began = time.monotonic()
    assert rk.leave(reader.handle, 20)
    reader.close()
    assert time.monotonic() - began < 5
