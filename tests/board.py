"""The sabotage board: each planted error, and the findings that it, and nothing else, must cause."""

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from actors import sabotage
from actors.consumer import Consumer
from actors.load import UniformKeys, UniformSize
from actors.producer import Producer
from actors.spec import Consumers, Producers
from actors.units import Rate
from marathon_ray.finding import FindingKind
from marathon_ray.terms import GroupTerms
from tests.rig import Rig

RECORDS: Final = 20_000
RATE, SIZES, KEYS = Rate.parse("20000 records/s"), UniformSize(least=100, most=300), UniformKeys(count=1_000)
LOG, LIVE = "", "live"
# Every reader meets a damaged record, and what was acknowledged at its offset is not to be had any more.
DAMAGED: Final = {(FindingKind.CORRUPT, LOG): 1, (FindingKind.CORRUPT, LIVE): 1, (FindingKind.LOST, LOG): 1}


class Plant(NamedTuple):
    """Who errs how, and what must be found: records by kind, in the log ("") and in what the group "live" was given."""

    who: str
    how: type[sabotage.Honest]
    found: Mapping[tuple[FindingKind, str], int]


PLANTS: Final = (
    Plant("nobody", sabotage.Honest, {}),
    Plant("producer", sabotage.Drop, {(FindingKind.LOST, LOG): 1}),
    Plant("producer", sabotage.Double, {(FindingKind.DUPLICATED, LOG): 1}),
    Plant("producer", sabotage.Swap, {(FindingKind.DISORDERED, LOG): 1}),
    Plant("producer", sabotage.CorruptHead, DAMAGED),
    Plant("producer", sabotage.CorruptKey, DAMAGED),
    Plant("producer", sabotage.CorruptPayload, DAMAGED),
    Plant("second", sabotage.Withhold, {(FindingKind.GONE, LOG): 1}),
    Plant("consumer", sabotage.Withhold, {(FindingKind.SKIPPED, LIVE): 1}),
)


def red(rig: Rig) -> dict[tuple[FindingKind, str], int]:
    """What was found, as a plant says it."""
    counts: Counter[tuple[FindingKind, str]] = Counter()
    for finding in rig.findings:
        counts[finding.kind, LIVE if finding.reading else LOG] += finding.count
    return dict(counts)


def play(plant: Plant, properties: Mapping[str, str], topic: str, partitions: int) -> tuple[Rig, sabotage.Honest]:
    """One small run with that error planted, judged to its end."""
    group = f"live-{topic}"
    rig = Rig(properties, {topic: partitions}, groups={group: GroupTerms()})
    planted = plant.how()

    def saboteur(who: str) -> Any:
        return planted if plant.who == who else None

    auditor = rig.audit(topic, sabotage={"first": saboteur("first"), "second": saboteur("second")})
    consumer = Consumer("consumer", rig.target, sabotage=saboteur("consumer"))
    rig.start(consumer, Consumers(of=(topic,), group=group, isolation="read_uncommitted"))
    producer = Producer("producer", rig.target, sabotage=saboteur("producer"))
    rig.start(producer, Producers(to=(topic,), rate=RATE, size=SIZES, keys=KEYS))
    rig.until(lambda: rig.counts["acknowledged"] >= RECORDS)
    rig.retire(producer)
    ends = rig.ends()
    rig.until(lambda: rig.drained(ends, group))
    rig.finish(auditor)
    return rig, planted
