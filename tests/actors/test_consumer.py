"""The consuming worker on the mock cluster: what it reads, what it commits, and when it holds still."""

import ctypes
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from typing import Any, Final

import pytest

from actors import librdkafka as rk
from actors.bindings import LIBRARY
from actors.consumer import Allowance, Consumer
from actors.producer import Producer
from actors.reader import MOST
from actors.sabotage import Honest
from actors.spec import Consumers, Producers
from actors.tally import Kind, Part
from actors.target import Target, TopicPlace
from actors.units import Rate
from tests.mock_kafka import PARTITIONS, MockKafka
from tests.readback import committed
from tests.rig import Rig
from tests.scripted_kafka import OFFSET_COMMIT, ScriptedKafka

SECOND: Final = 10**9
RECORDS: Final = 8_000
_FENCED: Final = 82  # FENCED_INSTANCE_ID
_UNWANTED: Final = 28  # INVALID_COMMIT_OFFSET_SIZE
_groups = count()


def stocked(kafka: MockKafka | ScriptedKafka) -> Rig:
    """A topic "stock" with at least 8,000 records of 100 bytes."""
    rig = Rig(kafka.properties, {kafka.topic("stock"): PARTITIONS})
    producer = rig.start(Producer("p", rig.target), Producers(to=("stock",), size="100 B", rate="20000 records/s"))
    rig.until(lambda: rig.counts["acknowledged"] >= RECORDS, every=0.02)
    rig.retire(producer)
    return rig


@pytest.fixture(scope="module")
def stock(mock_kafka: MockKafka) -> Rig:
    """What all members read, each test in a group of its own."""
    return stocked(mock_kafka)


@pytest.fixture
def scripted() -> Iterator[ScriptedKafka]:
    """A cluster of the test's own that answers as it is told."""
    with ScriptedKafka() as kafka:
        yield kafka


@pytest.fixture
def group() -> str:
    return f"readers-{next(_groups)}"


class Member:
    """A consumer at work, collected by hand: confirmed is only what `hear` was told to confirm."""

    def __init__(self, stock: Rig, group: str, *, target: Target | None = None, **asked: Any) -> None:
        self.asked = {"of": ("stock",), "group": group, **asked}
        self.consumer = Consumer("c", target or stock.target)
        self.parts: list[Part] = []
        self.confirmed = 0
        self.revision = 0
        self.thread = threading.Thread(target=self.consumer.run, daemon=True)
        self.change()
        self.thread.start()

    def change(self, **asked: Any) -> None:
        self.revision += 1
        self.asked |= asked
        self.consumer.apply(self.revision, Consumers(**self.asked).slice(0, 1, {"stock": PARTITIONS}))

    def hear(self, *, confirm: bool = True) -> None:
        """Collect once; what came is confirmed by the next call, or never."""
        tally = self.consumer.collect(self.confirmed)
        self.parts += tally.after(self.parts[-1].version if self.parts else 0)
        self.confirmed = tally.version if confirm else self.confirmed

    @property
    def counts(self) -> Counter[str]:
        sums: Counter[str] = Counter()
        for part in self.parts:
            sums.update(part.counts)
        return sums

    def until(self, done: Any, *, confirm: bool = True) -> None:
        deadline = time.monotonic() + 60
        while not done():
            assert time.monotonic() < deadline, self.counts
            time.sleep(0.02)
            self.hear(confirm=confirm)

    def positions(self) -> dict[int, int]:
        return {int(row["partition"]): int(row["position"]) for part in self.parts for row in part.positions}

    def committed(self) -> dict[int, int]:
        return {int(row["partition"]): int(row["offset"]) for part in self.parts for row in part.commits}

    def begins(self) -> dict[tuple[int, int], int]:
        """The first offset that was read in each (partition, stint), in the order in which they began."""
        begins: dict[tuple[int, int], int] = {}
        for part in self.parts:
            for span in part.spans:
                begins.setdefault((int(span["partition"]), int(span["stint"])), int(span["first_offset"]))
        return begins

    def leave(self) -> None:
        self.consumer.stop()
        self.thread.join(20)
        assert not self.thread.is_alive()
        self.hear()


@pytest.fixture
def members() -> Iterator[list[Member]]:
    """Whoever is still in a group at the end leaves it."""
    all_of_them: list[Member] = []
    yield all_of_them
    for member in all_of_them:
        if member.thread.is_alive():
            member.leave()


def acknowledged(stock: Rig) -> int:
    return stock.counts["acknowledged"]


@pytest.mark.parametrize("protocol", ["classic", "consumer"])
def test_a_member_reads_all_and_commits_what_was_confirmed_and_never_more(
    mock_kafka: MockKafka, stock: Rig, group: str, members: list[Member], protocol: str
) -> None:
    members.append(member := Member(stock, group, protocol=protocol))
    member.until(lambda: member.counts["read"] >= acknowledged(stock), confirm=False)
    time.sleep(0.3)  # time in which a commit that nobody asked for would have come
    assert committed(mock_kafka.properties, group, "stock", PARTITIONS) == [-1] * PARTITIONS
    member.hear()
    read = member.positions()
    assert sum(read.values()) == acknowledged(stock)
    member.until(lambda: committed(mock_kafka.properties, group, "stock", PARTITIONS) == [read[n] for n in range(4)])
    member.until(lambda: len(member.committed()) == PARTITIONS)
    assert member.committed() == read


def test_a_commit_is_booked_when_the_coordinator_has_answered_and_never_if_it_refused(
    scripted: ScriptedKafka, group: str, members: list[Member]
) -> None:
    stock = stocked(scripted)
    scripted.answer(OFFSET_COMMIT, _UNWANTED)
    members.append(member := Member(stock, group))
    member.until(lambda: member.counts["read"] == acknowledged(stock), confirm=False)
    member.hear()
    refused = f"commit refused {rk.error_name(_UNWANTED)}"
    member.until(lambda: member.counts[refused] == 1, confirm=False)
    assert member.committed() == {}
    assert committed(scripted.properties, group, "stock", PARTITIONS) == [-1] * PARTITIONS
    member.hear()
    member.until(lambda: len(member.committed()) == PARTITIONS, confirm=False)
    assert member.committed() == member.positions()
    assert committed(scripted.properties, group, "stock", PARTITIONS) == [member.committed()[n] for n in range(4)]
    assert member.counts[refused] == 1


def test_what_was_confirmed_last_is_committed_and_booked_on_the_way_out(
    mock_kafka: MockKafka, stock: Rig, group: str, members: list[Member], monkeypatch: pytest.MonkeyPatch
) -> None:
    members.append(member := Member(stock, group))
    member.until(lambda: member.counts["read"] == acknowledged(stock), confirm=False)
    idle = threading.Event()
    monkeypatch.setattr(member.consumer, "_step", lambda _: idle.set())
    assert idle.wait(20)
    member.hear()
    member.hear(confirm=False)
    member.leave()
    assert member.committed() == member.positions()
    assert committed(mock_kafka.properties, group, "stock", PARTITIONS) == [member.committed()[n] for n in range(4)]


def test_a_member_that_is_held_in_its_group_ends_all_the_same_and_says_so(
    scripted: ScriptedKafka, group: str, members: list[Member], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("actors.consumer.LEAVE_SECONDS", 0.5)
    stock = stocked(scripted)
    scripted.hold(OFFSET_COMMIT, 100)
    members.append(member := Member(stock, group))
    member.until(lambda: member.counts["read"] == acknowledged(stock), confirm=False)
    member.hear()
    member.hear()
    member.leave()
    assert member.counts["left without a word"] == 1
    assert member.committed() == {}


def test_what_was_not_confirmed_is_read_again_and_nothing_else(
    mock_kafka: MockKafka, stock: Rig, group: str, members: list[Member]
) -> None:
    members.append(first := Member(stock, group, rate="3000 records/s", protocol="consumer"))
    first.until(lambda: any(len(part.commits) for part in first.parts))
    confirmed, read = first.positions(), first.counts["read"]
    first.until(lambda: first.counts["read"] > read + 1_000, confirm=False)
    first.consumer.stop()
    first.thread.join(20)
    stood = committed(mock_kafka.properties, group, "stock", PARTITIONS)
    assert all(offset <= confirmed.get(number, 0) for number, offset in enumerate(stood))
    assert sum(offset for offset in stood if offset > 0) > 0
    members.append(second := Member(stock, group, protocol="consumer"))
    second.until(lambda: second.counts["read"] >= acknowledged(stock) - sum(max(offset, 0) for offset in stood))
    begins = {partition: offset for (partition, _), offset in second.begins().items()}
    assert begins == {number: max(offset, 0) for number, offset in enumerate(stood)}


def test_a_fatal_error_makes_another_client_that_begins_where_the_group_stands(
    scripted: ScriptedKafka, group: str, members: list[Member]
) -> None:
    stock, soon_missed = stocked(scripted), {"session.timeout.ms": "1500", "heartbeat.interval.ms": "200"}
    members.append(member := Member(stock, group, protocol="classic", properties=soon_missed))
    member.until(lambda: member.counts["read"] == acknowledged(stock), confirm=False)
    dead = ctypes.c_void_p(member.consumer._reader.handle)
    assert LIBRARY.rd_kafka_test_fatal_error(dead, _FENCED, b"as a test wants it") == 0
    member.until(lambda: member.counts["read"] >= 2 * acknowledged(stock), confirm=False)
    assert member.counts["read"] == 2 * acknowledged(stock)  # nothing was confirmed, so nothing had been committed
    assert sorted((stint, offset) for (_, stint), offset in member.begins().items()) == [(n, 0) for n in range(1, 9)]
    incidents = [row for part in member.parts for row in part.incidents[["kind", "client", "count"]].tolist()]
    assert incidents == [(Kind.FATAL, 0, -_FENCED)]
    read = member.positions()
    member.until(lambda: committed(scripted.properties, group, "stock", PARTITIONS) == [read[n] for n in range(4)])


def test_partitions_that_the_target_did_not_have_are_read_once_the_group_gives_them(
    stock: Rig, group: str, members: list[Member]
) -> None:
    target = replace(stock.target, topics={"stock": TopicPlace(stock.target.topics["stock"].ordinal, 1)})
    members.append(member := Member(stock, group, target=target))
    member.until(lambda: member.counts["read"] == acknowledged(stock))
    assert sum(member.positions().values()) == acknowledged(stock)
    assert len(member.begins()) == PARTITIONS


def test_a_paused_member_stays_in_its_group_and_reads_nothing(stock: Rig, group: str, members: list[Member]) -> None:
    members.append(member := Member(stock, group, rate="2000 records/s"))
    member.until(lambda: member.counts["read"] > 500)
    member.change(paused=True, rate="unlimited")
    member.until(lambda: member.consumer._course.holds)
    member.until(lambda: not member.parts[-1].counts["read"])
    before = member.counts
    deadline = time.monotonic() + 1.0
    member.until(lambda: time.monotonic() > deadline)
    assert (member.counts["read"], member.counts["revoked"]) == (before["read"], 0)
    member.change(paused=False)
    member.until(lambda: member.counts["read"] == acknowledged(stock))
    assert member.counts["assigned"] == PARTITIONS
    assert not any(len(part.incidents) for part in member.parts)


def test_a_member_that_is_told_another_rate_goes_on_where_it_is(stock: Rig, group: str, members: list[Member]) -> None:
    members.append(member := Member(stock, group, rate="2000 records/s"))
    for rate in ("2500 records/s", "3000 records/s", "unlimited"):
        before = member.counts["read"]
        member.until(lambda before=before: member.counts["read"] > before + 500)
        member.change(rate=rate)
    member.until(lambda: member.counts["read"] >= acknowledged(stock))
    assert member.counts["read"] == acknowledged(stock)
    assert not any(len(part.incidents) for part in member.parts)


def test_a_member_that_was_born_paused_joins_and_reads_nothing(stock: Rig, group: str, members: list[Member]) -> None:
    members.append(member := Member(stock, group, paused=True))
    member.until(lambda: member.counts["assigned"] == PARTITIONS)
    deadline = time.monotonic() + 0.5
    member.until(lambda: time.monotonic() > deadline)
    assert member.counts["read"] == 0


@pytest.mark.parametrize(("rate", "each"), [("2000 records/s", 2_000), ("200 kB/s", 2_000)])
def test_a_rate_is_a_limit(stock: Rig, group: str, members: list[Member], rate: str, each: int) -> None:
    members.append(member := Member(stock, group, rate=rate))
    member.until(lambda: member.counts["read"] > 2_500)  # what was saved up while joining is spent
    begin, at = member.counts["read"], member.parts[-1].at
    member.until(lambda: member.parts[-1].at > at + SECOND)
    rose, seconds = member.counts["read"] - begin, (member.parts[-1].at - at) / SECOND
    assert 0.5 * each * seconds < rose < each * seconds + 0.3 * each


@pytest.mark.parametrize("unit", ["records", "bytes"])
def test_an_allowance_gives_over_time_what_the_rate_says(unit: str) -> None:
    rate = Rate.parse("1000 records/s" if unit == "records" else "1 MB/s")
    allowance, taken = Allowance(rate, 0), 0
    for now in range(0, 100 * SECOND, SECOND // 20):
        most = allowance.most(now)
        allowance.spend(most, most * 1_000)
        taken += most
    assert taken == pytest.approx(100_000, rel=0.02)


def test_an_allowance_below_a_record_a_second_gives_one_after_the_other() -> None:
    allowance, taken = Allowance(Rate.parse("0.5 records/s"), 0), 0
    for now in range(0, 21 * SECOND, SECOND // 10):
        most = allowance.most(now)
        allowance.spend(most, most)
        taken += most
    assert taken == 10


def test_what_is_not_used_within_a_second_is_lost() -> None:
    allowance = Allowance(Rate.parse("1000 records/s"), 0)
    assert allowance.most(3600 * SECOND) == 1_000
    assert Allowance(Rate(), 0).most(0) == MOST


@pytest.mark.parametrize("isolation", ["read_committed", "read_uncommitted"])
def test_the_isolation_level_passes_through_to_client_and_books(
    monkeypatch: pytest.MonkeyPatch, stock: Rig, group: str, members: list[Member], isolation: str
) -> None:
    given: list[dict[str, str]] = []
    real = Consumer._open

    def opened(self: Consumer, spec: Consumers) -> None:
        real(self, spec)
        given.append({"committed": str(self._reading.committed)})

    monkeypatch.setattr(Consumer, "_open", opened)
    members.append(member := Member(stock, group, isolation=isolation))
    member.until(lambda: bool(given))
    assert given == [{"committed": str(isolation == "read_committed")}]


def test_a_member_withholds_nothing_from_a_saboteur(stock: Rig, group: str) -> None:
    class Watching(Honest):
        rows = 0

        def fetched(self, rows: Any, count: int) -> int:
            self.rows += int((rows[:count]["error"] == 0).sum())
            return count

    watching = Watching()
    consumer = Consumer("c", stock.target, sabotage=watching)
    consumer.apply(1, Consumers(of=("stock",), group=group).slice(0, 1, {"stock": PARTITIONS}))
    thread = threading.Thread(target=consumer.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 60
    while watching.rows < acknowledged(stock):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    consumer.stop()
    thread.join(20)
    assert sum(part.counts["read"] for part in consumer.collect(0).parts) == watching.rows


def test_a_property_that_librdkafka_refuses_is_told_in_its_words(group: str) -> None:
    consumer = Consumer("c", Target(1, {"bootstrap.servers": "127.0.0.1:1"}, {"t": TopicPlace(1, 1)}))
    spec = Consumers(of=("t",), group=group, properties={"session.timeout.ms": "-1"})
    consumer.apply(1, spec.slice(0, 1, {"t": 1}))
    with pytest.raises(ValueError, match="outside allowed range"):
        consumer.run()
