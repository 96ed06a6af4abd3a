"""The accounts against the model log: no false alarm, no miss, settled at any time as judged once, always in balance."""

import os
from collections import Counter
from typing import Any

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from actors.tally import Life, Outcome, Tally
from marathon_ray.accounts import Accounts
from marathon_ray.finding import Finding, Window
from marathon_ray.terms import GroupTerms, TopicTerms
from tests.model.log import BLOCK, Batch, Place, Reader, Worker, World
from tests.model.oracle import Oracle, Record

PLACES: list[Place] = [(0, 0), (0, 1), (1, 0)]
KEYS = 3
THOROUGH = bool(os.environ.get("MARATHON_THOROUGH"))
PLACE = st.sampled_from(PLACES)
PICK = st.integers(0, 7)
FEW = st.integers(1, 4)
DELIVERY = st.sampled_from(["once", "twice", "unconfirmed", "dropped"])


def books() -> Accounts:
    topics = {
        0: TopicTerms(topic_id="a", partitions=2),
        1: TopicTerms(topic_id="b", partitions=1, cleanup="compact", keys=KEYS),
    }
    return Accounts(topics, groups={"live": GroupTerms()}, block=BLOCK)


class Standing:
    """The findings of windows, less those taken back, record by record."""

    def __init__(self) -> None:
        self.records: Counter[tuple[str, Record]] = Counter()
        self.others: Counter[str] = Counter()
        self.counts: Counter[tuple[Place, str]] = Counter()

    def add(self, window: Window) -> None:
        for place, counts in window.counts.items():
            self.counts.update({(place, name): count for name, count in counts.items()})
        for finding in window.findings:
            self._add(finding, 1)
        for finding in window.withdrawn:
            self._add(finding, -1)

    def _add(self, finding: Finding, sign: int) -> None:
        if finding.first < 0 or finding.reading:
            self.others[finding.kind] += sign
            return
        size = finding.last - finding.first + 1
        each, rest = divmod(finding.count, size)
        assert rest == 0 or finding.kind == "duplicated"
        for sequence in range(finding.first, finding.last + 1):
            place = finding.topic, finding.partition
            name = str(finding.kind)
            self.records[name, (place, finding.client, sequence)] += sign * (each if not rest else 1)


class Truth(RuleBasedStateMachine):
    """Every operation of the model, each told to accounts that settle at any time, to others that settle once, and to
    the naive judge."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World(PLACES, {1: KEYS})
        self.eager, self.lazy, self.oracle = books(), books(), Oracle({1: KEYS})
        self.standing = Standing()
        self.applied: Counter[str] = Counter()
        self.now, self.drained = 0, True
        self.behind = False  # a pass was told of a cut, and had no time to read again what lies below
        for _ in range(2):
            self.world.hire()

    # Producers

    @precondition(lambda self: len(self.world.workers) < 4)
    @rule()
    def hire(self) -> None:
        self.world.hire()

    def worker(self, pick: int, *, alive: bool = True) -> Worker | None:
        able = [w for w in self.world.workers if w.dead != alive and w.life is Life.OPEN]
        return able[pick % len(able)] if able else None

    @rule(pick=PICK, place=PLACE, count=FEW)
    def write(self, pick: int, place: Place, count: int) -> None:
        if worker := self.worker(pick):
            batch = self.world.attempt(worker, place, count)
            worker.claim(batch, Outcome.ACKNOWLEDGED, offset=self.world.append(batch))

    @rule(
        pick=PICK,
        place=PLACE,
        count=FEW,
        kind=st.sampled_from(["open", "absent", "blind", "hole", "twice", "refused", "liar"]),
    )
    def write_badly(self, pick: int, place: Place, count: int, kind: str) -> None:
        worker = self.worker(pick)
        if worker is None:
            return
        batch = self.world.attempt(worker, place, count)
        if kind in {"open", "blind", "twice", "liar"}:
            self.world.append(batch)
        if kind == "hole":
            worker.claim(batch, Outcome.ACKNOWLEDGED, offset=self.world.vanish(batch))
        elif kind == "twice":
            worker.claim(batch, Outcome.ACKNOWLEDGED, offset=self.world.append(batch))
            self.world.twice |= {(place, batch.client, batch.first + step) for step in range(count)}
        elif kind == "blind":
            worker.claim(batch, Outcome.ACKNOWLEDGED)
        elif kind in {"refused", "liar"}:
            worker.claim(batch, Outcome.REFUSED)
        else:
            worker.open.append(batch)

    @rule(pick=PICK, which=PICK, outcome=st.sampled_from(Outcome))
    def resolve(self, pick: int, which: int, outcome: Outcome) -> None:
        worker = self.worker(pick)
        if worker and worker.open:
            self._resolve(worker, worker.open.pop(which % len(worker.open)), outcome)

    def _resolve(self, worker: Worker, batch: Batch, outcome: Outcome) -> None:
        if outcome is Outcome.REFUSED and batch.offset is not None:
            outcome = Outcome.UNKNOWN
        if outcome is Outcome.ACKNOWLEDGED:
            offset = self.world.append(batch) if batch.offset is None else batch.offset
            worker.claim(batch, outcome, offset=offset)
        else:
            worker.claim(batch, outcome)
            worker.unknown += [batch] if outcome is Outcome.UNKNOWN else []

    @rule(pick=PICK, which=PICK)
    def acknowledge_late(self, pick: int, which: int) -> None:
        worker = self.worker(pick)
        if worker and worker.unknown:
            self._resolve(worker, worker.unknown.pop(which % len(worker.unknown)), Outcome.ACKNOWLEDGED)

    @rule(pick=PICK, how=DELIVERY)
    def report(self, pick: int, how: str) -> None:
        if worker := self.worker(pick):
            self.now += 1
            worker.cut(self.now)
            self.deliver(worker, how)

    @rule(pick=PICK)
    def close(self, pick: int) -> None:
        if worker := self.worker(pick):
            worker.open, worker.life = [], Life.CLOSED
            worker.cut(self.now)
            self.deliver(worker, "once")

    @rule(pick=PICK)
    def kill(self, pick: int) -> None:
        if worker := self.worker(pick):
            worker.dead, worker.sent = True, []
            for accounts in (self.eager, self.lazy):
                accounts.bury(worker.name, at=self.now)
            self.oracle.buried.add(worker.client)

    @rule(pick=PICK, place=PLACE, count=FEW)
    def write_on_as_a_zombie(self, pick: int, place: Place, count: int) -> None:
        if worker := self.worker(pick, alive=False):
            self.world.append(self.world.attempt(worker, place, count))

    @rule(pick=PICK, place=PLACE)
    def write_beyond_the_end(self, pick: int, place: Place) -> None:
        closed = [w for w in self.world.workers if w.life is Life.CLOSED]
        if closed:
            self.world.append(self.world.attempt(closed[pick % len(closed)], place, 1))

    # Readers

    @rule(reading=st.sampled_from(["first", "second", "live"]), place=PLACE, limit=st.integers(1, 9), how=DELIVERY)
    def read(self, reading: str, place: Place, limit: int, how: str) -> None:
        reader = self.world.readers[reading]
        reader.read(place, self.world.logs[place], limit)
        self.deliver(reader, how)

    @rule(place=PLACE, limit=st.sampled_from([3, 8, 99]))
    def go_round(self, place: Place, limit: int) -> None:
        """What a healthy run does most: everybody reports, both passes read, the books settle."""
        for worker in self.world.workers:
            if not worker.dead and worker.life is Life.OPEN:
                worker.cut(self.now)
                self.deliver(worker, "once")
        for reading in ("first", "second", "live"):
            self.read(reading, place, limit, "once")
        self.settle()

    @rule(reading=st.sampled_from(["first", "second"]))
    def restart(self, reading: str) -> None:
        places = {place: self.eager.stand(reading, *place)[0] for place in PLACES}
        self.world.readers[reading].restart(places)

    @rule(place=PLACE, back=st.integers(1, 5))
    def rebalance(self, place: Place, back: int) -> None:
        live = self.world.readers["live"]
        live.position[place] = max(live.position.get(place, 0) - back, self.world.logs[place].start)

    @rule(place=PLACE, ahead=st.integers(1, 3))
    def skip(self, place: Place, ahead: int) -> None:
        live = self.world.readers["live"]
        live.position[place] = min(live.position.get(place, 0) + ahead, self.world.logs[place].end)

    def deliver(self, source: Worker | Reader, how: str) -> None:
        if how == "dropped":
            return
        tally = Tally(source.name, tuple(source.sent))
        for part in tally.parts:
            if part.version > self.applied[source.name]:
                self.applied[source.name] = part.version
                self.oracle.take(part)
        for accounts in (self.eager, self.lazy):
            accounts.take(tally)
            if how == "twice":
                accounts.take(tally)
        source.sent = source.sent if how == "unconfirmed" else []

    # The broker

    # Of a compacted log a pass that reads again finds less, legally: settled early and late then differ in a word.
    @rule(place=st.sampled_from(PLACES[:2]), back=st.integers(0, 9))
    def truncate(self, place: Place, back: int) -> None:
        log = self.world.logs[place]
        settled = self.eager._audit.judged_to(place[0] << 20 | place[1])
        offset = max(log.end - back, settled, log.start)
        if offset < log.end:
            self.world.truncate(place, offset)

    @rule(place=st.sampled_from(PLACES[:2]), back=st.integers(0, 6))
    def expire(self, place: Place, back: int) -> None:
        self.world.expire(place, max(self.world.logs[place].end - back, 0))

    @rule()
    def compact(self) -> None:
        self.world.compact((1, 0))

    # The accounts

    @rule()
    def settle(self) -> None:
        window = self.eager.settle()
        self.standing.add(window)
        alarms = Standing()
        alarms.add(window)
        accused = {record for kind, record in +alarms.records if kind in {"lost", "gone"}}
        assert not accused & self.world.present(), "an alarm for a record that is in the log"

    @invariant()
    def it_balances(self) -> None:
        assert not self.eager.balance().faults()

    @rule()
    def run_out_of_time(self) -> None:
        self.drained = False

    def teardown(self) -> None:
        for worker in self.world.workers:
            if not worker.dead and worker.life is Life.OPEN:
                worker.cut(self.now)
                self.deliver(worker, "once")
        for reader in self.world.readers.values():  # what was cut before the drain is taken before it
            self.deliver(reader, "once")
        self.oracle.stands = {place: (position, False) for place, (position, _) in self.oracle.stands.items()}
        for accounts in (self.eager, self.lazy):
            accounts.begin_drain()
        for reader in self.world.readers.values():
            for place, log in self.world.logs.items():
                if self.drained or place == PLACES[0]:
                    reader.read(place, log, 10**6)
                elif reader.forks.get(place, log.end) < reader.position.get(place, 0):  # so much is told at any rate
                    reader.read(place, log, 0)
                    self.behind = True
            self.deliver(reader, "once")
        self.standing.add(self.eager.finish())
        once = Standing()
        once.add(self.lazy.finish())
        compare(self, once)


def compare(run: Any, once: Standing) -> None:
    cut = any(log.epoch for log in run.world.logs.values())
    assert cut or not run.standing.others["passes differ"]
    # Who settled before a cut knows what it had found there; who did not, and reads no more, does not.
    blurred = run.standing.others["truncated settled"] or run.behind
    if not blurred:
        assert +run.standing.records == +once.records
        assert clean(run.standing.counts) == clean(once.counts)
        assert totals(run.eager) == totals(run.lazy)
    assert +once.records == run.oracle.findings()
    verdicts, balance = run.oracle.verdicts(), run.lazy.balance()
    names = ("found", "expired", "unaudited", "compacted", "unknown")
    assert {name: balance.total(name) for name in names} == {name: verdicts[name] for name in names}
    assert not run.lazy.balance().faults()
    assert not run.eager.balance().faults()
    check_group(run.lazy, run.oracle)
    if not blurred:
        check_group(run.eager, run.oracle)
    check_truth(run, once)


def check_group(accounts: Accounts, oracle: Oracle) -> None:
    want = oracle.deliveries()
    balance = accounts.balance()
    assert {name: balance.total(name, "live") for name in want} == want


def clean(counts: Counter[tuple[Place, str]]) -> dict[tuple[Place, str], int]:
    return {name: count for name, count in counts.items() if count}


def totals(accounts: Accounts) -> dict[Place, dict[str, int]]:
    return {place: {n: c for n, c in counts.items() if c} for place, counts in accounts.balance().places.items()}


def check_truth(run: Any, once: Standing) -> None:
    """What the broker did decides, not what was reported of it."""
    lost = {record for kind, record in +once.records if kind in {"lost", "gone"}}
    present = run.world.present()
    assert not lost & present, "a record that is in the log was called lost"
    delete = {record for record in lost if record[0][0] == 0}
    # A record whose acknowledged copy was cut off and whose other copy expired unread looks like a loss, and cannot not.
    assert delete <= run.world.illegal | (run.world.twice & run.world.expired), (
        "a record that went legally was called lost"
    )
    for record, (outcome, offset) in run.oracle.claims.items():
        reported = outcome is Outcome.ACKNOWLEDGED and record in run.world.illegal and record[0][0] == 0
        unread = run.oracle.missed("second", record, offset) or run.oracle.unread(record, offset)
        if reported and record not in present and not unread:
            assert record in lost, "a lost record was missed"


Truth.TestCase.settings = settings(
    max_examples=int(os.environ.get("MARATHON_THOROUGH", "0")) if THOROUGH else 60,
    stateful_step_count=60 if THOROUGH else 40,
    deadline=None,
)
TestTruth = Truth.TestCase
