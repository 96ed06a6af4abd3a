"""A run in a few lines, for a terminal."""

from collections.abc import Iterator
from typing import Final

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from marathon_ray.finding import FindingKind
from marathon_ray.nodes import UNKNOWN
from marathon_ray.outcome import Outcome
from marathon_ray.promises.promise import Verdict
from marathon_ray.report.report import Found, Report
from marathon_ray.report.words import MEANING, clock, money, node_hours, number

STYLE: Final = {
    Outcome.PASSED: "bold green",
    Outcome.FAILED: "bold red",
    Outcome.INVALID: "bold yellow",
    Outcome.INTERRUPTED: "bold yellow",
    Outcome.SKIPPED: "bold",
}
_STATE: Final = {"passed": ("kept", "green"), "failed": ("broken", "bold red"), "undecided": ("undecided", "yellow")}
_SHOWN: Final = 5  # findings
_COUNTED: Final = ("acknowledged", "found", "lost")
_ALWAYS: Final = {FindingKind.DUPLICATED: "doubled", FindingKind.DISORDERED: "out of order"}
_NOTED: Final = ("expired", "compacted", "unaudited")  # where there are any


def summary(report: Report, *, page: str = "") -> RenderableType:
    """The outcome, what became of all records, each promise with what was found and what was promised, and where the page is.

    Of a broken promise all that it demanded; then the first findings, and what the nodes were where they are told apart.
    """
    head = Table.grid(padding=(0, 3))
    outcome = Text(report.outcome.upper(), style=STYLE[report.outcome])
    head.add_row(
        Text(report.scenario, style="bold"), outcome, Text("   ".join(sums(report)) or MEANING[report.outcome])
    )
    lines = Table.grid(padding=(0, 3))
    for verdict in report.verdicts:
        word, style = _STATE[verdict.state]
        lines.add_row(Text(word, style=style), Text(verdict.promise), Text(f"{verdict.found} ({_demanded(verdict)})"))
    parts: list[RenderableType] = [head]
    parts += [Padding.indent(Text(cause, style="yellow"), 2) for cause in (report.cause, *report.others) if cause]
    parts += [Padding.indent(lines, 2)] if report.verdicts else []
    parts += [Padding.indent(Text(line), 2) for line in _findings(report)]
    parts += [Padding.indent(Text(f"node-hours {line}"), 2) for line in _nodes(report)]
    parts += [Text(f"report   {page}", no_wrap=True, overflow="ignore")] if page else []
    return Group(*parts)


def _demanded(verdict: Verdict) -> str:
    """In few words, if it has them; where it was broken, every word counts."""
    if verdict.promised and verdict.state != "failed":
        return f"promised {verdict.promised}"
    return f"demanded: {verdict.demanded}"


def sums(report: Report) -> Iterator[str]:
    """ "8,203,118 acknowledged", "0 lost" and so on; nothing where nothing was attempted."""
    if not report.total("attempted"):
        return
    yield from (f"{number(report.total(name))} {name}" for name in _COUNTED)
    yield from (f"{number(report.total(kind))} {word}" for kind, word in _ALWAYS.items())
    if unknown := report.total("unknown"):
        found = number(report.total("unknown found"))
        yield f"{number(unknown)} outcomes unknown, {found} of them found"
    yield from (f"{number(report.total(name))} {name}" for name in _NOTED if report.total(name))


def _findings(report: Report) -> Iterator[str]:
    yield from map(described, report.findings[:_SHOWN])
    more = len(report.findings) + report.findings_beyond - _SHOWN
    if more > 0:
        yield f"and {number(more)} findings more"


def _nodes(report: Report) -> Iterator[str]:
    """Nothing where no node has a kind, and nothing a price: so it is on one machine."""
    if report.cost or set(report.node_hours) - {UNKNOWN}:
        yield node_hours(report.node_hours) + (f", which cost {money(report.cost)}" if report.cost else "")


def described(found: Found) -> str:
    """One finding in a line."""
    where = found.topic if found.partition is None else f"{found.topic} {found.partition}"
    group = f" by {found.reading}" if found.reading else ""
    sequences = _stretch("sequences", found.first, found.last)
    offsets = _stretch("offsets", found.first_offset, found.last_offset)
    when = f", {clock(found.since)}" if found.since else ""
    client = f" of client {found.client}" if found.client else ""
    return f"{found.kind}{group}: {number(found.count)} in {where}{sequences}{client}{offsets}{when}"


def _stretch(name: str, first: int | None, last: int | None) -> str:
    if first is None:
        return ""
    return f", {name[:-1]} {first}" if last in (None, first) else f", {name} {first} to {last}"
