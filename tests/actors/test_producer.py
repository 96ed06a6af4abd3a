"""The producing worker on the mock cluster: what it was asked, what it told, and what a plain reader finds."""

import ctypes
import threading
import time
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import count
from typing import Any

import numpy as np
import pytest

from actors import kernels, writer
from actors.bindings import LIBRARY
from actors.librdkafka import Event, KafkaError, Reports
from actors.pace import Pace
from actors.producer import Producer
from actors.rows import REPORT
from actors.spec import Producers
from actors.tally import Kind, Life, Outcome
from actors.target import Target, TopicPlace
from tests.loading import Load
from tests.mock_kafka import PARTITIONS, MockKafka
from tests.readback import Record

_topics = count()
_OUT_OF_ORDER = 45  # OUT_OF_ORDER_SEQUENCE_NUMBER, which ends an idempotent client


@pytest.fixture
def topic(mock_kafka: MockKafka) -> str:
    return mock_kafka.topic(f"producing-{next(_topics)}")


def assert_told_and_found_agree(load: Load) -> list[Record]:
    """Every attempt has one report, and the log holds just what was acknowledged, each once and in order."""
    found = load.read()
    assert load.attempted() == load.reported()
    streams: dict[Any, list[int]] = defaultdict(list)
    for record in found:
        streams[int(record.head["client"]), record.topic, record.partition].append(int(record.head["sequence"]))
    assert all(sequences == sorted(set(sequences)) for sequences in streams.values())
    assert len(found) == load.counts["acknowledged"]
    return found


def intended(found: Iterable[Record]) -> np.ndarray:
    """Intended times, ns, ascending."""
    return np.sort(np.array([record.head["intended"] for record in found], np.int64))


@contextmanager
def running(producer: Producer) -> Iterator[threading.Thread]:
    """Its thread, ended at the end."""
    thread = threading.Thread(target=producer.run)
    thread.start()
    try:
        yield thread
    finally:
        producer.stop()
        thread.join(30)
        assert not thread.is_alive()


def test_what_was_acknowledged_is_what_stands_in_the_log(mock_kafka: MockKafka, topic: str) -> None:
    load = Load(mock_kafka, topic, rate="unlimited").until(20_000).retire()
    found = assert_told_and_found_agree(load)
    (client,) = {int(record.head["client"]) for record in found}
    assert load.clients() == [(client, Life.OPEN), (client, Life.CLOSED)]
    assert load.counts["bytes"] == 100 * load.counts["acknowledged"]


@pytest.mark.parametrize(("rate", "size", "each"), [("4000 records/s", "100 B", 4_000), ("1 MB/s", "250 B", 4_000)])
def test_a_rate_is_held_by_the_intended_times_and_by_the_counts(
    mock_kafka: MockKafka, topic: str, rate: str, size: str, each: int
) -> None:
    load = Load(mock_kafka, topic, rate=rate, size=size).until(2_000)
    first, at = load.attempted(), load.parts[-1].at
    load.rig.run(0.8, every=0.05)
    rose = load.attempted() - first
    seconds = (load.parts[-1].at - at) / 1e9
    assert rose == pytest.approx(each * seconds, rel=0.15)
    times = intended(load.retire().read())
    assert (times[-1] - times[0]) / 1e9 * each == pytest.approx(len(times) - 1, rel=0.001)
    assert load.counts["not offered"] == 0


def test_a_writer_that_waits_for_its_next_records_does_not_turn(
    mock_kafka: MockKafka, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    polls = 0
    asked = Reports.poll

    def poll(self: Reports, seconds: float) -> tuple[int, list[Event]]:
        nonlocal polls
        polls += 1
        return asked(self, seconds)

    monkeypatch.setattr(Reports, "poll", poll)
    load = Load(mock_kafka, topic, rate="200 records/s").until(100).retire()
    assert 0 < polls < 20 * load.attempted()


def test_a_change_of_rate_forgets_nothing_that_was_due(mock_kafka: MockKafka, topic: str) -> None:
    load = Load(mock_kafka, topic, rate="2000 records/s").until(1_000)
    load.change(rate="8000 records/s")
    times = intended(load.until(6_000).retire().read())
    gaps = np.diff(times) / 1e9
    assert set(np.round(gaps * 8_000).astype(int)) <= {0, 1, 2, 3, 4, 5}
    changed = int(np.argmax(gaps < 0.0003))
    assert np.median(gaps[:changed]) == pytest.approx(1 / 2_000, rel=0.01)
    assert np.median(gaps[changed:]) == pytest.approx(1 / 8_000, rel=0.01)
    assert gaps.max() <= 1 / 2_000 + 1e-6  # no hole in the schedule where it changed


def test_a_curve_scales_the_rate(mock_kafka: MockKafka, topic: str) -> None:
    load = Load(mock_kafka, topic, rate="8000 records/s", curve="0 s 0 %, 1 s 100 %").until(8_000).retire()
    times = intended(load.read()) / 1e9
    times -= times[0]
    assert np.searchsorted(times, 0.5) == pytest.approx(1_000, rel=0.1)  # rate * t² / 2
    assert np.searchsorted(times, 1.0) == pytest.approx(4_000, rel=0.05)


def test_an_older_revision_changes_nothing(mock_kafka: MockKafka, topic: str) -> None:
    load = Load(mock_kafka, topic, rate="1000 records/s")
    load.change(revision=9, rate="4000 records/s")
    load.change(revision=8, rate="1 records/s")
    before = load.until(2_000).attempted()
    load.until(before + 2_000)
    load.retire()
    assert len(load.clients()) == 2


@pytest.mark.parametrize("sizes", ["100 B..300 B", "75 % 100 B, 25 % 1 KiB"])
def test_sizes_are_spread_as_asked(mock_kafka: MockKafka, topic: str, sizes: str) -> None:
    load = Load(mock_kafka, topic, size=sizes).until(10_000).retire()
    seen = np.array([48 + len(record.body) for record in load.read()])
    shape = Producers(to=(topic,), size=sizes).size
    deviation = shape.table().std() / np.sqrt(len(seen))
    assert seen.mean() == pytest.approx(shape.mean, abs=6 * deviation)
    assert set(seen.tolist()) == set(shape.table().tolist())


@pytest.mark.parametrize("keys", ["none", "sequential of 50", "uniform of 50", "zipf 1.2 of 50"])
def test_keys_are_their_client_and_an_index(mock_kafka: MockKafka, topic: str, keys: str) -> None:
    found = Load(mock_kafka, topic, keys=keys).until(5_000).retire().read()
    if keys == "none":
        assert {record.key for record in found} == {None}
        return
    pairs = [np.frombuffer(record.key or b"", np.uint64).tolist() for record in found]
    assert all(client == record.head["client"] for (client, _), record in zip(pairs, found, strict=True))
    indexes = Counter(index for _, index in pairs)
    assert set(indexes) == set(range(50))
    if keys.startswith("sequential"):
        assert [index for _, index in pairs] == [int(record.head["sequence"]) % 50 for record in found]
    share = indexes[0] / len(found)
    expected = 0.02 if not keys.startswith("zipf") else 1 / sum(k**-1.2 for k in range(1, 51))
    assert share == pytest.approx(expected, rel=0.25)


def test_values_compress_by_about_what_was_asked(mock_kafka: MockKafka, topic: str) -> None:
    found = Load(mock_kafka, topic, size="2 KiB", compressible=0.6).until(500).retire().read()
    body = b"".join(record.body for record in found)
    assert len(zlib.compress(body)) / len(body) == pytest.approx(0.4, abs=0.06)


def test_all_partitions_of_all_topics_get_their_share(mock_kafka: MockKafka) -> None:
    topics = tuple(mock_kafka.topic(f"producing-{next(_topics)}") for _ in range(3))
    load = Load(mock_kafka, *topics, rate="20000 records/s").until(20_000).retire()
    found = assert_told_and_found_agree(load)
    shares = Counter((record.topic, record.partition) for record in found)
    assert len(shares) == 3 * PARTITIONS
    mean = len(found) / len(shares)
    assert all(mean / 2 < share < mean * 2 for share in shares.values())
    ordinals = {name: place.ordinal for name, place in load.rig.target.topics.items()}
    assert {(record.topic, int(record.head["topic"])) for record in found} == set(ordinals.items())


def test_partitions_that_are_added_keep_the_client_and_get_records(mock_kafka: MockKafka, topic: str) -> None:
    load = Load(mock_kafka, topic, rate="10000 records/s")
    narrow = Producers(to=(topic,), size="100 B", rate="10000 records/s").slice(0, 1, {topic: 1})
    load.producer.apply(2, narrow)
    load.until(1_000)
    load.change(revision=3)
    load.until(6_000).retire()
    found = assert_told_and_found_agree(load)
    assert {record.partition for record in found} == set(range(PARTITIONS))
    assert len(load.clients()) == 2


def test_other_properties_make_another_client_and_lose_nothing(mock_kafka: MockKafka, topic: str) -> None:
    load = Load(mock_kafka, topic, rate="5000 records/s").until(1_000)
    load.change(acks="1", idempotent=False)
    load.until(3_000).retire()
    assert_told_and_found_agree(load)
    (first, opened), (again, closed), (second, reopened), *_ = load.clients()
    assert (first, opened, closed, reopened) == (again, Life.OPEN, Life.CLOSED, Life.OPEN)
    assert second != first


def test_a_worker_without_partitions_waits_for_some(mock_kafka: MockKafka, topic: str) -> None:
    load = Load(mock_kafka, topic, rate="5000 records/s").until(500)
    load.producer.apply(2, Producers(to=(topic,), size="100 B").slice(4, 5, {topic: 1}))
    load.rig.until(lambda: load.producer._spec is not None and not load.producer._spec.partitions, every=0.02)
    load.change(revision=3)
    load.until(load.counts["acknowledged"] + 500).retire()
    assert_told_and_found_agree(load)


def test_a_full_local_queue_loses_nothing(mock_kafka: MockKafka, topic: str) -> None:
    load = Load(mock_kafka, topic, size="1 KiB", rate="unlimited", properties={"queue.buffering.max.kbytes": "64"})
    load.until(5_000)
    assert load.counts["refused"] == 0  # until it is stopped, and gives up what was not taken
    assert_told_and_found_agree(load.retire())


def test_a_worker_that_is_stopped_before_a_full_queue_refuses_what_was_not_taken(topic: str) -> None:
    mock = MockKafka()
    mock.topic(topic)
    properties = {"queue.buffering.max.kbytes": "64", "message.timeout.ms": "60000"}
    load = Load(mock, topic, size="1 KiB", rate="unlimited", properties=properties).until(500)
    end(mock)
    load.producer._flush_seconds = 0.5  # the cluster does not come back
    load.rig.until(lambda: load.producer._writer.in_flight > 50, every=0.05)
    load.retire()
    assert load.attempted() == load.reported()
    assert load.counts["refused"] > 0


def test_a_record_that_is_too_large_is_refused_and_the_run_goes_on(mock_kafka: MockKafka, topic: str) -> None:
    sizes = "90 % 100 B, 10 % 8 KiB"
    load = Load(mock_kafka, topic, size=sizes, properties={"message.max.bytes": "4000"}).until(5_000).retire()
    found = load.read()
    assert load.attempted() == load.reported()
    assert len(found) == load.counts["acknowledged"]
    assert load.counts["refused"] / load.attempted() == pytest.approx(0.1, abs=0.03)
    assert max(len(record.body) for record in found) == 52


def kill(client: Any) -> None:
    """librdkafka believes that this client met a fatal error."""
    arguments = (ctypes.c_void_p(client), _OUT_OF_ORDER, b"as a test wants it")
    assert LIBRARY.rd_kafka_test_fatal_error(*arguments) == 0


@pytest.mark.parametrize("properties", [{}, {"queue.buffering.max.kbytes": "64"}], ids=["free", "full"])
def test_a_fatal_error_makes_another_client_in_the_same_worker(
    mock_kafka: MockKafka, topic: str, properties: dict[str, str]
) -> None:
    load = Load(mock_kafka, topic, size="1 KiB", rate="4000 records/s", properties=properties).until(1_000)
    kill(load.producer._writer.handle)
    load.rig.until(lambda: len(load.clients()) >= 3, every=0.02)
    load.until(load.counts["acknowledged"] + 1_000).retire()
    (first, _), (again, closed), (second, opened), _ = load.clients()
    assert (first, closed, opened) == (again, Life.CLOSED, Life.OPEN)
    assert second != first
    incidents = [row for part in load.parts for row in part.incidents[["kind", "client", "count"]].tolist()]
    assert incidents == [(Kind.FATAL, first, -_OUT_OF_ORDER)]
    found = load.read()
    assert load.attempted() == load.reported()
    assert load.counts["acknowledged"] <= len(found) <= load.counts["acknowledged"] + load.counts["unknown"]


def test_what_is_cut_while_a_client_is_opened_is_told_once(
    mock_kafka: MockKafka, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    producer = producer_of(mock_kafka.properties, topic)
    claiming, fold = producer._claiming, kernels.fold_reports
    (stream,) = claiming.open(7, [(1, 0)])
    claiming.attempt(stream, 2)
    reports = np.zeros(2, REPORT)
    reports["stream"], reports["sequence"] = stream, (0, 1)
    reports["outcome"] = Outcome.ACKNOWLEDGED, Outcome.UNKNOWN
    claiming.fold(reports, 2, 1)
    told: list[int] = []

    def fold_while_another_cuts(*arguments: Any) -> Any:
        folded = fold(*arguments)
        told.extend(claiming.cut()[1]["first"])
        return folded

    monkeypatch.setattr(kernels, "fold_reports", fold_while_another_cuts)
    producer._adopt(Producers(to=(topic,)).slice(0, 1, {topic: PARTITIONS}))
    producer._retire(0)
    assert [*told, *claiming.cut()[1]["first"]] == [0, 1]


def end(mock: MockKafka) -> None:
    """The mock cluster is gone, with all its brokers."""
    mock._owner = None  # type: ignore[assignment]


@pytest.mark.parametrize("idempotent", [True, False])
def test_a_stop_loses_no_report_though_the_cluster_is_gone(topic: str, idempotent: bool) -> None:
    mock = MockKafka()
    mock.topic(topic)
    load = Load(mock, topic, rate="5000 records/s", idempotent=idempotent, properties={"message.timeout.ms": "1500"})
    load.until(1_000)
    end(mock)
    load.rig.step()  # what was attempted before may be acknowledged
    before = load.attempted()
    load.rig.until(lambda: load.attempted() > before + 1_000, every=0.05)
    load.retire()
    assert load.attempted() == load.reported()
    assert load.counts["refused"] + load.counts["unknown"] >= 1_000
    assert load.clients()[-1][1] == Life.CLOSED


def test_what_cannot_be_sent_in_time_is_counted_as_not_offered(
    mock_kafka: MockKafka, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("actors.producer.Pace", partial(Pace, patience=200_000_000))
    asked = {"rate": "100000 records/s", "in_flight": 100, "properties": {"linger.ms": "100"}}
    load = Load(mock_kafka, topic, **asked)
    load.rig.until(lambda: load.counts["not offered"] > 10_000, every=0.05)
    load.retire()
    assert_told_and_found_agree(load)


def producer_of(properties: dict[str, str], topic: str) -> Producer:
    return Producer("p", Target(1, properties, {topic: TopicPlace(1, PARTITIONS)}))


def test_a_partition_that_is_not_there_is_named(mock_kafka: MockKafka, topic: str) -> None:
    producer = producer_of(mock_kafka.properties, topic)
    producer.apply(1, Producers(to=(topic,)).slice(0, 1, {topic: 6}))
    with pytest.raises(ValueError, match=f"topic {topic} has 4 partitions, so there is no partition 5"):
        producer.run()
    assert producer.collect(0).parts[0].clients.tolist() == []


def test_a_partition_that_is_not_there_ends_a_run_without_losing_what_it_told(
    mock_kafka: MockKafka, topic: str
) -> None:
    producer = producer_of(mock_kafka.properties, topic)
    producer.apply(1, Producers(to=(topic,), rate="5000 records/s").slice(0, 1, {topic: 4}))
    raised: list[str] = []

    def run() -> None:
        with pytest.raises(ValueError, match="no partition 5") as error:
            producer.run()
        raised.append(str(error.value))

    thread = threading.Thread(target=run)
    thread.start()
    deadline = time.monotonic() + 20
    while not any(part.counts["acknowledged"] for part in producer.collect(0).parts):
        assert time.monotonic() < deadline
    producer.apply(2, Producers(to=(topic,), rate="5000 records/s").slice(0, 1, {topic: 6}))
    thread.join(20)
    assert raised
    parts = producer.collect(0).parts
    assert sum(sum(part.counts[o] for o in ("acknowledged", "refused", "unknown")) for part in parts) == sum(
        {row["partition"]: int(row["attempted"]) for part in parts for row in part.attempts}.values()
    )
    assert [life for part in parts for _, life in part.clients.tolist()] == [Life.OPEN, Life.CLOSED]


def test_a_property_that_librdkafka_refuses_is_told_in_its_words(mock_kafka: MockKafka, topic: str) -> None:
    producer = producer_of(mock_kafka.properties, topic)
    producer.apply(1, Producers(to=(topic,), properties={"linger.ms": "-7"}).slice(0, 1, {topic: 4}))
    with pytest.raises(ValueError, match="outside allowed range"):
        producer.run()


def test_a_cluster_that_does_not_answer_is_an_error_and_never_blocks_who_collects(
    monkeypatch: pytest.MonkeyPatch, topic: str
) -> None:
    monkeypatch.setattr(writer, "_ASK_SECONDS", 1.0)
    producer = producer_of({"bootstrap.servers": "127.0.0.1:1"}, topic)
    producer.apply(1, Producers(to=(topic,)).slice(0, 1, {topic: 4}))
    collected: list[float] = []

    def collect() -> None:
        begin = time.monotonic()
        producer.collect(0)
        collected.append(time.monotonic() - begin)

    collecting = threading.Timer(0.3, collect)
    collecting.start()
    with pytest.raises(KafkaError, match="no broker answered"):
        producer.run()
    collecting.join(10)
    assert collected[0] < 0.6


def test_no_cut_of_a_worker_at_work_shows_a_report_before_its_attempt(mock_kafka: MockKafka, topic: str) -> None:
    producer = producer_of(mock_kafka.properties, topic)
    producer.apply(1, Producers(to=(topic,), size="100 B").slice(0, 1, {topic: PARTITIONS}))
    attempted: Counter[int] = Counter()
    reported: Counter[int] = Counter()
    version = 0

    def collect() -> None:
        nonlocal version
        for part in producer.collect(version).after(version):
            attempted.update(
                {row["partition"]: int(row["attempted"]) - attempted[row["partition"]] for row in part.attempts}
            )
            for claim in part.claims:
                assert claim["first"] == reported[claim["partition"]]
                reported[claim["partition"]] = int(claim["last"]) + 1
            assert all(attempted[place] >= reported[place] for place in reported)
            version = part.version

    with running(producer) as thread:
        deadline = time.monotonic() + 20
        while reported.total() < 20_000:
            assert time.monotonic() < deadline
            collect()
        producer.stop()
        while thread.is_alive():
            collect()
    collect()
    assert attempted == reported
