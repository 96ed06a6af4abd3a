"""The auditor on the mock cluster: two passes, the second behind the first, each where the driver says."""

import ctypes
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from itertools import count
from typing import Any, cast

import numpy as np
import pytest

from actors import bindings
from actors import librdkafka as rk
from actors.auditor import Auditor, Pass, Trail
from actors.bindings import LIBRARY
from actors.epochs import EpochEnds, Partition
from actors.fetch import ASTRAY
from actors.pace import Clock
from actors.producer import Producer
from actors.reader import MOST
from actors.rows import FETCHED
from actors.spec import Auditors, Producers
from actors.tally import BLOCK, Kind, Part
from actors.target import Target
from tests.mock_kafka import PARTITIONS, MockKafka
from tests.rig import Rig
from tests.scripted_kafka import ScriptedKafka

_topics = count()
SECOND = 10**9


class Audit:
    """An auditor at work on a topic that a producer writes, collected by hand."""

    def __init__(self, mock: MockKafka | ScriptedKafka, partitions: int = PARTITIONS, **asked: Any) -> None:
        self.topic = mock.topic(f"audited-{next(_topics)}")
        self.partitions = partitions
        self.rig = Rig(mock.properties, {self.topic: PARTITIONS})
        self.parts: list[Part] = []
        self.auditor = Auditor("a", self.rig.target)
        self.thread = threading.Thread(target=self.auditor.run, daemon=True)
        self.revision = 0
        self.asked = {"trailing": 0, **asked}

    def write(self, records: int, rate: str = "10000 records/s", *, each: int = 0) -> None:
        """So many records more stand in the first partitions of the topic, and in each of those no fewer than `each`: where
        the machine is busy, one may get a thousand times as many as another."""
        spec = Producers(to=(self.topic,), size="100 B", rate=rate).slice(0, 1, {self.topic: self.partitions})
        producer = Producer(f"p{records}", self.rig.target)
        producer.apply(1, spec)
        thread = threading.Thread(target=producer.run, daemon=True)
        thread.start()
        done = 0
        deadline = time.monotonic() + 60
        version = 0
        while done < records or (each and min(self.ends().values()) < each):
            assert time.monotonic() < deadline
            time.sleep(0.02)
            for part in producer.collect(version).after(version):
                done, version = done + part.counts["acknowledged"], part.version
            self.hear()
        producer.stop()
        thread.join(20)

    def begin(self, begin: dict[int, tuple[int, int]] | None = None) -> "Audit":
        stands = {partition: [(offset, -1) for offset in both] for partition, both in (begin or {}).items()}
        self.asked["begin"] = {self.topic: stands}
        self.change()
        self.thread.start()
        return self

    def change(self, **asked: Any) -> None:
        self.revision += 1
        self.asked |= asked
        spec = Auditors(of=(self.topic,), **self.asked).slice(0, 1, {self.topic: self.partitions})
        self.auditor.apply(self.revision, spec)

    def hear(self) -> None:
        version = self.parts[-1].version if self.parts else 0
        self.parts += self.auditor.collect(version).after(version)

    def position(self, reading: str) -> dict[int, int]:
        return self.latest(reading, "position")

    def latest(self, reading: str, column: str) -> dict[int, int]:
        """What was told last of each partition."""
        parts = [part for part in self.parts if part.reading == reading]
        return {int(row["partition"]): int(row[column]) for part in parts for row in part.positions}

    def stood(self, reading: str) -> list[tuple[int, int]]:
        """(time of the cut, sum of the positions of all partitions), part by part."""
        positions: dict[int, int] = {}
        stood = []
        for part in self.parts:
            if part.reading == reading:
                positions.update({int(row["partition"]): int(row["position"]) for row in part.positions})
                stood.append((part.at, sum(positions.values())))
        return stood

    def ends(self) -> dict[int, int]:
        return {n: end for (_, n), end in self.rig.ends().items() if n < self.partitions}

    def until(self, done: Any) -> None:
        deadline = time.monotonic() + 60
        while not done():
            assert time.monotonic() < deadline, (self.position("first"), self.position("second"))
            time.sleep(0.02)
            self.hear()

    def drain(self) -> None:
        ends = self.ends()
        self.until(lambda: self.position("first") == ends and self.position("second") == ends)

    def stop(self) -> None:
        self.auditor.stop()
        self.thread.join(20)
        assert not self.thread.is_alive()

    def read(self, reading: str) -> dict[int, list[int]]:
        """Offsets at which spans begin, by partition, and the records of all."""
        begins: dict[int, list[int]] = defaultdict(list)
        for part in self.parts:
            for span in part.spans if part.reading == reading else ():
                begins[int(span["partition"])].append(int(span["first_offset"]))
        return begins

    def records(self, reading: str) -> int:
        return sum(int(part.spans["count"].sum()) for part in self.parts if part.reading == reading)


@pytest.fixture
def audits() -> Iterator[list[Audit]]:
    """Whoever still reads at the end is stopped."""
    started: list[Audit] = []
    yield started
    for audit in started:
        audit.stop()


def test_both_passes_read_every_record_once_and_sum_the_same_digests(
    mock_kafka: MockKafka, audits: list[Audit]
) -> None:
    audits.append(audit := Audit(mock_kafka).begin())
    audit.write(10_000)
    audit.drain()
    total = sum(audit.ends().values())
    assert (audit.records("first"), audit.records("second")) == (total, total)
    digests = [
        sum(int(d) for part in audit.parts if part.reading == reading for d in part.spans["digest"]) % 2**64
        for reading in ("first", "second")
    ]
    assert digests[0] == digests[1] != 0
    assert not any(len(part.incidents) for part in audit.parts)
    audit.until(lambda: set(audit.latest("first", "at_end").values()) == {1})


@pytest.mark.parametrize("partitions", [1, PARTITIONS])
def test_the_second_pass_never_reads_what_the_first_had_not_read_so_long_ago(
    mock_kafka: MockKafka, audits: list[Audit], partitions: int
) -> None:
    trailing = 0.6
    audits.append(audit := Audit(mock_kafka, partitions, trailing=trailing).begin())
    audit.write(6_000, rate="2000 records/s")
    audit.until(lambda: audit.position("second") == audit.ends())
    first, second = audit.stood("first"), audit.stood("second")
    bound = 0
    for at, total in second:
        now = max(position for when, position in first if when <= at)
        allowed = next((position for when, position in first if when >= at - trailing * SECOND), now)
        assert total <= allowed
        bound += total > 0 and allowed < now
    assert bound  # it was the time that held the second pass back, and no lack of records


def test_a_second_pass_that_trails_by_an_hour_reads_nothing_until_it_is_drained(
    mock_kafka: MockKafka, audits: list[Audit]
) -> None:
    audits.append(audit := Audit(mock_kafka, trailing=3600).begin())
    audit.write(2_000)
    audit.until(lambda: audit.position("first") == audit.ends())
    assert audit.records("second") == 0
    audit.change(trailing=0)
    audit.drain()
    assert audit.records("first") == audit.records("second") == sum(audit.ends().values())
    assert not any(len(part.incidents) for part in audit.parts)


def test_an_auditor_begins_where_the_driver_says_and_else_where_the_log_does(
    mock_kafka: MockKafka, audits: list[Audit]
) -> None:
    audits.append(audit := Audit(mock_kafka))
    audit.write(4_000, each=100)
    audit.begin({0: (100, 40), 1: (-1, 7)})
    audit.drain()
    first, second = audit.read("first"), audit.read("second")
    assert (first[0][0], first[1][0], first[2][0], first[3][0]) == (100, 0, 0, 0)
    assert (second[0][0], second[1][0], second[2][0], second[3][0]) == (40, 7, 0, 0)
    assert not any(len(part.incidents) for part in audit.parts)


def test_an_auditor_that_begins_at_the_end_reads_what_comes_and_nothing_before(
    mock_kafka: MockKafka, audits: list[Audit]
) -> None:
    audits.append(audit := Audit(mock_kafka, partitions=1))
    audit.write(1_000)
    (end,) = audit.ends().values()
    audit.begin({0: (end, end)})
    audit.write(500)
    audit.drain()
    assert audit.records("first") == audit.records("second") == audit.ends()[0] - end


def test_a_beginning_beyond_the_end_is_told_as_a_log_that_was_cut(mock_kafka: MockKafka, audits: list[Audit]) -> None:
    audits.append(audit := Audit(mock_kafka, partitions=1))
    audit.write(1_000)
    (end,) = audit.ends().values()
    audit.begin({0: (end + 50, 0)})
    audit.until(lambda: audit.position("first") == {0: end})
    told = [row for part in audit.parts if part.reading == "first" for row in part.incidents]
    assert [(row["kind"], row["offset"], row["count"]) for row in told] == [(Kind.TRUNCATED, end, 50)]
    assert audit.read("first")[0][0] == end // BLOCK * BLOCK


def test_where_one_log_has_moved_the_others_are_read_on_and_not_again(mock_kafka: MockKafka) -> None:
    audit = Audit(mock_kafka)
    audit.write(4_000, each=20)
    topic = audit.topic
    spec = Auditors(of=(topic,), begin={topic: {0: ((10, -1), (10, -1)), 1: ((20, -1), (20, -1))}}).slice(
        0, 1, {topic: PARTITIONS}
    )
    one, edge, clock = Pass("first", audit.rig.target, spec, None), threading.Lock(), Clock()
    ends = audit.ends()

    def read() -> None:
        deadline = time.monotonic() + 60
        while one.positions().tolist() != list(ends.values()):
            assert time.monotonic() < deadline
            one.book(one.take(0.05), clock)

    read()
    one._cuts[topic, 1] = ends[1] - 5, ends[1]  # as if a leader had said that partition 1 forks before where we stand
    one.mend(edge, clock)
    read()
    tables = one.reading.cut(0)
    one.close()
    assert not (tables["incidents"]["kind"] == Kind.REWOUND).any()
    spans = tables["spans"]
    again = int(spans["count"].sum()) - (sum(ends.values()) - 30)
    assert again == ends[1]  # a block is the unit of re-reading; the begin of another partition is none


def test_a_partition_whose_limit_went_far_back_with_its_log_stops_no_other(mock_kafka: MockKafka) -> None:
    audit = Audit(mock_kafka)
    audit.write(2_000)
    spec = Auditors(of=(audit.topic,)).slice(0, 1, {audit.topic: PARTITIONS})
    one, clock, ends = Pass("second", audit.rig.target, spec, None), Clock(), list(audit.ends().values())
    one.reading.places["position"][0] = 10 * PARTITIONS * MOST
    limits = np.array([5, *ends[1:]])
    deadline = time.monotonic() + 20
    while one.positions().tolist()[1:] != ends[1:]:
        assert time.monotonic() < deadline
        one.hold_below(limits)
        one.book(one.take_below(limits), clock)
        time.sleep(0.01)
    one.close()


def _held(one: Pass) -> np.ndarray:
    """What waits in the queue of each partition."""
    length = LIBRARY.rd_kafka_queue_length
    length.restype, length.argtypes = ctypes.c_size_t, [ctypes.c_void_p]
    return np.array([length(queue) for queue in one._reader._fetch._apart])


def test_what_was_fetched_ahead_of_a_limit_is_let_go_and_fetched_again(mock_kafka: MockKafka) -> None:
    audit = Audit(mock_kafka)
    audit.write(2_000)
    spec = Auditors(of=(audit.topic,)).slice(0, 1, {audit.topic: PARTITIONS})
    one, clock, ends = Pass("second", audit.rig.target, spec, None), Clock(), np.array(list(audit.ends().values()))
    deadline = time.monotonic() + 20
    for limits in (np.minimum(ends, 5), ends):
        ahead = np.minimum(ends - limits, 2_000)  # no more is fetched ahead (`queued.min.messages`)
        one.hold_below(limits)
        while one.positions().tolist() != limits.tolist() or (_held(one) < ahead).any():
            assert time.monotonic() < deadline
            if count := one.take_below(limits):
                one.book(count, clock)
            time.sleep(0.05)
        one.hold_below(limits)
        assert one.take_below(limits) == 0
        assert _held(one).max() <= 1  # the log's end may be told late
    assert int(one.reading.cut(0)["spans"]["count"].sum()) == ends.sum()  # each once
    one.close()


class _Limited:
    """A second pass that reads up to limits, and what it tells of errors."""

    def __init__(self, mock: MockKafka | ScriptedKafka, **properties: str) -> None:
        audit = Audit(mock)
        audit.write(1_000)
        spec = Auditors(of=(audit.topic,), properties=properties).slice(0, 1, {audit.topic: PARTITIONS})
        self.topic, self.ends = audit.topic, np.array(list(audit.ends().values()))
        self.one = Pass("second", audit.rig.target, spec, None)
        self.told: list[int] = []
        reader = self.one._reader
        self._book, reader.book = reader.book, self._listen  # type: ignore[method-assign]

    def _listen(self, count: int, clock: Clock) -> list[Any]:
        errors = self._book(count, clock)
        self.told += [int(row["error"]) for row in errors]
        return errors

    def read(self, most: int, *, held: int = 0) -> None:
        """Up to so much of each partition, and until so much waits for each, which is not taken."""
        one, limits, deadline = self.one, np.minimum(self.ends, most), time.monotonic() + 20
        while one.positions().tolist() != limits.tolist() or _held(one).min() < held:
            assert time.monotonic() < deadline, (one.positions(), limits, _held(one))
            one.hold_below(limits)
            if count := one.take_below(limits):
                one.book(count, Clock())
            assert (one.positions() <= limits).all()
            time.sleep(0.01)

    def close(self) -> None:
        """All was read once."""
        tables = self.one.reading.cut(0)
        self.one.close()
        assert int(tables["spans"]["count"].sum()) == self.ends.sum()
        assert not len(tables["incidents"])


def test_what_is_assigned_while_its_topic_is_unknown_is_read_up_to_its_limit() -> None:
    soon = {"topic.metadata.propagation.max.ms": "300", "topic.metadata.refresh.interval.ms": "100"}
    with ScriptedKafka() as scripted:
        limited = _Limited(scripted, **soon)
        limited.read(5)
        scripted.forget(limited.topic)
        limited.read(5, held=8)  # an error each time that librdkafka asks for a topic which it has forgotten
        limited.one._assign()
        scripted.remember(limited.topic)
        limited.read(50)
        limited.read(10_000)
        limited.close()
        assert ASTRAY not in limited.told


def test_what_went_astray_is_read_again_and_once(mock_kafka: MockKafka) -> None:
    limited = _Limited(mock_kafka)
    limited.read(5)
    fetch = limited.one._reader._fetch
    fetch.set_apart([])  # librdkafka forgets the partitions, with their queues
    for partition in range(PARTITIONS):
        queue = bindings.queue_partition(fetch._client, limited.topic.encode(), partition)
        bindings.queue_forward(queue, fetch._queue)
        bindings.queue_destroy(queue)
        fetch._apart.append(bindings.queue_new(fetch._client))
    limited.read(50)
    limited.read(10_000)
    limited.close()
    assert ASTRAY in limited.told


def test_a_partition_without_a_leader_is_asked_again(mock_kafka: MockKafka, monkeypatch: pytest.MonkeyPatch) -> None:
    audit = Audit(mock_kafka, partitions=1)
    audit.write(100)
    spec = Auditors(of=(audit.topic,)).slice(0, 1, {audit.topic: 1})
    one = Pass("first", audit.rig.target, spec, None)
    one._stopped[audit.topic, 0] = 0.0

    def nobody(*_: object) -> tuple[int, int]:
        raise rk.KafkaError(5, "no leader")

    with monkeypatch.context() as patched:
        patched.setattr(rk, "watermarks", nobody)
        one.mend(threading.Lock(), Clock())
    (when,) = one._stopped.values()
    assert when > time.monotonic()
    one._stopped[audit.topic, 0] = 0.0
    one.mend(threading.Lock(), Clock())
    assert not one._stopped
    one.close()


class _Told:
    """Leaders that say where epochs end without being asked twice."""

    def __init__(self, ends: dict[Partition, int]) -> None:
        self.ends = ends
        self.asked: list[dict[Partition, int]] = []

    def ask(self, epochs: dict[Partition, int]) -> dict[Partition, int]:
        self.asked.append(dict(epochs))
        return {place: self.ends[place] for place in epochs if place in self.ends}

    def close(self) -> None:
        """Nothing is open."""


def _read(one: Pass, epochs: list[int]) -> None:
    """The pass has read records of these epochs, one an offset from where it stands, in partition 0."""
    rows = np.zeros(len(epochs), FETCHED)
    rows["offset"] = np.arange(len(epochs)) + max(int(one.reading.places["position"][0]), 0)
    rows["epoch"], rows["topic"], rows["head_topic"] = epochs, one.reading.places["topic"][0], 1
    rows["sequence"], rows["client"] = rows["offset"], 9
    one.reading.fold(rows, len(rows), 0)
    one._note_borders(rows)


@pytest.fixture
def one(mock_kafka: MockKafka) -> Iterator[Pass]:
    audit = Audit(mock_kafka, partitions=1)
    one = Pass("first", audit.rig.target, Auditors(of=(audit.topic,)).slice(0, 1, {audit.topic: 1}), None)
    yield one
    one.close()


def _mended(one: Pass, ends: dict[int, int]) -> _Told:
    (place,) = one._places
    told = _Told({})
    one._ends = cast("EpochEnds", told)
    for end in ends.values():
        told.ends = {place: end}
        one.mend(threading.Lock(), Clock())
    return told


def test_every_border_between_two_epochs_is_asked_for_oldest_first(one: Pass) -> None:
    _read(one, [3, 3, 3])
    _read(one, [3, 4, 4, 4, 6])
    told = _mended(one, {3: 4, 4: 7})
    assert [list(asked.values()) for asked in told.asked] == [[3], [4]]
    assert not one._doubts
    assert not len(one.reading.cut(0)["incidents"])


def test_a_log_that_was_cut_and_has_grown_beyond_the_pass_is_read_again(one: Pass) -> None:
    _read(one, [3] * 6)
    _read(one, [5] * 4)
    _mended(one, {3: 2})
    (cut,) = one.reading.cut(0)["incidents"]
    assert (cut["kind"], cut["offset"], cut["count"]) == (
        Kind.TRUNCATED,
        2,
        4,
    )  # what was read of the new log is not gone
    assert one.positions()[0] == 0


def test_no_end_is_told_of_a_log_that_may_be_another_one(one: Pass) -> None:
    _read(one, [3] * 6)
    _read(one, [5] * 4)
    one.reading.places["at_end"][0] = 1
    assert one.cut(0).positions["at_end"].tolist() == [0]
    _mended(one, {3: 6})
    assert one.cut(0).positions["at_end"].tolist() == [1]


def test_an_answer_that_comes_during_a_cut_is_heard_after_it(one: Pass) -> None:
    _read(one, [3] * 6)
    _read(one, [5] * 4)
    (place,) = one._places
    one._ends = cast("EpochEnds", _Told({place: 6}))
    edge = threading.Lock()
    with edge:  # as one who cuts holds it
        mending = threading.Thread(target=one.mend, args=(edge, Clock()))
        mending.start()
        mending.join(0.2)
        assert one._doubts
        one.cut(0)
    mending.join(10)
    assert not one._doubts
    assert one.cut(0).positions["position"].tolist() == [10]  # told once more, now that its end may be told


def test_a_drain_asks_once_more_whether_the_log_is_still_the_one_that_was_read(one: Pass) -> None:
    _read(one, [3] * 6)
    one.look_again(threading.Lock())
    _mended(one, {3: 5})
    assert one.reading.cut(0)["incidents"]["offset"].tolist() == [5]


def test_a_trail_says_where_the_first_pass_stood_and_forgets_what_is_older() -> None:
    trail = Trail()
    assert trail.limits(100.0, 5.0) is None
    for second in range(10):
        trail.note(float(second), np.array([second * 10]))
    assert trail.limits(3.0, 5.0) is None
    for now, stood in ((7.0, 20), (9.5, 40), (12.0, 70)):
        limits = trail.limits(now, 5.0)
        assert limits is not None
        assert limits.tolist() == [stood]
    assert len(trail._stood) == 3


def test_a_trail_is_no_farther_than_a_log_that_was_cut_since() -> None:
    trail = Trail()
    for second, (cut, whole) in enumerate(((10, 10), (20, 20), (15, 30), (25, 40))):
        trail.note(float(second), np.array([cut, whole]))
    limits = trail.limits(6.0, 5.0)
    assert limits is not None
    assert limits.tolist() == [15, 20]


class _Standing:
    """A pass that stands where it is told, and remembers how far it was last allowed."""

    def __init__(self) -> None:
        self.position, self.limit = 0, -1

    def positions(self) -> np.ndarray:
        return np.array([self.position])

    def mend(self, *_: object) -> None:
        """Nothing has moved."""

    def hold_below(self, limits: np.ndarray) -> None:
        (self.limit,) = limits.tolist()


def test_the_second_pass_goes_on_in_portions_and_never_beyond_a_log_that_was_cut() -> None:
    auditor, first, second = Auditor("a", Target(1, {}, {})), _Standing(), _Standing()
    auditor._spec = spec = Auditors(of=("orders",), trailing=20)
    auditor._no_limits = np.array([1 << 60])
    auditor._limits = np.zeros_like(auditor._no_limits)
    assert (spec.look, spec.portion, spec.latest) == (2.5, 5.0, 27.5)
    allowed = []
    for look in range(14):
        first.position = 40 if look == 13 else 100 * look
        auditor._look(first, second, look * spec.look)  # type: ignore[arg-type]
        allowed.append(second.limit)
    assert allowed == [0] * 10 + [200, 200, 400, 40]


def test_no_cut_of_an_auditor_at_work_shows_a_record_twice_or_not_at_all(
    mock_kafka: MockKafka, audits: list[Audit]
) -> None:
    audits.append(audit := Audit(mock_kafka).begin())
    audit.write(5_000)
    audit.drain()
    for reading in ("first", "second"):
        seen: set[tuple[int, int, int]] = set()
        for part in audit.parts:
            assert part.reading != reading or sum(part.found["last"] - part.found["first"] + 1) == part.counts["read"]
            for run in part.found if part.reading == reading else ():
                records = {(int(run["client"]), int(run["partition"]), n) for n in range(run["first"], run["last"] + 1)}
                assert not seen & records
                seen |= records
        assert len(seen) == sum(audit.ends().values())
