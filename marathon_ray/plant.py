"""Errors planted in our own path, and what came of them: the rows of the sabotage board."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias

from actors import sabotage
from marathon_ray.balance import Balance
from marathon_ray.finding import Finding, FindingKind

RECORDS: Final = 20_000  # that are written at least, and of a small run of copies
COPIED: Final = 1_000
LOG, LIVE = "", "live"
ALL: Final = -1  # all records of the transaction that was lied about: their number is for the load to say
Red: TypeAlias = Mapping[tuple[FindingKind, str], int]
# Every reader meets a damaged record, and what was acknowledged at its offset is not to be had any more.
_DAMAGED: Final = {(FindingKind.CORRUPT, LOG): 1, (FindingKind.CORRUPT, LIVE): 1, (FindingKind.LOST, LOG): 1}


class Plant(NamedTuple):
    """Who errs how, and what must be found: records by kind, in the log ("") and in what a group ("live") was given. Where it
    is `copying`, the topic is copied in transactions, and the group reads the copies."""

    who: str
    how: type[sabotage.Honest]
    found: Red
    copying: bool = False

    @property
    def name(self) -> str:
        return f"{'copying: ' if self.copying else ''}{self.how.__name__} by {self.who}"

    @property
    def records(self) -> int:
        """That must be acknowledged at least, copies included."""
        return 2 * COPIED if self.copying else RECORDS


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
# What a transactor may lie about; only a cluster that does abort shows it.
COPYING: Final = (
    Plant("nobody", sabotage.Honest, {}, copying=True),
    Plant(
        "transactor",
        sabotage.CommitWhatShouldAbort,
        {(FindingKind.POISON, LIVE): ALL, (FindingKind.ABORTED_DELIVERED, LIVE): ALL},
        copying=True,
    ),
    Plant("transactor", sabotage.HideAbort, {(FindingKind.SKIPPED, LIVE): ALL}, copying=True),
)
BOARD: Final = (*PLANTS, *COPYING)


@dataclass(frozen=True, slots=True)
class Played:
    """One small run with that error planted (`planted` times), judged to its end; `why` it did not come to one, or what the
    cluster is `lacking` for it to be played there."""

    plant: Plant
    planted: int = 0
    found: Red | None = None
    balance: Balance | None = None
    why: str = ""
    lacking: str = ""

    @property
    def right(self) -> bool:
        """Whether just that was found which had to be, in a run that counted every record once."""
        return self.balance is not None and not self.mistakes()

    def mistakes(self) -> list[str]:
        """What is not as it had to be."""
        if self.balance is None or self.found is None:
            return [self.why]
        planted, wanted = self.planted, int(self.plant.how is not sabotage.Honest)
        short = self.balance.total("acknowledged") < self.plant.records
        return [
            *([f"planted {planted} times, not {wanted}"] if planted != wanted else []),
            *([f"found {told(self.found)}"] if not _is(self.found, self.plant.found) else []),
            *([f"fewer than {self.plant.records} records acknowledged"] if short else []),
            *self.balance.faults(),
        ]


def _is(red: Red, wanted: Red) -> bool:
    """All records of one transaction are as many in each account that sees them."""
    if ALL in wanted.values():
        return red.keys() == wanted.keys() and len(set(red.values())) == 1
    return red == wanted


def told(red: Red) -> str:
    """1 lost, 1 corrupt in the group."""
    each = [
        f"{'all' if count == ALL else count} {kind.value}{' in the group' if reading else ''}"
        for (kind, reading), count in red.items()
    ]
    return ", ".join(each) or "nothing"


def found(findings: Iterable[Finding]) -> Red:
    """What was found, as a plant says it."""
    counts: Counter[tuple[FindingKind, str]] = Counter()
    for finding in findings:
        counts[finding.kind, LIVE if finding.reading else LOG] += finding.count
    return dict(counts)
