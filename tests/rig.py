"""Workers in threads of this process, collected into accounts: a small run without a driver, for tests."""

import secrets
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, TypeAlias

from confluent_kafka import Consumer as PlainConsumer
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from actors.auditor import Auditor
from actors.spec import Auditors, Stand
from actors.tally import Part, Tally
from actors.target import Target, TopicPlace
from actors.worker import Worker
from marathon_ray.accounts import Accounts
from marathon_ray.balance import Balance
from marathon_ray.finding import Finding, FindingKind, Tail, Window
from marathon_ray.standing import standing
from marathon_ray.terms import GroupTerms, TopicTerms

ADMIN_SECONDS: Final = 30.0
_END_SECONDS: Final = 150.0  # a producer may wait for its last reports as long as its messages may live
_PASSES: Final = ("first", "second")

Post: TypeAlias = Callable[[Tally], Iterable[Tally]]  # which tallies arrive when this one was sent


def create(properties: Mapping[str, str], name: str, **options: Any) -> None:
    """The topic exists, as NewTopic's options say."""
    admin = AdminClient({**properties, "log_level": 0})
    admin.create_topics([NewTopic(name, **options)])[name].result(ADMIN_SECONDS)


def reliable(tally: Tally) -> Iterable[Tally]:
    """Each tally arrives at once, and once."""
    return (tally,)


@dataclass(slots=True)
class Court:
    """One set of accounts, and what it stands by of what it has found."""

    accounts: Accounts
    findings: list[Finding] = field(default_factory=list)
    told: dict[tuple[str, int, int], tuple[int, bool]] = field(default_factory=dict)

    def take(self, tally: Tally) -> None:
        """Book it; `told` says of (reading, topic, partition) where it stands, and whether the log ends there."""
        for part in tally.after(self.accounts.version(tally.worker)):
            for topic, partition, position, at_end in part.positions.tolist():
                self.told[part.reading, topic, partition] = (position, bool(at_end))
        self.accounts.take(tally)

    def settle(self) -> None:
        """Judge what is decided."""
        self._enter(self.accounts.settle())

    def begin_drain(self) -> None:
        """What the passes said of ends before now does not count."""
        self.accounts.begin_drain()
        self.told = {place: said for place, said in self.told.items() if place[0] not in _PASSES}

    def finish(self) -> Balance:
        """Judge the rest."""
        self._enter(self.accounts.finish())
        return self.accounts.balance()

    def _enter(self, window: Window) -> None:
        self.findings = standing([*self.findings, *window.findings], window.withdrawn)


class _Hand(NamedTuple):
    """A worker at work, and the courts that hear it."""

    name: str
    worker: Worker[Any]
    thread: threading.Thread
    courts: tuple[Court, ...]


class Rig:
    """A target, its accounts, and workers that run in threads; `step` collects from all once.

    There may be several courts: every worker is heard by all of them, an auditor by its own only. `accounts` and
    `findings` are the first court's; `parts` are all parts that arrived, each once,
    and `heard` the same by worker. `post` may lose, repeat and delay
    tallies on their way.
    """

    def __init__(
        self,
        properties: Mapping[str, str],
        topics: Mapping[str, int],
        *,
        terms: Mapping[str, Mapping[str, Any]] | None = None,
        groups: Mapping[str, GroupTerms] | None = None,
        courts: int = 1,
    ) -> None:
        places = {name: TopicPlace(ordinal, count) for ordinal, (name, count) in enumerate(topics.items(), 1)}
        self.partitions = dict(topics)
        self.target = Target(secrets.randbits(32), properties, places)
        declared = {
            place.ordinal: TopicTerms(topic_id=name, partitions=place.partitions, **(terms or {}).get(name, {}))
            for name, place in places.items()
        }
        self.courts = [Court(Accounts(declared, groups=groups)) for _ in range(courts)]
        self.counts: Counter[str] = Counter()
        self.parts: list[Part] = []
        self.heard: defaultdict[str, list[Part]] = defaultdict(list)
        self.post: Post = reliable
        self._hands: dict[str, _Hand] = {}

    @property
    def accounts(self) -> Accounts:
        """The first court's."""
        return self.courts[0].accounts

    @property
    def findings(self) -> list[Finding]:
        """What the first court stands by."""
        return self.courts[0].findings

    def start(self, worker: Any, spec: Any, *, of: int = 1, index: int = 0, court: int | None = None) -> Any:
        """The worker runs with its slice of the spec; all courts hear it, or just the one."""
        thread = threading.Thread(target=worker.run, name=worker.name, daemon=True)
        courts = self.courts if court is None else [self.courts[court]]
        self._hands[worker.name] = _Hand(worker.name, worker, thread, tuple(courts))
        worker.apply(1, spec.slice(index, of, self.partitions))
        thread.start()
        return worker

    def audit(
        self,
        *topics: str,
        trailing: float = 0.0,
        court: int = 0,
        begin: dict[str, dict[int, tuple[Stand, Stand]]] | None = None,
        **options: Any,
    ) -> Auditor:
        """An auditor of these topics runs for that court."""
        name = f"auditor {len(self.parts)} of {topics} for court {court}"
        spec = Auditors(of=topics, trailing=trailing, begin=begin or {})
        auditor: Auditor = self.start(Auditor(name, self.target, **options), spec, court=court)
        return auditor

    def step(self) -> None:
        """Collect from every worker once, and settle."""
        for name, hand in self._hands.items():
            assert hand.thread.is_alive(), f"{name} ended by itself"
            self._arrive(hand, self.post(self._collect(hand)))
        for court in self.courts:
            court.settle()

    def _collect(self, hand: _Hand) -> Tally:
        return hand.worker.collect(hand.courts[0].accounts.version(hand.name))

    def _arrive(self, hand: _Hand, tallies: Iterable[Tally]) -> None:
        for tally in tallies:
            for part in tally.after(hand.courts[0].accounts.version(tally.worker)):
                self.counts.update(part.counts)
                self.parts.append(part)
                self.heard[tally.worker].append(part)
            for court in hand.courts:
                court.take(tally)

    def run(self, seconds: float, *, every: float = 0.2) -> None:
        """Step for so long."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            time.sleep(every)
            self.step()

    def until(self, done: Callable[[], bool], *, within: float = 60.0, every: float = 0.1, what: str = "") -> None:
        """Step until `done()`; fails the test after `within` seconds."""
        deadline = time.monotonic() + within
        while not done():
            assert time.monotonic() < deadline, f"{what or 'it'} took more than {within} s: {self.counts}"
            time.sleep(every)
            self.step()

    def retire(self, *workers: Any) -> None:
        """Stop these workers, wait for their ends and collect the last of them."""
        hands = [self._hands.pop(worker.name) for worker in workers]
        for hand in hands:
            hand.worker.stop()
        deadline = time.monotonic() + _END_SECONDS
        while any(hand.thread.is_alive() for hand in hands) and time.monotonic() < deadline:
            time.sleep(0.05)
            self.step()
            for hand in hands:
                self._arrive(hand, self.post(self._collect(hand)))
        for hand in hands:
            assert not hand.thread.is_alive(), f"{hand.name} did not end within {_END_SECONDS} s"
            self._arrive(hand, [self._collect(hand)])
        self.step()

    def lose(self, worker: Any) -> None:
        """The worker ends, and nothing that it has not told by now is heard any more."""
        hand = self._hands.pop(worker.name)
        hand.worker.stop()
        hand.thread.join(_END_SECONDS)
        assert not hand.thread.is_alive(), f"{worker.name} did not end within {_END_SECONDS} s"

    def abandon(self) -> None:
        """Ask every worker to end, and wait for none: nobody will look at what becomes of them."""
        for hand in self._hands.values():
            hand.worker.stop()

    def bury(self, worker: Any) -> Tail:
        """The worker is lost, and the courts are told that it is dead."""
        self.lose(worker)
        first, *_ = [court.accounts.bury(worker.name, at=time.time_ns()) for court in self.courts]
        return first

    def audit_on(self, auditor: Auditor, trailing: float) -> Auditor:
        """The auditor is lost; another goes on where the first court's accounts stand."""
        self.lose(auditor)
        return self.audit_again(*auditor._spec.of, trailing=trailing)

    def audit_again(self, *topics: str, trailing: float) -> Auditor:
        """An auditor goes on where the first court's accounts stand."""
        begin = {topic: {each: self._stands(topic, each) for each in range(self.partitions[topic])} for topic in topics}
        return self.audit(*topics, trailing=trailing, begin=begin)

    def _stands(self, topic: str, partition: int) -> tuple[Stand, Stand]:
        ordinal = self.target.topics[topic].ordinal
        first, second = (self.accounts.stand(reading, ordinal, partition) for reading in _PASSES)
        return first, second

    def ends(self) -> dict[tuple[str, int], int]:
        """The high watermark of every partition."""
        all_of_it = {"isolation.level": "read_uncommitted"}  # else the last stable offsets are told
        plain = PlainConsumer({**self.target.properties, **all_of_it, "group.id": "rig", "log_level": 0})
        try:
            return {
                (name, partition): self._high(plain, TopicPartition(name, partition))
                for name, count in self.partitions.items()
                for partition in range(count)
            }
        finally:
            plain.close()

    def _high(self, plain: PlainConsumer, place: TopicPartition) -> int:
        return int(plain.get_watermark_offsets(place, timeout=ADMIN_SECONDS)[1])

    def drained(self, ends: Mapping[tuple[str, int], int], reading: str, *, court: int = 0) -> bool:
        """Whether that reading was told that the log ends where it stands, at these ends: one beyond has not noticed yet
        that the log was cut."""
        told = self.courts[court].told
        places = {(self.target.topics[name].ordinal, partition): end for (name, partition), end in ends.items()}
        return all(told.get((reading, *place)) == (end, True) for place, end in places.items())

    def finish(self, *auditors: Auditor, readings: tuple[str, ...] = _PASSES) -> Balance:
        """Drain the auditors (every other worker is retired), judge the rest, and return the first court's balance."""
        self.step()
        for court in self.courts:
            court.begin_drain()
        for auditor in auditors:
            auditor.apply(1_000_000, Auditors(of=auditor._spec.of, trailing=0).slice(0, 1, self.partitions))
        ends = self.ends()
        heard = [(reading, court) for reading in readings for court in range(len(self.courts))]
        self.until(
            lambda: all(self.drained(ends, reading, court=court) for reading, court in heard),
            what=f"reading to {ends}",
        )
        self.retire(*[hand.worker for hand in self._hands.values()])
        first, *_ = [court.finish() for court in self.courts]
        return first

    def found(self, *kinds: FindingKind) -> int:
        """How many records the findings of these kinds count."""
        return sum(finding.count for finding in self.findings if finding.kind in kinds)
