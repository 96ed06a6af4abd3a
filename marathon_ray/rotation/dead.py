"""What a run has left that was under way when its controller died: a report that nobody has read, or its journal alone."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from marathon_ray.journal import NAME, Entry, read
from marathon_ray.report.report import Report

_AFTERWARDS: Final = ("undone", "reclaimed")  # by whoever reclaims it, perhaps a night later
_SPENT: Final = ("bytes", "hours", "money")


@dataclass(frozen=True, slots=True)
class Dead:
    """A run by what is on the disk: its report where it had one, else how long it went on (s), the promises of safety that
    were broken by then, with what was found, and what it had `spent`: bytes, hours of nodes and money."""

    run: str
    seconds: float = 0.0
    broken: Mapping[str, str] = field(default_factory=dict)
    report: Report | None = None
    spent: Mapping[str, Any] = field(default_factory=dict)

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
            return Dead(run, seconds, broken[-1] if broken else {}, _report(journal.parent), spent[-1] if spent else {})
    return None


def _at(entry: Entry) -> datetime:
    return datetime.fromisoformat(entry["at"])


def _report(folder: Path) -> Report | None:
    """None also where it is of another version, or a disk that was full or lost its power has spoilt it."""
    try:
        return Report.read(folder)
    except (OSError, ValueError):
        return None
