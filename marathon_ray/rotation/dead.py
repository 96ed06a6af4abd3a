"""What a run has left that told of no end, since its controller died or it broke: a report that nobody has read, or its
journal alone."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from marathon_ray.ground import CrowdedError
from marathon_ray.journal import NAME, Entry, left, read
from marathon_ray.kafka.cluster import KafkaError
from marathon_ray.outcome import Outcome
from marathon_ray.report.report import Report
from marathon_ray.usage import UsageError

_AFTERWARDS: Final = ("undone", "reclaimed")  # by whoever reclaims it, perhaps a night later
_SPENT: Final = ("bytes", "hours", "money")


@dataclass(frozen=True, slots=True)
class Dead:
    """A run by what is on the disk: its report where it had one, else how long it went on (s), the promises of safety that
    were broken by then, with what was found, what it had `spent`: bytes, hours of nodes and money; and whether something of
    it is `left`."""

    run: str = ""
    seconds: float = 0.0
    broken: Mapping[str, str] = field(default_factory=dict)
    report: Report | None = None
    spent: Mapping[str, Any] = field(default_factory=dict)
    left: bool = False

    @property
    def facts(self) -> dict[str, Any]:
        """As the rotation's journal has them of how it ended."""
        return {"run": self.run, "seconds": self.seconds, **self.spent}


def dead(results: Path, run: str) -> Dead | None:
    """The run of that name; None where it had not begun."""
    for journal in results.glob(f"*-{run}/{NAME}"):
        if entries := list(read(journal)):
            broken = [entry["promises"] for entry in entries if entry["what"] == "broken"]
            own = [entry for entry in entries if entry["what"] not in _AFTERWARDS] or entries[:1]
            seconds = (_at(own[-1]) - _at(own[0])).total_seconds()
            spent = [{name: entry[name] for name in _SPENT} for entry in entries if entry["what"] == "spent"]
            return Dead(
                run, seconds, broken[-1] if broken else {}, _report(journal.parent), spent[-1] if spent else {},
                left=bool(left(entries)),
            )  # fmt: skip
    return None


def has_left(folder: Path) -> bool:
    """Whether something of that run is there still."""
    journal = folder / NAME
    return journal.exists() and bool(left(read(journal)))


def broke(error: BaseException) -> tuple[Outcome, str]:
    """What a run proves that ended by this, and why, in a line or two. One for which there was no room was interrupted, as
    one whose lost workers find none."""
    told = isinstance(error, UsageError | KafkaError)
    what = str(error) if told else f"{type(error).__name__}: {' '.join(str(error).split())}"
    return Outcome.INTERRUPTED if isinstance(error, CrowdedError) else Outcome.INVALID, what


def _at(entry: Entry) -> datetime:
    return datetime.fromisoformat(entry["at"])


def _report(folder: Path) -> Report | None:
    """None also where it is of another version, or a disk that was full or lost its power has spoilt it."""
    try:
        return Report.read(folder)
    except (OSError, ValueError):
        return None
