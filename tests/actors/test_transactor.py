"""The transacting worker where no cluster that aborts is needed: what it copies, what it refuses, how it comes back."""

import ctypes
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from typing import Any, Final

import numpy as np
import pytest

from actors import librdkafka as rk
from actors import transactional
from actors.bindings import LIBRARY
from actors.producer import Producer
from actors.record import Flag
from actors.rows import FETCHED
from actors.spec import Producers, Transactors
from actors.tally import Fate, Life, Part
from actors.target import Target, TopicPlace
from actors.transactor import Segment, Transactor
from tests.mock_kafka import PARTITIONS, MockKafka
from tests.readback import records
from tests.rig import Rig
from tests.scripted_kafka import PRODUCE, ScriptedKafka

_topics = count()
RECORDS: Final = 2_000
_NOT_LEADER, _TOO_LARGE = 6, 10
_FENCED: Final = 82  # FENCED_INSTANCE_ID


class Copying:
    """A topic with records and its copy on the mock; a transactor that is collected by hand."""

    def __init__(self, mock: MockKafka | ScriptedKafka, *, known: int = PARTITIONS, **asked: Any) -> None:
        self.mock = mock
        self.source, self.copy = (mock.topic(f"copying-{next(_topics)}") for _ in range(2))
        self.rig = Rig(mock.properties, {self.source: PARTITIONS, self.copy: PARTITIONS})
        self.write()
        places = {name: place._replace(partitions=known) for name, place in self.rig.target.topics.items()}
        self.transactor = Transactor("t", replace(self.rig.target, topics=places))
        # on the mock an aborted transaction stays, and its offsets do not move, so nothing here aborts
        spec_of_copies = Transactors(of=(self.source,), to=(self.copy,), group=self.copy, protocol="consumer", **asked)
        self.transactor.apply(1, spec_of_copies.slice(0, 1, self.rig.partitions))
        self.parts: list[Part] = []

    def write(self) -> None:
        goal = self.rig.counts["acknowledged"] + RECORDS
        producer = Producer(f"producer {goal}", self.rig.target)
        spec = Producers(to=(self.source,), size="150 B", rate="20000 records/s", keys="uniform of 10")
        self.rig.start(producer, spec)
        self.rig.until(lambda: self.rig.counts["acknowledged"] >= goal, every=0.02)
        self.rig.retire(producer)

    @contextmanager
    def running(self) -> Iterator[None]:
        thread = threading.Thread(target=self.transactor.run, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self.transactor.stop()
            thread.join(30)
        assert not thread.is_alive()
        self.hear()

    def hear(self) -> None:
        version = self.parts[-1].version if self.parts else 0
        self.parts += self.transactor.collect(version).after(version)

    @property
    def counts(self) -> Counter[str]:
        sums: Counter[str] = Counter()
        for part in self.parts:
            sums.update(part.counts)
        return sums

    def until(self, done: Any) -> None:
        deadline = time.monotonic() + 30
        while not done():
            assert time.monotonic() < deadline, self.counts
            time.sleep(0.02)
            self.hear()

    def all_copied(self) -> bool:
        return self.counts["acknowledged"] >= self.rig.counts["acknowledged"]

    def all_committed(self) -> bool:
        """The group stands at the ends of its input."""
        commits = {int(row["partition"]): int(row["offset"]) for part in self.parts for row in part.commits}
        return commits == {place: end for (topic, place), end in self.rig.ends().items() if topic == self.source}

    def read(self, topic: str) -> list[Any]:
        return sorted(
            (int(one.head["client"]), one.partition, int(one.head["sequence"]), one.key, one.body)
            for one in records(self.mock.properties, [(topic, partition) for partition in range(PARTITIONS)])
        )


def test_a_copy_keeps_identity_key_body_and_partition_and_says_that_it_is_one(mock_kafka: MockKafka) -> None:
    copying = Copying(mock_kafka)
    with copying.running():
        copying.until(copying.all_copied)
    assert copying.read(copying.copy) == copying.read(copying.source)
    found = records(mock_kafka.properties, [(copying.copy, partition) for partition in range(PARTITIONS)])
    assert {int(one.head["flags"]) for one in found} == {Flag.COPY}
    assert {int(one.head["topic"]) for one in found} == {1}
    transactions = {int(one.head["transaction"]) for one in found}
    fates = np.concatenate([part.fates for part in copying.parts])
    assert set(fates["transaction"].tolist()) == transactions
    assert set(fates["fate"]) == {Fate.COMMITTED}
    assert int((fates["last"] - fates["first"] + 1).sum()) == len(found)
    assert not copying.counts["incidents beyond"]


def test_commits_claims_and_attempts_are_told_together(mock_kafka: MockKafka) -> None:
    copying = Copying(mock_kafka, records_per_transaction=100)
    with copying.running():
        copying.until(copying.all_copied)
    assert copying.all_committed()
    ends = {partition: end for (topic, partition), end in copying.rig.ends().items() if topic == copying.source}
    attempted = {int(row["partition"]): int(row["attempted"]) for part in copying.parts for row in part.attempts}
    assert attempted == ends
    assert copying.counts["transactions committed"] >= RECORDS / 100
    lives = [life for part in copying.parts for _, life in part.clients.tolist()]
    assert lives == [Life.OPEN, Life.CLOSED]


def test_what_is_committed_is_there_though_a_first_request_was_refused() -> None:
    with ScriptedKafka() as mock:
        small = {"batch.num.messages": "1", "linger.ms": "0"}  # several requests of one record, one behind the other
        copying = Copying(mock, properties=small)
        mock.hold(PRODUCE, 1.0, error=_NOT_LEADER)
        with copying.running():
            copying.until(copying.all_copied)
        assert copying.all_committed()
        assert copying.read(copying.copy) == copying.read(copying.source)


def test_nothing_is_sent_behind_a_first_record_that_was_refused_for_good_and_its_transaction_is_aborted() -> None:
    with ScriptedKafka() as mock:
        copying = Copying(mock)
        mock.answer(PRODUCE, _TOO_LARGE)
        with copying.running():
            copying.until(copying.all_committed)
        assert copying.counts["transactions aborted"] >= 1
        fates = np.concatenate([part.fates for part in copying.parts])
        found = records(mock.properties, [(copying.copy, partition) for partition in range(PARTITIONS)])
        assert sum(int(one.head["transaction"]) == 1 for one in found) < PARTITIONS
        told = fates[fates["transaction"] == 1]
        assert not (told["fate"] == Fate.COMMITTED).any()
        assert int((told["last"] - told["first"] + 1).sum()) < PARTITIONS  # of what was not sent, nothing is told
        committed = set(fates["transaction"][fates["fate"] == Fate.COMMITTED].tolist())
        copies = [one.body for one in found if int(one.head["transaction"]) in committed]
        assert sorted(copies) == sorted(body for *_, body in copying.read(copying.source))


def test_a_client_that_is_lost_is_followed_by_another_as_soon_as_the_cluster_answers(
    mock_kafka: MockKafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin, init, failed = transactional.begin, transactional.init, Counter[str]()

    def failing(client: int) -> None:
        if failed["begin"] < 1:
            failed["begin"] += 1
            raise rk.KafkaError(-144, "fenced, as a test wants it", fatal=True)
        begin(client)

    def unanswered(client: int, seconds: float) -> None:
        if failed["begin"] and failed["init"] < 2:
            failed["init"] += 1
            raise rk.KafkaError(-185, "no answer, as a test wants it", retriable=True)
        init(client, seconds)

    monkeypatch.setattr(transactional, "begin", failing)
    monkeypatch.setattr(transactional, "init", unanswered)
    copying = Copying(mock_kafka)
    with copying.running():
        copying.until(copying.all_copied)
    assert failed == {"begin": 1, "init": 2}
    assert copying.read(copying.copy) == copying.read(copying.source)
    clients = [tuple(row) for part in copying.parts for row in part.clients.tolist()]
    assert [life for _, life in clients] == [Life.OPEN, Life.CLOSED] * 4
    assert len({client for client, _ in clients}) == 4
    assert sum(number for name, number in copying.counts.items() if name.startswith("lost client")) == 3


def test_a_reader_that_met_a_fatal_error_is_followed_by_another(mock_kafka: MockKafka) -> None:
    copying = Copying(mock_kafka)
    with copying.running():
        copying.until(lambda: copying.counts["transactions committed"])
        reader = ctypes.c_void_p(copying.transactor._reader.handle)
        assert LIBRARY.rd_kafka_test_fatal_error(reader, _FENCED, b"as a test wants it") == 0
        copying.until(lambda: copying.counts["lost client: its reader met a fatal error"])
        copying.until(copying.all_copied)
    lives = [life for part in copying.parts for life in part.clients["life"].tolist()]
    assert lives == [Life.OPEN, Life.CLOSED] * 2


def test_a_client_whose_call_does_not_return_is_followed_by_another_and_ends_when_it_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("actors.transactor._CALL_SECONDS", 0.5)
    with ScriptedKafka(brokers=2) as scripted:
        copying = Copying(scripted, timeout=3.0)
        scripted.coordinate("transaction", f"{copying.copy}-0", 1)
        scripted.coordinate("group", copying.copy, 2)
        with copying.running():
            copying.until(copying.all_committed)
            held, opened = copying.transactor._writer, threading.enumerate()
            scripted.lose(2)
            scripted.coordinate("group", copying.copy, 1)
            copying.until(lambda: _is_told(held.handle, held.topic(copying.copy)[0]))  # who is left, too
            copying.write()
            copying.until(lambda: copying.counts["lost client: its coordinator does not answer"])
            copying.until(copying.all_committed)
        left = [thread for thread in threading.enumerate() if thread not in opened]
        assert "ending a held client" in [thread.name for thread in left]
        deadline = time.monotonic() + 60
        while any(thread.is_alive() for thread in left) and time.monotonic() < deadline:
            scripted.lose(1)  # a held call looks again when a connection comes or goes, but twice a second at most
            time.sleep(1)
            scripted.regain(1)
            for thread in left:
                thread.join(2)
        assert not any(thread.is_alive() for thread in left)


def _is_told(handle: Any, topic: Any) -> bool:
    try:
        return rk.partitions(handle, topic, 5) == PARTITIONS
    except rk.KafkaError:  # the one that was lost may be asked first
        return False


def test_partitions_that_the_target_did_not_have_are_copied_once_the_group_gives_them(mock_kafka: MockKafka) -> None:
    copying = Copying(mock_kafka, known=1)
    with copying.running():
        copying.until(copying.all_copied)
    assert copying.read(copying.copy) == copying.read(copying.source)
    assert copying.all_committed()


def test_what_was_only_half_produced_is_told_as_unknown(mock_kafka: MockKafka, monkeypatch: pytest.MonkeyPatch) -> None:
    produce = rk.Batch.produce
    failed: list[int] = []

    def short(self: rk.Batch, topic: int, partition: int, start: int, number: int) -> int:
        if not failed:
            failed.append(number)
            return produce(self, topic, partition, start, number - 1)
        return produce(self, topic, partition, start, number)

    copying = Copying(mock_kafka)
    monkeypatch.setattr(rk.Batch, "produce", short)
    with copying.running():
        copying.until(lambda: copying.counts["transactions unknown"])
    assert failed
    assert copying.counts["lost client: records of a transaction were not taken"] == 1


@pytest.mark.parametrize(
    ("to", "partitions", "words"),
    [(("b", "c"), 4, "1 topics are copied to 2"), (("b",), 3, "topics a and b differ in partitions")],
)
def test_topics_that_do_not_fit_each_other_are_refused(to: tuple[str, ...], partitions: int, words: str) -> None:
    places = {"a": TopicPlace(1, 4), "b": TopicPlace(2, partitions), "c": TopicPlace(3, 4)}
    transactor = Transactor("t", Target(1, {"bootstrap.servers": "127.0.0.1:1"}, places))
    transactor.apply(1, Transactors(of=("a",), to=to, group="g").slice(0, 1, {"a": 4}))
    with pytest.raises(ValueError, match=words):
        transactor.run()
    assert transactor.collect(0).parts[0].clients.tolist() == []


def test_segments_are_neighbours_of_one_client_and_partition_and_leave_out_what_is_not_sound() -> None:
    transactor = Transactor("t", Target(1, {}, {"a": TopicPlace(1, 2), "b": TopicPlace(2, 2)}))
    rows = np.zeros(9, FETCHED)
    rows["topic"], rows["client"] = 1, [7, 7, 7, 8, 8, 8, 8, 8, 8]
    rows["sequence"] = [0, 1, 5, 6, 7, 8, 9, 10, 11]
    rows["partition"] = [0, 0, 0, 0, 0, 1, 1, 1, 1]
    rows["check"][6], rows["error"][8] = 1, -191
    assert transactor._segments(rows) == [
        Segment(0, 2, 1, 0, 7),
        Segment(2, 3, 1, 0, 7),
        Segment(3, 5, 1, 0, 8),
        Segment(5, 6, 1, 1, 8),
        Segment(7, 8, 1, 1, 8),
    ]
