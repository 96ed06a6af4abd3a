"""What a volume run has come to: saved while it goes on, so that another can go on from there."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Self

from benchmarks.saved import load, save
from marathon_ray.finding import Counts, Finding, Window

_OUTCOMES: Final = ("acknowledged", "refused", "unknown")
_ALWAYS_TOLD: Final = (*_OUTCOMES, "found", "lost")
_MIB: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Moment:
    """How matters stood so many seconds into a session."""

    seconds: float
    resident: int  # bytes
    acknowledged: int
    rows: int  # kept by the accounts


@dataclass(frozen=True, slots=True)
class VolumeResult:
    """`counts` are the sums of all settled windows, `findings` the records that findings name; `moments`: one list a session."""

    records: int
    size: int
    counts: Mapping[str, int] = field(default_factory=dict)
    findings: int = 0
    seconds: float = 0.0
    cpu: float = 0.0  # seconds, of the one process with producer, auditor and accounts
    moments: tuple[tuple[Moment, ...], ...] = ()
    about: Mapping[str, str] = field(default_factory=dict)

    @property
    def remaining(self) -> int:
        """How many records are still to be acknowledged and settled."""
        return max(0, self.records - self.counts.get("acknowledged", 0))

    def after(self, window: Window) -> Self:
        """With one more window of settled records."""
        counts = Counter(self.counts)
        counts.update(_summed(window.counts))
        findings = self.findings + _records(window.findings) - _records(window.withdrawn)
        return replace(self, counts=dict(counts), findings=findings)

    @property
    def exact(self) -> bool:
        """Whether every acknowledged record was found by both passes, once, and nothing else was."""
        found, acknowledged = self.counts.get("found", 0), self.counts.get("acknowledged", 0)
        return found == acknowledged >= self.records and not self.findings

    def save(self, path: Path) -> None:
        """The result is there as JSON, whole or as it was before."""
        save(self, path)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Raises OSError where there is no such file."""
        values = load(path)
        sessions = tuple(tuple(Moment(**moment) for moment in session) for session in values.pop("moments"))
        return cls(**values, moments=sessions)

    def lines(self) -> Iterator[str]:
        """The result as a part of the report."""
        acknowledged, sessions = self.counts.get("acknowledged", 0), len(self.moments)
        table = {"attempted": sum(self.counts.get(name, 0) for name in _OUTCOMES)}
        table |= {**dict.fromkeys(_ALWAYS_TOLD, 0), **self.counts, "findings": self.findings}
        yield f"One process with a producer, a two-pass auditor and the accounts; {self.size} B values, idempotent, acks=all. On"
        yield f"{self.about.get('date', 'an unknown date')}: {'**exact**' if self.exact else '**not exact**'} after {self.seconds:,.0f} s"
        yield f"in {sessions} session{'s' * (sessions != 1)}, {acknowledged / self.seconds / 1e3:,.0f} k records/s written and read twice, at"
        yield f"{self.cpu / max(acknowledged, 1) * 1e6:.2f} µs CPU a record for all three together."
        yield ""
        yield f"| {' | '.join(table)} |"
        yield "| --- " * len(table) + "|"
        yield f"| {' | '.join(f'{count:,}' for count in table.values())} |"
        yield ""
        yield "| seconds | records acknowledged | RSS MiB | rows kept by the accounts |"
        yield "| --- | --- | --- | --- |"
        for session in self.moments:
            for moment in session[:: max(1, len(session) // 12)]:
                size = f"{moment.resident / _MIB:,.0f}"
                yield f"| {moment.seconds:,.0f} | {moment.acknowledged:,} | {size} | {moment.rows:,} |"


def _records(findings: Iterable[Finding]) -> int:
    return sum(finding.count for finding in findings)


def _summed(counts: Counts) -> Counter[str]:
    total: Counter[str] = Counter()
    for place in counts.values():
        total.update(place)
    return total
