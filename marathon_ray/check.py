"""The sabotage board: errors planted in our own path, each of which must be found, and nothing else with it."""

import asyncio
import secrets
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

from actors import sabotage
from actors.auditor import Auditor
from actors.consumer import Consumer
from actors.load import UniformKeys, UniformSize
from actors.producer import Producer
from actors.spec import Auditors, Consumers, Producers
from actors.target import Target, TopicPlace
from actors.units import Rate
from marathon_ray.accounts import Accounts
from marathon_ray.balance import Balance
from marathon_ray.blocking import blocking
from marathon_ray.clusters import Opened
from marathon_ray.finding import Finding, FindingKind
from marathon_ray.folder import folder
from marathon_ray.journal import NAME, Journal, Thing
from marathon_ray.kafka import admin
from marathon_ray.kafka.topics import Topic
from marathon_ray.names import Names
from marathon_ray.reclaim import begin
from marathon_ray.small_run import SmallRun
from marathon_ray.stops import InterruptionError, Stops
from marathon_ray.terms import GroupTerms, TopicTerms

RECORDS: Final = 20_000
PARTITIONS: Final = 4
LOG, LIVE = "", "live"
_RATE, _SIZES, _KEYS = Rate.parse("20000 records/s"), UniformSize(least=100, most=300), UniformKeys(count=1_000)
_ORDINAL: Final = 1
_AT_ONCE: Final = 3  # runs; each mostly waits, for a group to come together and for ends to be told
Red: TypeAlias = Mapping[tuple[FindingKind, str], int]
# Every reader meets a damaged record, and what was acknowledged at its offset is not to be had any more.
_DAMAGED: Final = {(FindingKind.CORRUPT, LOG): 1, (FindingKind.CORRUPT, LIVE): 1, (FindingKind.LOST, LOG): 1}


class Plant(NamedTuple):
    """Who errs how, and what must be found: records by kind, in the log ("") and in what a group ("live") was given."""

    who: str
    how: type[sabotage.Honest]
    found: Red

    @property
    def name(self) -> str:
        return f"{self.how.__name__} by {self.who}"


PLANTS: Final = (
    Plant("nobody", sabotage.Honest, {}),
    Plant("producer", sabotage.Drop, {(FindingKind.LOST, LOG): 1}),
    Plant("producer", sabotage.Double, {(FindingKind.DUPLICATED, LOG): 1}),
    Plant("producer", sabotage.Swap, {(FindingKind.DISORDERED, LOG): 1}),
    Plant("producer", sabotage.CorruptHead, _DAMAGED),
    Plant("producer", sabotage.CorruptKey, _DAMAGED),
    Plant("producer", sabotage.CorruptPayload, _DAMAGED),
    Plant("second", sabotage.Withhold, {(FindingKind.GONE, LOG): 1}),
    Plant("consumer", sabotage.Withhold, {(FindingKind.SKIPPED, LIVE): 1}),
)


@dataclass(frozen=True, slots=True)
class Played:
    """One small run with that error planted (`planted` times), judged to its end; `why` it did not come to one."""

    plant: Plant
    planted: int = 0
    found: Red | None = None
    balance: Balance | None = None
    why: str = ""

    @property
    def right(self) -> bool:
        """Whether just that was found which had to be, in a run that counted every record once."""
        return self.balance is not None and not self.mistakes()

    def mistakes(self) -> list[str]:
        """What is not as it had to be."""
        if self.balance is None or self.found is None:
            return [self.why]
        planted, wanted = self.planted, int(self.plant.how is not sabotage.Honest)
        short = self.balance.total("acknowledged") < RECORDS
        return [
            *([f"planted {planted} times, not {wanted}"] if planted != wanted else []),
            *([f"found {told(self.found)}"] if self.found != self.plant.found else []),
            *([f"fewer than {RECORDS} records acknowledged"] if short else []),
            *self.balance.faults(),
        ]


def told(red: Red) -> str:
    """1 lost, 1 corrupt in the group."""
    each = [f"{count} {kind.value}{' in the group' if reading else ''}" for (kind, reading), count in red.items()]
    return ", ".join(each) or "nothing"


def found(findings: Iterable[Finding]) -> Red:
    """What was found, as a plant says it."""
    counts: Counter[tuple[FindingKind, str]] = Counter()
    for finding in findings:
        counts[finding.kind, LIVE if finding.reading else LOG] += finding.count
    return dict(counts)


def play(plant: Plant, properties: Mapping[str, str], topic: str, *, partitions: int = PARTITIONS) -> Played:
    """One small run with that error planted, in a topic that is there and empty; its group is the topic's name and -live.

    Raises TimeoutError where the cluster is too slow for it.
    """
    group, planted, places = f"{topic}-{LIVE}", plant.how(), [(_ORDINAL, number) for number in range(partitions)]
    target = Target(secrets.randbits(32), properties, {topic: TopicPlace(_ORDINAL, partitions)})
    accounts = Accounts({_ORDINAL: TopicTerms(topic_id=topic, partitions=partitions)}, groups={group: GroupTerms()})
    run = SmallRun(accounts)
    try:
        auditor, audited = _start(run, target, group, lambda who: planted if plant.who == who else sabotage.Honest())
        run.until(lambda: run.counts["acknowledged"] >= RECORDS, f"writing {RECORDS} records")
        run.retire("producer")
        run.begin_drain()
        auditor.apply(2, audited)
        run.until(lambda: run.at_the_ends(places), "reading everything twice")
        run.until(lambda: run.caught_up(group, places), f"reading everything as group {group}")
        balance = run.finish()
    finally:
        run.abandon()
    return Played(plant, planted.planted, found(run.findings), balance)


def _start(
    run: SmallRun, target: Target, group: str, saboteur: Callable[[str], sabotage.Honest]
) -> tuple[Auditor, Auditors]:
    """All three workers work; returned is the auditor, and what it was told."""
    ((topic, place),) = target.topics.items()
    counts = {topic: place.partitions}
    auditor = Auditor("auditor", target, sabotage={"first": saboteur("first"), "second": saboteur("second")})
    consumer = Consumer("consumer", target, sabotage=saboteur("consumer"))
    producer = Producer("producer", target, sabotage=saboteur("producer"))
    audited = Auditors(of=(topic,), trailing=0).slice(0, 1, counts)
    auditor.apply(1, audited)
    consumer.apply(1, Consumers(of=(topic,), group=group, isolation="read_uncommitted").slice(0, 1, counts))
    producer.apply(1, Producers(to=(topic,), rate=_RATE, size=_SIZES, keys=_KEYS).slice(0, 1, counts))
    run.start("auditor", auditor)
    run.start("consumer", consumer)
    run.start("producer", producer)
    return auditor, audited


async def check(
    opened: Opened, names: Names, results: Path, tell: Callable[[Played], None], note: Callable[[str], None]
) -> list[Played]:
    """Play all plants on that cluster, some at a time, each in a topic of its own that is gone afterwards. A folder in
    `results` has the journal of it, and signals end it as they end a run.

    Raises KafkaError where the topics cannot be had, InterruptionError where a signal has ended it.
    """
    stops, thing = Stops(note), Thing("cluster", opened.name)
    with folder(results, f"check-{names.run}") as own, Journal(own / NAME) as journal:
        begin(journal, names, opened.name)
        journal.intend(thing, ours=opened.ours)
        stops.install()
        try:
            cluster = await stops.step(blocking(opened.acquire))
            played = await _on(cluster.client_properties(), names, journal, stops, tell)
        finally:
            await stops.step(blocking(opened.release), bears=2)
            journal.undone(thing)
            stops.remove()
        if stops.count:  # also where all that went on by then was seen to its end
            raise InterruptionError(stops.cause)
        journal.write("end", right=sum(each.right for each in played), of=len(played))
        return played


async def _on(
    properties: Mapping[str, str], names: Names, journal: Journal, stops: Stops, tell: Callable[[Played], None]
) -> list[Played]:
    topics = await stops.step(blocking(_rehearsed, properties, names))
    groups = [f"{name}-{LIVE}" for name in topics]
    things = [*(Thing("topic", name) for name in topics), *(Thing("group", name) for name in groups)]
    for thing in things:
        journal.intend(thing)
    try:
        await stops.step(blocking(admin.create, properties, topics))
        return await stops.step(_all(properties, topics, tell))
    finally:
        await stops.step(blocking(_remove, properties, topics, groups), bears=1)
        for thing in things:
            journal.undone(thing)


def _rehearsed(properties: Mapping[str, str], names: Names) -> dict[str, Topic]:
    """A topic for each plant. Raises KafkaError where they cannot be had; none is made."""
    brokers = len(admin.look(properties, ()).brokers)
    topic = Topic(partitions=PARTITIONS, replication=min(3, brokers), min_insync=min(2, brokers))
    topics = {names.of(f"check{number}"): topic for number in range(len(PLANTS))}
    admin.check(properties, topics)
    return topics


def _remove(properties: Mapping[str, str], topics: Iterable[str], groups: Iterable[str]) -> None:
    admin.delete(properties, topics)
    admin.delete_groups(properties, groups)


async def _all(properties: Mapping[str, str], topics: Iterable[str], tell: Callable[[Played], None]) -> list[Played]:
    """Cut short, those that go on come to their end, and no other one begins."""
    seats = asyncio.Semaphore(_AT_ONCE)

    async def one(plant: Plant, topic: str) -> Played:
        async with seats:
            played = await blocking(_tried, properties, plant, topic)
        tell(played)
        return played

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(plant, topic)) for plant, topic in zip(PLANTS, topics, strict=True)]
    return [task.result() for task in tasks]


def _tried(properties: Mapping[str, str], plant: Plant, topic: str) -> Played:
    try:
        return play(plant, properties, topic)
    except (TimeoutError, RuntimeError) as error:
        return Played(plant, why=str(error))
