"""The truth and the verdicts of one play, side by side."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from marathon_ray.balance import LOSSES, Balance
from marathon_ray.finding import Finding, FindingKind
from tests.on_kafka.recipes import truth
from tests.on_kafka.recipes.stage import Stage
from tests.on_kafka.recipes.truth import Identities, Identity, Log


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one court says."""

    findings: tuple[Finding, ...]
    balance: Balance

    def of(self, *kinds: FindingKind) -> list[Finding]:
        """Its findings of these kinds."""
        return [finding for finding in self.findings if finding.kind in kinds]

    def count(self, *kinds: FindingKind) -> int:
        """How many records its findings of these kinds count."""
        return sum(finding.count for finding in self.of(*kinds))

    @property
    def lost(self) -> Identities:
        """The records that it names as lost."""
        return truth.named(self.findings, *LOSSES)

    def in_a_cut(self, partition: int, low: int, high: int) -> bool:
        """Whether it says that offsets low..high, which it had judged before, were cut off."""
        cuts = self.of(FindingKind.TRUNCATED_SETTLED)
        return any(cut.partition == partition and cut.first_offset <= low <= high <= cut.last_offset for cut in cuts)


@dataclass(frozen=True, slots=True)
class Result:
    """What is true, and what each court says of it: `live`, whose second pass read along, and `late`, after healing.

    `acknowledged` says of each record between which offsets it was said to be. `attempted` counts sequences by
    (partition, client), as far as producers told.
    """

    acknowledged: Mapping[Identity, tuple[int, int]]
    attempted: Mapping[tuple[int, int], int]
    log: Log
    live: Verdict
    late: Verdict

    @property
    def lost(self) -> Identities:
        """Acknowledged, and not in the log."""
        return frozenset(self.acknowledged) - self.log.present

    @property
    def copies(self) -> Counter[Identity]:
        """In the log more than once."""
        return self.log.copies()


def judged(stage: Stage, balance: Balance, log: Log) -> Result:
    """Put the truth beside the verdicts of both courts, which are finished."""
    parts = stage.rig.parts
    live, late = stage.rig.courts
    return Result(
        truth.offsets(parts),
        truth.attempted(parts),
        log,
        Verdict(tuple(live.findings), balance),
        Verdict(tuple(late.findings), late.accounts.balance()),
    )


def assert_exact(result: Result) -> None:
    """Each court tells of just the records that are lost, copied or late, and each of its sums adds up."""
    assert_late_exact(result)
    assert_live_exact(result)


def assert_late_exact(result: Result) -> None:
    """A second pass after the healing names each record, and none besides."""
    assert truth.runs(result.late.lost) == truth.runs(result.lost)
    assert result.late.of(FindingKind.TRUNCATED_SETTLED) == []
    _assert_sums(result, result.late)


def assert_live_exact(result: Result) -> None:
    """A second pass that reads along names each record too, or the offsets where it was when all were still content."""
    verdict = result.live
    assert truth.runs(verdict.lost - result.lost) == []
    cut = result.lost - verdict.lost
    assert verdict.count(FindingKind.TRUNCATED_SETTLED) == len(cut)
    assert all(verdict.in_a_cut(identity[0], *result.acknowledged[identity]) for identity in cut)
    _assert_sums(result, verdict)


def _assert_sums(result: Result, verdict: Verdict) -> None:
    assert truth.named(verdict.findings, FindingKind.DUPLICATED) == result.copies.keys()
    assert verdict.count(FindingKind.DUPLICATED) == result.copies.total()
    assert truth.named(verdict.findings, FindingKind.DISORDERED) == result.log.late()
    assert verdict.count(*LOSSES) == verdict.balance.total("lost") == len(verdict.lost)
    assert verdict.balance.total("acknowledged") == len(result.acknowledged)
    assert verdict.balance.total("found") == len(result.acknowledged) - len(verdict.lost)
    assert verdict.balance.faults() == {}
