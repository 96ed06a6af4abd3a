"""The boundary against the mock cluster: what is taken, what is refused, what comes back, and that nothing leaks."""

import ctypes as C  # noqa: N812 - the name that ctypes code is read with
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from actors import librdkafka as rk
from actors import rows
from actors.bindings import LIBRARY
from actors.fetch import Fetch
from actors.librdkafka import Batch, Place, Reports
from actors.record import HEAD, VERSION
from actors.tally import Kind, Outcome
from tests.mock_kafka import PARTITIONS, MockKafka

RUN = 7
_topics = count()


@pytest.fixture
def topic(mock_kafka: MockKafka) -> str:
    return mock_kafka.topic(f"boundary-{next(_topics)}")


class Client:
    """A producing client with one topic."""

    def __init__(self, target: dict[str, str], topic: str, **properties: str) -> None:
        named = {name.replace("_", "."): value for name, value in properties.items()}
        self.handle = rk.open_client(rk.PRODUCER, {**target, "log_level": "0", **named})
        self.topic = rk.open_topic(self.handle, topic)
        self.reports = Reports(self.handle)

    def drain(self, seconds: float = 10.0) -> np.ndarray:
        """All reports, in the order in which they came."""
        got, deadline = [np.zeros(0, rows.REPORT)], time.monotonic() + seconds
        while rk.in_flight(self.handle) and time.monotonic() < deadline:
            many, _ = self.reports.poll(0.1)
            got.append(self.reports.rows[:many].copy())
        return np.concatenate(got)

    def close(self) -> None:
        rk.close_topic(self.topic)
        self.reports.close()
        rk.close_client(self.handle)


@pytest.fixture
def opened() -> Iterator[list[Client]]:
    clients: list[Client] = []
    yield clients
    for client in clients:
        rk.purge(client.handle)
        client.drain()
        client.close()


def records(number: int, size: int = 64, *, keyed: bool = False) -> Batch:
    """Sealed records 0..number of stream 5."""
    batch = Batch(number, size, keyed=keyed)
    heads = batch.values[:, :6].view(HEAD)[:, 0]
    heads["version"], heads["run"], heads["client"], heads["intended"] = VERSION, RUN, 11, time.time_ns()
    heads["sequence"] = np.arange(number)
    batch.sizes[:] = size
    batch.opaque[:] = np.uint64(5 << rows.STREAM_SHIFT) | np.arange(number, dtype=np.uint64)
    batch.keys[:, 1] = np.arange(number)
    rows.seal(batch.values, batch.sizes, batch.keys, batch.key_size, number)
    return batch


def fetched(target: dict[str, str], topic: str, number: int, sought: Place | None = None) -> np.ndarray:
    """The first `number` rows of partition 0, or of what a seek led to; what is not there is told, not skipped."""
    usual = {"group.id": "unused", "log_level": "0", "enable.partition.eof": "true", "auto.offset.reset": "error"}
    properties = {**target, **usual}
    handle = rk.open_client(rk.CONSUMER, properties)
    fetch = Fetch(handle, {topic: 3}, RUN)
    rk.assign(handle, [Place(topic, 0, 0)])
    got, deadline = [np.zeros(0, rows.FETCHED)], time.monotonic() + 10
    if sought:
        rk.seek(handle, [sought], 5)  # only that is sure to be checked against the epoch it names
    while sum(map(len, got)) < number and time.monotonic() < deadline:
        many = fetch.take(0.1, 1_000)
        fetch.unpack(many)
        got.append(fetch.rows[:many].copy())
    fetch.close()
    rk.close_client(handle)
    return np.concatenate(got)


def test_every_record_comes_back_as_one_report_and_one_row(
    mock_kafka: MockKafka, topic: str, opened: list[Client]
) -> None:
    opened.append(client := Client(mock_kafka.properties, topic))
    assert records(500, keyed=True).produce(client.topic, 0, 0, 500) == 500
    reports = client.drain()
    assert reports["sequence"].tolist() == list(range(500))
    assert set(reports["stream"]) == {5}
    assert set(reports["outcome"]) == {Outcome.ACKNOWLEDGED}
    assert reports["offset"].tolist() == list(range(500))
    read = fetched(mock_kafka.properties, topic, 500)[:500]
    assert read["sequence"].tolist() == list(range(500))
    assert not read["check"].any()
    assert set(zip(read["client"], read["topic"], read["partition"], strict=True)) == {(11, 3, 0)}


def test_a_full_queue_takes_a_prefix(mock_kafka: MockKafka, topic: str, opened: list[Client]) -> None:
    opened.append(client := Client(mock_kafka.properties, topic, queue_buffering_max_messages="500"))
    batch = records(1_000)
    taken = batch.produce(client.topic, 0, 0, 1_000)
    assert taken == 500
    assert set(batch.errors[:500]) == {rk.NO_ERROR}
    assert set(batch.errors[500:]) == {rk.QUEUE_FULL}


def test_a_record_that_is_too_large_is_refused_alone(mock_kafka: MockKafka, topic: str, opened: list[Client]) -> None:
    opened.append(client := Client(mock_kafka.properties, topic, message_max_bytes="2000"))
    batch = records(10, 6_000)
    batch.sizes[:] = 100
    batch.sizes[3] = 6_000
    assert batch.produce(client.topic, 0, 0, 10) == 9
    assert np.flatnonzero(batch.errors).tolist() == [3]
    assert rk.error_name(int(batch.errors[3])) == "MSG_SIZE_TOO_LARGE"


def test_a_purge_gives_each_record_its_last_report(topic: str, opened: list[Client]) -> None:
    opened.append(client := Client({"bootstrap.servers": "127.0.0.1:1"}, topic))
    assert records(1_000).produce(client.topic, -1, 0, 1_000) == 1_000
    rk.purge(client.handle)
    reports = client.drain()
    assert sorted(reports["sequence"]) == list(range(1_000))
    assert set(reports["outcome"]) == {Outcome.UNKNOWN}  # librdkafka says so of records, too, that it had sent before
    assert {rk.error_name(int(error)) for error in set(reports["error"])} == {"_PURGE_QUEUE"}
    assert rk.in_flight(client.handle) == 0


def test_a_partition_that_is_not_there_is_known_before_anything_is_sent(
    mock_kafka: MockKafka, topic: str, opened: list[Client]
) -> None:
    opened.append(client := Client(mock_kafka.properties, topic))
    assert rk.partitions(client.handle, client.topic, 10.0) == 4


@pytest.mark.parametrize(("column", "at"), [("values", (2, 3)), ("values", (2, 7)), ("keys", (2, 1))])
def test_a_flipped_bit_of_head_value_or_key_is_found(
    mock_kafka: MockKafka, topic: str, opened: list[Client], column: str, at: tuple[int, int]
) -> None:
    opened.append(client := Client(mock_kafka.properties, topic))
    batch = records(5, keyed=True)
    getattr(batch, column)[at] ^= np.uint64(1 << 17)
    batch.produce(client.topic, 0, 0, 5)
    client.drain()
    assert fetched(mock_kafka.properties, topic, 5)[:5]["check"].tolist() == [0, 0, Kind.CORRUPT, 0, 0]


def test_short_and_foreign_records_are_told_apart(mock_kafka: MockKafka, topic: str, opened: list[Client]) -> None:
    opened.append(client := Client(mock_kafka.properties, topic))
    batch = records(3)
    batch.sizes[0] = 47
    batch.values[1, :6].view(HEAD)["run"] = RUN + 1
    rows.seal(batch.values, batch.sizes, batch.keys, 0, 3)
    batch.produce(client.topic, 0, 0, 3)
    client.drain()
    assert fetched(mock_kafka.properties, topic, 3)[:3]["check"].tolist() == [Kind.SHORT, Kind.FOREIGN, 0]


def test_the_end_of_a_partition_is_an_error_row(mock_kafka: MockKafka, topic: str) -> None:
    read = fetched(mock_kafka.properties, topic, 1)
    assert read["error"].tolist() == [rk.PARTITION_EOF]
    assert (int(read["topic"][0]), int(read["offset"][0])) == (3, 0)


def test_a_refused_property_is_told_in_librdkafkas_words_without_secrets() -> None:
    with pytest.raises(ValueError, match=r"-7 is outside allowed range 0\.\.900000$"):
        rk.open_client(rk.PRODUCER, {"linger.ms": "-7"})
    with pytest.raises(ValueError, match="No such configuration property") as refused:
        rk.open_client(rk.PRODUCER, {"sasl.passwords": "hunter2"})
    assert "hunter2" not in str(refused.value)


def test_another_librdkafka_or_layout_is_refused_in_one_sentence() -> None:
    script = "import ctypes, {0}\n{1}\nimport actors.librdkafka"
    for module, change, words in (
        ("actors.rows", "actors.rows.MESSAGE = __import__('numpy').dtype('V80')", "72 bytes"),
        ("confluent_kafka", "confluent_kafka.cimpl.__file__ = 'libc.so.6'", "rd_kafka_version"),
    ):
        ran = subprocess.run([sys.executable, "-c", script.format(module, change)], capture_output=True, text=True)
        assert ran.returncode == 1
        assert words in ran.stderr.strip().splitlines()[-1]


def test_nothing_is_used_after_it_was_freed_or_freed_twice() -> None:
    """The tests above once more, under a malloc that fills what it frees and checks every block."""
    debugging = sorted(Path("/lib").glob("*/libc_malloc_debug.so.0"))
    environment = {**os.environ, "GLIBC_TUNABLES": "glibc.malloc.perturb=165:glibc.malloc.check=3"}
    if debugging:
        environment["LD_PRELOAD"] = str(debugging[0])
    again = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "comes_back or flipped or purge or end_of", __file__]
    ran = subprocess.run([sys.executable, *again], env=environment, capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (b"Partition log truncation detected at offset 9: broker end offset is 1688 (offset leader epoch 0).", 1688),
        (b"fetch failed due to requested offset not available on the broker", -1),
        (b"the end offset is 7", 7),
        (b"an end offend offset is 0 (", 0),
        (b"end offset is ?", -1),
        (b"", -1),
    ],
)
def test_where_a_log_was_cut_is_read_from_the_words(words: bytes, named: int) -> None:
    letters = np.frombuffer(words + b"\0", np.uint8)
    assert rows._named_end(np.uint64(letters.ctypes.data), np.uint64(len(words))) == named


def test_a_reader_put_behind_a_place_where_the_log_was_cut_is_told_by_the_epoch_it_had_read_in() -> None:
    cluster = rk.open_client(rk.PRODUCER, {"test.mock.num.brokers": "3", "bootstrap.servers": "mock", "log_level": "0"})
    LIBRARY.rd_kafka_handle_mock_cluster.restype = C.c_void_p
    LIBRARY.rd_kafka_mock_cluster_bootstraps.restype = C.c_char_p
    mock = C.c_void_p(LIBRARY.rd_kafka_handle_mock_cluster(C.c_void_p(cluster)))
    target = {"bootstrap.servers": LIBRARY.rd_kafka_mock_cluster_bootstraps(mock).decode()}
    assert LIBRARY.rd_kafka_mock_topic_create(mock, b"cut", 1, 3) == 0
    try:
        for leader in (1, 2):  # three records in each of two epochs
            assert LIBRARY.rd_kafka_mock_partition_set_leader(mock, b"cut", 0, leader) == 0
            writer = Client(target, "cut")
            assert records(3).produce(writer.topic, 0, 0, 3) == 3
            assert set(writer.drain()["outcome"]) == {Outcome.ACKNOWLEDGED}
            writer.close()
        read = fetched(target, "cut", 6)
        assert read["offset"][:6].tolist() == list(range(6))
        before, after = int(read["epoch"][2]), int(read["epoch"][3])
        assert before < after
        (told,) = fetched(target, "cut", 1, Place("cut", 0, 5, before))
        assert (told["error"], told["sequence"]) == (rk.RESET, 3)
        assert fetched(target, "cut", 1, Place("cut", 0, 5, after))["offset"][0] == 5
    finally:
        rk.close_client(cluster)


def test_going_to_a_partition_that_is_not_read_is_refused_by_name(mock_kafka: MockKafka, topic: str) -> None:
    handle = rk.open_client(rk.CONSUMER, {**mock_kafka.properties, "group.id": "unused", "log_level": "0"})
    try:
        with pytest.raises(rk.KafkaError, match=f"going to offset 4 of {topic}-1 failed"):
            rk.seek(handle, [Place(topic, 1, 4)], 5)
    finally:
        rk.close_client(handle)


def test_who_has_assigned_anew_may_ask_for_more_at_once(mock_kafka: MockKafka) -> None:
    topics = [mock_kafka.topic(f"boundary-{next(_topics)}") for _ in range(5)]
    handle = rk.open_client(rk.CONSUMER, {**mock_kafka.properties, "group.id": "unused", "log_level": "0"})
    places = [Place(name, number, 0) for name in topics for number in range(PARTITIONS)]
    try:
        for _ in range(200):
            rk.assign(handle, places)
            rk.seek(handle, places, 5)  # refused by one that has not begun
    finally:
        rk.close_client(handle)
