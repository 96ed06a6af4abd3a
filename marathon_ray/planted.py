"""Small runs with an error planted: a topic is written, or written and copied in transactions, audited, and read by a group."""

import secrets
import time
from collections.abc import Mapping
from typing import Any, Final

from actors.auditor import Auditor
from actors.consumer import Consumer
from actors.load import UniformKeys, UniformSize
from actors.producer import Producer
from actors.sabotage import Honest
from actors.spec import Auditors, Consumers, Producers, Transactors, WorkerSpec, transactional_id
from actors.target import Target, TopicPlace
from actors.transactor import Transactor
from actors.units import Rate
from actors.worker import Worker
from marathon_ray.accounts import Accounts
from marathon_ray.kafka import admin
from marathon_ray.kafka.transacting import refusal
from marathon_ray.plant import LIVE, Plant, Played, found
from marathon_ray.small_run import SmallRun
from marathon_ray.terms import GroupTerms, TopicTerms
from marathon_ray.told import Place

PARTITIONS: Final = 4
_RATE, _SIZES, _KEYS = Rate.parse("20000 records/s"), UniformSize(least=100, most=300), UniformKeys(count=1_000)
_COPIED_RATE: Final = Rate.parse("200 records/s")  # an abort is read again, which takes longer than to write it
_TRANSACTION: Final = 200  # records at most
_COPYING_SECONDS: Final = 180.0  # a cluster may have to make the log of transactions first
_TIMEOUT: Final = 10.0  # seconds of a transaction at most
_COMMITTED, _ABORTED = 10, 2  # transactions at least; each second one is planned to abort
_WRITTEN, _COPY = 1, 2  # ordinals


def topics(plant: Plant, topic: str) -> tuple[str, ...]:
    """All that its run has, by the name of the first."""
    return (topic, f"{topic}-copy") if plant.copying else (topic,)


def groups(plant: Plant, topic: str) -> tuple[str, ...]:
    """All that its run has, by the name of its first topic."""
    return (f"{topic}-{LIVE}", f"{topic}-copiers") if plant.copying else (f"{topic}-{LIVE}",)


def play(plant: Plant, properties: Mapping[str, str], topic: str, *, partitions: int = PARTITIONS) -> Played:
    """One small run with that error planted, in its topics, which are there and empty. It is not played where it copies, and
    the cluster lets nobody have transactions.

    Raises TimeoutError where the cluster is too slow for it, KafkaError where it does not say where the copies end.
    """
    names = topics(plant, topic)
    places = {name: TopicPlace(number, partitions) for number, name in enumerate(names, 1)}
    cast = _Cast(plant, Target(secrets.randbits(32), properties, places))
    if not plant.copying:
        return cast.write(*names, *groups(plant, topic))
    live, copiers = groups(plant, topic)
    if why := refusal(properties, transactional_id(copiers, 0), timeout=_TIMEOUT):
        return Played(plant, lacking=f"the cluster lets us have no transactions: {why}")
    return cast.copy(names, live, copiers)


class _Cast:
    """The workers of one small run, one of which errs."""

    def __init__(self, plant: Plant, target: Target) -> None:
        self._plant, self._target, self._planted = plant, target, plant.how()
        self._counts = {name: place.partitions for name, place in target.topics.items()}
        sabotage = {reading: self._saboteur(reading) for reading in ("first", "second")}
        self._auditor = Auditor("auditor", target, sabotage=sabotage)
        self._revision = 0

    def write(self, topic: str, live: str) -> Played:
        """A topic is written at speed, and read by a group that takes whatever there is."""
        terms, places = TopicTerms(topic_id=topic, partitions=self._counts[topic]), self._places(_WRITTEN)
        run = SmallRun(Accounts({_WRITTEN: terms}, groups={live: GroupTerms()}))
        try:
            self._start(run, live, (topic,), isolation="read_uncommitted")
            self._produce(run, Producers(to=(topic,), rate=_RATE, size=_SIZES, keys=_KEYS))
            run.until(lambda: run.counts["acknowledged"] >= self._plant.records, "writing")
            run.retire("producer")
            self._audit_anew(run)
            run.until(lambda: run.at_the_ends(places), "reading everything twice")
            run.until(lambda: run.caught_up(live, places), f"reading everything as group {live}")
            return self._played(run)
        finally:
            run.abandon()

    def copy(self, names: tuple[str, ...], live: str, copiers: str) -> Played:
        """A topic is written and copied in transactions, and the copies are read by a group that takes what is committed."""
        topic, copy = names
        partitions, committed = self._counts[topic], GroupTerms(isolation="read_committed")
        terms = {
            _WRITTEN: TopicTerms(topic_id=topic, partitions=partitions),
            _COPY: TopicTerms(topic_id=copy, partitions=partitions, transactional=True, copies_of=_WRITTEN),
        }
        run = SmallRun(Accounts(terms, groups={live: committed, copiers: committed}))
        written, copied = self._places(_WRITTEN), self._places(_COPY)
        spec = Transactors(
            of=(topic,), to=(copy,), group=copiers, aborts=0.5, timeout=_TIMEOUT, records_per_transaction=_TRANSACTION
        )
        try:
            self._start(run, live, (copy,), isolation="read_committed")
            self._employ(
                run, "transactor", Transactor("transactor", self._target, sabotage=self._saboteur("transactor")), spec
            )
            self._produce(run, Producers(to=(topic,), rate=_COPIED_RATE, size=_SIZES, keys=_KEYS))
            run.until(lambda: self._enough(run), "copying", within=_COPYING_SECONDS)
            run.retire("producer")
            self._audit_anew(run)
            run.until(lambda: run.at_the_ends(written), "reading what was written twice")
            run.until(lambda: run.committed(copiers, written), "copying to the end", within=_COPYING_SECONDS)
            run.accounts.copied(_COPY)
            run.until(lambda: self._stable(run), "the ends of all transactions")
            self._audit_anew(run)
            run.until(lambda: run.at_the_ends([*written, *copied]), "reading everything twice")
            run.until(lambda: run.caught_up(live, copied), f"reading all copies as group {live}")
            return self._played(run)
        finally:
            run.abandon()

    def _start(self, run: SmallRun, group: str, read: tuple[str, ...], **how: Any) -> None:  # noqa: ANN401 - of a spec
        self._audit_anew(run)
        run.start("auditor", self._auditor)
        consumer = Consumer("consumer", self._target, sabotage=self._saboteur("consumer"))
        self._employ(run, "consumer", consumer, Consumers(of=read, group=group, **how))

    def _produce(self, run: SmallRun, spec: Producers) -> None:
        self._employ(run, "producer", Producer("producer", self._target, sabotage=self._saboteur("producer")), spec)

    def _employ(self, run: SmallRun, name: str, worker: Worker[Any], spec: WorkerSpec) -> None:
        worker.apply(1, spec.slice(0, 1, self._counts))
        run.start(name, worker)

    def _audit_anew(self, run: SmallRun) -> None:
        """Ends of logs are told anew from here on."""
        self._revision += 1
        run.begin_drain()
        spec = Auditors(of=tuple(self._target.topics), trailing=0)
        self._auditor.apply(self._revision, spec.slice(0, 1, self._counts))

    def _enough(self, run: SmallRun) -> bool:
        done = run.counts
        acknowledged = (
            run.accounts.balance().total("acknowledged") >= self._plant.records
        )  # each once, whatever is made anew
        ended = done["transactions committed"] >= _COMMITTED and done["transactions aborted"] >= _ABORTED
        return acknowledged and ended

    def _stable(self, run: SmallRun) -> bool:
        """Whether no transaction is open; the accounts are told."""
        ends = admin.log_ends(self._target.properties, self._target.topics)
        for (topic, partition), (end, stable) in ends.items():
            ordinal = self._target.topics[topic].ordinal
            run.accounts.stable_end(ordinal, partition, stable=stable, end=end, at=time.time_ns())
        return all(stable >= end for end, stable in ends.values())

    def _played(self, run: SmallRun) -> Played:
        balance = run.finish()
        return Played(self._plant, self._planted.planted, found(run.findings), balance)

    def _places(self, ordinal: int) -> list[Place]:
        return [(ordinal, number) for number in range(next(iter(self._counts.values())))]

    def _saboteur(self, who: str) -> Honest:
        return self._planted if self._plant.who == who else Honest()
