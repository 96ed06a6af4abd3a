"""How an attempt at a turn ended, for whoever counts: with a report, or without one."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, Self

from marathon_ray.outcome import Outcome
from marathon_ray.report.report import Report

OTHER: Final = "other"  # findings beyond those that a report lists


@dataclass(frozen=True, slots=True)
class Ended:
    """The cluster is named as in the plan. It went on for so many `seconds`; `findings` are counted by kind, hours by kind of
    node, and money by currency."""

    scenario: str
    cluster: str
    outcome: Outcome
    seconds: float
    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    findings: Mapping[str, int] = field(default_factory=dict)
    hours: Mapping[str, float] = field(default_factory=dict)
    money: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def told(cls, report: Report, cluster: str) -> Self:
        """By its report."""
        findings = Counter(finding.kind.value for finding in report.findings)
        if report.findings_beyond:
            findings[OTHER] += report.findings_beyond
        return cls(
            report.scenario, cluster, report.outcome, report.seconds, report.began + timedelta(seconds=report.seconds),
            findings, report.node_hours, report.cost,
        )  # fmt: skip
