"""From what a run knows, by numbers, to what a report says, by names: pure."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from marathon_ray.balance import Balance
from marathon_ray.finding import Counts, Finding
from marathon_ray.report.report import FINDINGS, Found


def totals(counts: Counts, names: Mapping[int, str]) -> dict[str, dict[str, int]]:
    """The counts of all partitions of a topic added up, by its field's name (its number where it has none)."""
    out: dict[str, dict[str, int]] = {}
    for (topic, _), place in counts.items():
        sums = out.setdefault(names.get(topic, str(topic)), {})
        for name, count in place.items():
            sums[name] = sums.get(name, 0) + count
    return out


def groups(balance: Balance, names: Mapping[int, str]) -> dict[str, dict[str, dict[str, int]]]:
    """The same for each group."""
    return {group: totals(counts, names) for group, counts in balance.groups.items()}


def coverage(balance: Balance) -> float | None:
    """The share of the acknowledged records that both passes came to; None where nothing was acknowledged."""
    acknowledged = balance.total("acknowledged")
    return 1 - balance.total("unaudited") / acknowledged if acknowledged else None


def findings(found: Sequence[Finding], names: Mapping[int, str]) -> tuple[tuple[Found, ...], int]:
    """The first of them, each kind by turns so that none hides another, and how many are left out."""
    by_kind: dict[str, list[Finding]] = {}
    for finding in found:
        by_kind.setdefault(finding.kind, []).append(finding)
    turns = sorted(
        ((turn, finding) for kind in by_kind.values() for turn, finding in enumerate(kind)), key=lambda each: each[0]
    )
    kept = tuple(_found(finding, names) for _, finding in turns[:FINDINGS])
    return kept, len(found) - len(kept)


def _found(finding: Finding, names: Mapping[int, str]) -> Found:
    return Found(
        kind=finding.kind,
        topic=names.get(finding.topic, str(finding.topic)),
        partition=_known(finding.partition),
        client=f"{finding.client:016x}" if finding.client else "",
        first=_known(finding.first),
        last=_known(finding.last),
        first_offset=_known(finding.first_offset),
        last_offset=_known(finding.last_offset),
        since=_time(finding.since),
        until=_time(finding.until),
        epochs=finding.epochs,
        epoch_now=_known(finding.epoch_now),
        count=finding.count,
        reading=finding.reading,
    )


def _known(value: int) -> int | None:
    return None if value < 0 else value


def _time(wall: int) -> datetime | None:
    """Of ns of the wall clock; to the µs."""
    return None if wall < 0 else datetime.fromtimestamp(wall // 10**9, UTC).replace(microsecond=wall % 10**9 // 1000)
