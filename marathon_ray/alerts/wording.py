"""How a message reads: what happened, where, during what and since when first; then the report, and how to play it again."""

from typing import Final

from marathon_ray.alerts.alert import Batch, Message, Notice, Say
from marathon_ray.event import Severity

_LONGEST: Final = 1_500  # characters: the least of what channels take is about 2,000
_LINE: Final = 300
_LABELS: Final = {"page": "report", "again": "again"}  # of facts that stand below the message


def message(batch: Batch) -> Message:
    """All of it as one; the worst comes first, and of one severity the oldest."""
    first, *more = sorted(batch.notices, key=lambda each: -_severity(each).rank)
    others = f" (and {len(more)} more)" if more else ""
    lines = [*_lines(first), *_others(more)]
    if batch.lost:
        lines.append(f"{batch.lost} older ones were not kept")
    return Message(
        title=_title(first) + others,
        body="\n".join(lines),
        severity=_severity(first),
        over=all(each.say is Say.OVER for each in batch.notices),
    )


def _others(more: list[Notice]) -> list[str]:
    """A paragraph each, as long as there is room; of those beyond it only how many there are."""
    out: list[str] = []
    for number, notice in enumerate(more):
        paragraph = ["", _title(notice), *_lines(notice)]
        if sum(len(line) + 1 for line in (*out, *paragraph)) > _LONGEST:
            return [*out, "", f"and {len(more) - number} more, which the events tell"]
        out += paragraph
    return out


def _severity(notice: Notice) -> Severity:
    return Severity.INFO if notice.say is Say.OVER else notice.event.severity


def _title(notice: Notice) -> str:
    mark = notice.event.severity.value
    if notice.say is Say.OVER:
        mark = "over"
    elif notice.say is not Say.NEW:
        mark = f"{mark}, {notice.say}"
    return f"[{mark}] {_short(notice.event.message.partition(chr(10))[0])}"


def _lines(notice: Notice) -> list[str]:
    """What stands below the title: the second line, and where to look."""
    event = notice.event
    lines = [_short(line) for line in event.message.splitlines()[1:2]]
    return lines + [f"{label}: {event.facts[fact]}" for fact, label in _LABELS.items() if event.facts.get(fact)]


def _short(line: str) -> str:
    line = " ".join(line.split())
    return line if len(line) <= _LINE else f"{line[: _LINE - 1]}…"
