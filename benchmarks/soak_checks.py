"""What must be so after a soak: read from the journals, the reports, and what the receiver of alerts was told."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.soak_lives import Lives
from benchmarks.soaked import STRUCK, SoakedKill, SoakedLoss, SoakedWrite
from marathon_ray.journal import NAME, Entry, read
from marathon_ray.outcome import Outcome
from marathon_ray.report.report import Report
from marathon_ray.rotation.ledger import events

SAFE: Final = (SoakedKill.title(), SoakedWrite.title())
UNSAFE: Final = SoakedLoss.title()
DIED: Final = "its controller died"
MESSAGES: Final = 3  # an incident, at most
GROWN: Final = 150 << 20  # resident bytes that a controller may gain after its first minutes: gross growth alone fails
_SETTLED: Final = 120.0  # seconds of a life after which its size counts
_HEADLINE: Final = re.compile(r"\[[^\]]+\] (?P<first>.*?)(?: \(and \d+ more\))?")


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the table."""

    what: str
    holds: bool
    found: str


def reports(results: Path) -> list[Report]:
    """Of the runs that have one, oldest first."""
    found = [Report.read(path.parent) for path in results.glob("*/report.json")]
    return sorted(found, key=lambda each: each.began)


def accounted(entries: Sequence[Entry], cut: int) -> Check:
    """Each attempt has an end, and each turn that died with its controller, and without a verdict, was tried again."""
    turns = [entry for entry in entries if entry["what"] in ("attempt", "ended")]
    odd = [entry for number, entry in enumerate(turns) if entry["what"] != ("attempt", "ended")[number % 2]]
    died = [number for number, entry in enumerate(turns) if entry.get("cause") == DIED]
    again = [(turns[number], turns[number + 1]) for number in died if number + 1 < len(turns)]
    dropped = [one for one, after in again if one["outcome"] == "interrupted" and after["number"] != one["number"]]
    attempts = sum(entry["what"] == "attempt" for entry in turns)
    outcomes = Counter(str(entry["outcome"]) for entry in turns if entry["what"] == "ended")
    told = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.items())
    found = f"{attempts} attempts: {told}; {len(died)} died with their controllers, of {cut} that were cut"
    return Check(
        "every attempt has an end", not odd and len(turns) % 2 == 0 and not dropped and len(died) == cut, found
    )


def filed(entries: Sequence[Entry], results: Path) -> Check:
    """Each run that ended has its report, of the same outcome; each that has none was reclaimed."""
    ends = [entry for entry in entries if entry["what"] == "ended" and entry["run"] and entry["cause"] != DIED]
    said = {str(entry["run"]): str(entry["outcome"]) for entry in ends}
    there = {report.run: str(report.outcome) for report in reports(results)}
    dead = [
        path.parent.name
        for path in results.glob(f"*/{NAME}")
        if not (path.parent / "report.json").exists() and not _undone(path)
    ]
    found = f"{len(there)} reports" + "".join(f"; {name} was never undone" for name in dead)
    return Check("every run has its report, or was reclaimed", said == there and not dead, found)


def _undone(path: Path) -> bool:
    """A run that died before it made anything has nothing to undo."""
    whats = [entry["what"] for entry in read(path)]
    return "intend" not in whats or "reclaimed" in whats


def safe(found: Iterable[Report]) -> Check:
    """No false alarm."""
    mine = [report for report in found if report.scenario in SAFE]
    false = [
        f"{report.scenario}-{report.run}: {_broken(report)}" for report in mine if report.outcome is Outcome.FAILED
    ]
    outcomes = Counter(str(report.outcome) for report in mine)
    why = {report.cause[:200] for report in mine if report.outcome is Outcome.INVALID}
    told = [", ".join(f"{count} {outcome}" for outcome, count in outcomes.items()) or "none", *false, *sorted(why)]
    return Check("safe runs never fail, and some pass", not false and outcomes["passed"] > 0, "; ".join(told))


def unsafe(found: Iterable[Report]) -> Check:
    """No loss is missed: whatever run came to its end after the records were deleted has failed."""
    mine = [report for report in found if report.scenario == UNSAFE]
    struck = [one for one in mine if any(note.text == STRUCK for note in one.notes)]
    ended = [one for one in struck if one.outcome is not Outcome.INTERRUPTED]
    missed = [f"{one.run} {one.outcome}: {one.cause}" for one in ended if one.outcome is not Outcome.FAILED]
    kinds = Counter(str(finding.kind) for one in ended for finding in one.findings)
    told = (
        f"{len(mine)} runs, {len(ended)} came to their end after the deletion; found: {', '.join(kinds) or 'nothing'}"
    )
    return Check("unsafe runs always fail", not missed and bool(ended), "; ".join([told, *missed]))


def _broken(report: Report) -> str:
    return "; ".join(f"{one.promise}: {one.found}" for one in report.broken)


def alerted(entries: Sequence[Entry], taken: Iterable[Sequence[str]], refused: int) -> Check:
    """Each incident was told in a few messages, and that the unsafe runs fail was told at all."""
    abouts = {_plain(event.message.partition("\n")[0]): event.about for event in events(entries)}
    told = Counter(abouts.get(first, first) for lines in taken for first in _firsts(lines))
    many = [f"{about}: {count} messages" for about, count in told.items() if count > MESSAGES]
    failed = any(entry["what"] == "ended" and entry["outcome"] == "failed" for entry in entries)
    heard = any(about.startswith(f"{UNSAFE} on ") for about in told) or not failed
    most = max(told.values(), default=0)
    found = (
        f"{sum(told.values())} notices of {len(told)} incidents, {most} of one at most; {refused} calls were refused"
    )
    lost = [] if heard else ["nobody was told that the unsafe runs fail"]
    return Check(f"at most {MESSAGES} messages an incident", not many and heard, "; ".join([found, *many, *lost]))


def _firsts(lines: Sequence[str]) -> Iterator[str]:
    for line in lines:
        if found := _HEADLINE.fullmatch(line):
            yield _plain(found["first"])


def _plain(line: str) -> str:
    return " ".join(line.split())[:200]


def flat(lives: Lives) -> Check:
    """A controller's memory: its growth once it has come to work, in each life that was long enough."""
    told, holds = [], True
    for number, life in enumerate(lives.lives, start=1):
        settled = [(at, size) for at, size in life.sizes if at >= _SETTLED] or life.sizes[-1:]
        if not settled:
            continue
        (since, first), (until, last) = settled[0], settled[-1]
        holds &= last - first < GROWN
        hours = (until - since) / 3600
        slope = f", {(last - first) / hours / (1 << 20):+.0f} MiB/h over {hours * 60:.0f} min" if hours > 0.01 else ""
        told.append(f"life {number}: {last >> 20} MiB{slope}")
    return Check("the controller's memory is flat", holds, "; ".join(told))


def standing(lives: Lives, code: int) -> Check:
    """No controller ended by itself, and the last one ended as told."""
    found = f"{len(lives.lives)} lives, the last ended with {code}"
    return Check(
        "a controller ends when it is told to", not lives.fallen and code == 4, "; ".join([found, *lives.fallen])
    )
