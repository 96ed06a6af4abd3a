"""What a run has left that was under way when its controller died: a report that nobody has read, or its journal alone."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from marathon_ray.journal import NAME, Entry, read
from marathon_ray.report.report import Report


@dataclass(frozen=True, slots=True)
class Dead:
    """A run by what is on the disk: its report where it had one, else how long it went on (s), and the promises of safety
    that were broken by then, with what was found."""

    run: str
    seconds: float = 0.0
    broken: Mapping[str, str] = field(default_factory=dict)
    report: Report | None = None


def dead(results: Path, bench: str, since: datetime) -> Dead | None:
    """The newest run of that bench that began since then; None where none did."""
    begun = max(_begun(results, bench, since), key=lambda each: each[0], default=None)
    if begun is None:
        return None
    began, journal = begun
    entries = list(read(journal))
    broken = [entry["promises"] for entry in entries if entry["what"] == "broken"]
    seconds = (_at(entries[-1]) - began).total_seconds()
    return Dead(str(entries[0]["run"]), seconds, broken[-1] if broken else {}, _report(journal.parent))


def _begun(results: Path, bench: str, since: datetime) -> Iterator[tuple[datetime, Path]]:
    for journal in results.glob(f"*/{NAME}"):
        begin = next(read(journal), None)
        if begin and begin["bench"] == bench and _at(begin) >= since:
            yield _at(begin), journal


def _at(entry: Entry) -> datetime:
    return datetime.fromisoformat(entry["at"])


def _report(folder: Path) -> Report | None:
    """None also where it is of another version, or a disk that was full or lost its power has spoilt it."""
    try:
        return Report.read(folder)
    except (OSError, ValueError):
        return None
