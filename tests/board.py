"""The sabotage board: each planted error, and the findings that it, and nothing else, must cause."""

import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple, TypeAlias

from actors import sabotage
from actors.consumer import Consumer
from actors.load import UniformKeys, UniformSize
from actors.producer import Producer
from actors.spec import Consumers, Producers
from actors.units import Rate
from marathon_ray.finding import FindingKind
from marathon_ray.kafka.local import LocalKafka
from marathon_ray.terms import GroupTerms
from tests.copying import Copying
from tests.rig import Rig

RECORDS: Final = 20_000
RATE, SIZES, KEYS = Rate.parse("20000 records/s"), UniformSize(least=100, most=300), UniformKeys(count=1_000)
LOG, LIVE = "", "live"
ALL: Final = -1  # all records of the transaction that was lied about: their number is for the load to say
Red: TypeAlias = Mapping[tuple[FindingKind, str], int]
# Every reader meets a damaged record, and what was acknowledged at its offset is not to be had any more.
DAMAGED: Final = {(FindingKind.CORRUPT, LOG): 1, (FindingKind.CORRUPT, LIVE): 1, (FindingKind.LOST, LOG): 1}


class Plant(NamedTuple):
    """Who errs how, and what must be found: records by kind, in the log ("") and in what the group "live" was given."""

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
    Plant("producer", sabotage.CorruptHead, DAMAGED),
    Plant("producer", sabotage.CorruptKey, DAMAGED),
    Plant("producer", sabotage.CorruptPayload, DAMAGED),
    Plant("second", sabotage.Withhold, {(FindingKind.GONE, LOG): 1}),
    Plant("consumer", sabotage.Withhold, {(FindingKind.SKIPPED, LIVE): 1}),
)
# What a transactor may lie about; only a cluster that does abort shows it.
TRANSACTED: Final = (
    Plant("nobody", sabotage.Honest, {}),
    Plant(
        "transactor",
        sabotage.CommitWhatShouldAbort,
        {(FindingKind.POISON, LIVE): ALL, (FindingKind.ABORTED_DELIVERED, LIVE): ALL},
    ),
    Plant("transactor", sabotage.HideAbort, {(FindingKind.SKIPPED, LIVE): ALL}),
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


def play_copies(plant: Plant, kafka: LocalKafka, topic: str) -> tuple[Copying, sabotage.Honest]:
    """One small run in which a topic is copied in transactions, half of them aborted, by a transactor with that error."""
    copying, planted = Copying(kafka, topic, aborts=0.5), plant.how()
    copying.copier("transactor", planted)
    copying.copy_on(10)
    copying.finish()
    return copying, planted


def matrix() -> str:
    """The board as a table in Markdown: a row for each plant, a column for each finding that some plant causes."""
    columns = sorted({column for plant in (*PLANTS, *TRANSACTED) for column in plant.found})
    names = [kind.value + (" (group)" if reading else "") for kind, reading in columns]
    lines = [_row(["planted", *names]), _row(["---"] * (len(names) + 1))]
    for title, plants in (("", PLANTS), ("copying: ", TRANSACTED)):
        for plant in plants:
            cells = [str(plant.found.get(column, "")).replace(str(ALL), "all") for column in columns]
            lines.append(_row([title + plant.name, *cells]))
    return "\n".join(lines)


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def page() -> str:
    """All of docs/board.md."""
    return f"""# The sabotage board

Every checker has been seen to fail: each row is an error that tests plant in our own path, each column a finding, each
number how many records it must count ("all": every record of the transaction that was lied about). An empty cell is as
strong a claim as a number: that checker stays green. Played on a mock cluster and on real Kafka by the tests.

{matrix()}
"""


if __name__ == "__main__":
    sys.stdout.write(page())
