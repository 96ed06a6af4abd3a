"""What must be so after a soak: read from the journals, the reports, and what the receiver of alerts was told."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from pathlib import Path
from statistics import median
from typing import Final, NamedTuple

from benchmarks.soak_lives import Lives
from benchmarks.soaked import SoakedKill, SoakedUnclean, SoakedWrite, truth
from marathon_ray.event import Event, Severity
from marathon_ray.journal import NAME, Entry, left, read
from marathon_ray.news import Kind
from marathon_ray.outcome import Outcome
from marathon_ray.promises.integrity import Integrity
from marathon_ray.promises.promise import Verdict
from marathon_ray.report.report import Report
from marathon_ray.rotation.ledger import events

SAFE: Final = (SoakedKill.title(), SoakedWrite.title())
UNSAFE: Final = SoakedUnclean.title()
DIED: Final = "its controller died"
MESSAGES: Final = 3  # an incident, at most
GROWS: Final = 120  # MiB an hour that a warm controller may grow by; 50 were measured in its first ten minutes
LONG: Final = 540.0  # seconds of a life by which its growth can be told
_WARM: Final = 4  # minutes of a life before its size counts
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


class Played(NamedTuple):
    """One attempt, and how it ended; `cut`: its controller died meanwhile, and the next one says how it ended."""

    number: int
    ended: Entry
    cut: bool


def played(entries: Iterable[Entry]) -> tuple[list[Played], list[str]]:
    """All attempts that ended, and what is out of order."""
    done, odd = list[Played](), list[str]()
    number, cut = None, False
    for entry in entries:
        match entry["what"], number:
            case "attempt", None:
                number, cut = int(entry["number"]), False
            case "controller", _:
                cut = True
            case "ended", int():
                done.append(Played(number, entry, cut))
                number = None
            case "attempt" | "ended", _:
                odd.append(f"{entry['what']} of turn {entry['number']} is out of order")
    return done, [*odd, *([] if number is None else [f"turn {number} did not end"])]


def accounted(entries: Sequence[Entry], cut: int, found: Iterable[Report]) -> Check:
    """Each attempt has an end. Of one that died with its controller it is what its report says, if it had one; one that had
    none, and no verdict, was tried again."""
    done, odd = played(entries)
    there = {report.run: (str(report.outcome), report.cause) for report in found}
    died = [one for one in done if one.cut]
    for one in done:
        said, told = (str(one.ended["outcome"]), one.ended["cause"]), there.get(str(one.ended["run"]))
        if (told is None) != (said[1] == DIED) if one.cut else said[1] == DIED:
            odd.append(f"turn {one.number} ended for the wrong reason: {said[1]}")
        elif one.cut and told not in (None, said):
            odd.append(f"turn {one.number} was {told[0]}, and is booked as {said[0]}")
    odd += [
        f"turn {one.number} was not tried again"
        for one, after in pairwise(done)
        if one.cut and one.ended["outcome"] == "interrupted" and after.number != one.number
    ]
    outcomes = Counter(str(one.ended["outcome"]) for one in done)
    told_of = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.items())
    summary = f"{len(done)} attempts: {told_of}; {len(died)} died with their controllers, of {cut} that were cut"
    return Check("every attempt has an end", not odd and len(died) == cut, "; ".join([summary, *odd]))


def filed(entries: Sequence[Entry], results: Path) -> Check:
    """Each run that ended has its report, of the same outcome; each that has none has nothing left."""
    ends = [entry for entry in entries if entry["what"] == "ended" and entry["run"] and entry["cause"] != DIED]
    said = {str(entry["run"]): str(entry["outcome"]) for entry in ends}
    there = {report.run: str(report.outcome) for report in reports(results)}
    dead = [
        path.parent.name
        for path in results.glob(f"*/{NAME}")
        if not (path.parent / "report.json").exists() and left(read(path))
    ]
    other = sorted(run for run in said.keys() | there.keys() if said.get(run) != there.get(run))
    odd = [f"{name} was never undone" for name in dead]
    odd += [f"{run}: the journal says {said.get(run)}, its report {there.get(run)}" for run in other]
    return Check("every run has its report, or was undone", not odd, "; ".join([f"{len(there)} reports", *odd]))


def safe(entries: Sequence[Entry], found: Iterable[Report]) -> Check:
    """No false alarm: neither by a report, nor by what was told of a run that has none."""
    mine = [report for report in found if report.scenario in SAFE]
    false = [
        f"{report.scenario}-{report.run}: {_broken(report)}" for report in mine if report.outcome is Outcome.FAILED
    ]
    false += [
        event.message.splitlines()[0]
        for event in events(entries)
        if event.kind == Kind.PROMISE_BROKEN and event.facts.get("scenario") in SAFE
    ]
    outcomes = Counter(str(report.outcome) for report in mine)
    why = {report.cause[:200] for report in mine if report.outcome is Outcome.INVALID}
    told = [", ".join(f"{count} {outcome}" for outcome, count in outcomes.items()) or "none", *false, *sorted(why)]
    return Check("safe runs never fail, and some pass", not false and outcomes["passed"] > 0, "; ".join(told))


def unsafe(found: Iterable[Report]) -> Check:
    """No loss is missed: each run that came to its end has lost records by what the log says, and has failed for just these,
    but for those of which it says that it cannot know. One in which the bench itself broke, before they were, says nothing."""
    mine = [report for report in found if report.scenario == UNSAFE]
    ended = [one for one in mine if _counts(one)]
    missed = [f"{one.run} {one.outcome}: {wrong}" for one in ended if (wrong := _wrong(one))]
    losses = [f"{_named(one):,} of {_gone(one):,}" for one in ended]
    told = f"{len(mine)} runs, {len(ended)} came to their end; told of what was lost: {', '.join(losses) or 'nothing'}"
    return Check("runs that lose records always fail", not missed and bool(ended), "; ".join([told, *missed]))


def _counts(one: Report) -> bool:
    return one.outcome is not Outcome.INTERRUPTED and (one.outcome is not Outcome.INVALID or bool(_gone(one)))


def _wrong(one: Report) -> str:
    """What such a run says wrongly; nothing where all is right."""
    gone, named = _gone(one), _named(one)
    dark = sum(int(each.figures.get(name, 0)) for each in _lossy(one) for name in ("in the dark", "unaudited"))
    if gone <= 0:
        return f"nothing was lost; {one.cause}"
    if one.outcome is not Outcome.FAILED or not gone - dark <= named <= gone:
        return f"{named:,} lost of {gone:,}, {dark:,} in the dark or not audited; {one.cause}"
    return ""


def _gone(one: Report) -> int:
    """Records that the log has lost; 0 where nobody has looked."""
    return sum(truth(note.text) or 0 for note in one.notes)


def _named(one: Report) -> int:
    """Records that the verdict says are lost."""
    return sum(int(each.figures.get("lost", 0)) for each in _lossy(one) if each.state == "failed")


def _lossy(one: Report) -> list[Verdict]:
    return [each for each in one.verdicts if each.promise.startswith(Integrity.__name__)]


def _broken(report: Report) -> str:
    return "; ".join(f"{one.promise}: {one.found}" for one in report.broken)


def alerted(entries: Sequence[Entry], taken: Iterable[Sequence[str]]) -> Check:
    """Each incident was told in a few messages, and that those runs fail was told at all."""
    abouts = {_plain(event.message.partition("\n")[0]): event.about for event in events(entries)}
    told = Counter(abouts.get(first, first) for lines in taken for first in _firsts(lines))
    many = [f"{about}: {count} messages" for about, count in told.items() if count > MESSAGES]
    failed = any(entry["what"] == "ended" and entry["outcome"] == "failed" for entry in entries)
    heard = any(about.startswith(f"{UNSAFE} on ") for about in told) or not failed
    most = max(told.values(), default=0)
    found = f"{sum(told.values())} notices of {len(told)} incidents, {most} of one at most"
    lost = [] if heard else ["nobody was told that runs that lose records fail"]
    return Check(f"at most {MESSAGES} messages an incident", not many and heard, "; ".join([found, *many, *lost]))


def arrived(entries: Sequence[Entry], taken: int, refused: int) -> Check:
    """Calls were refused, and all the same each incident that somebody must hear of was told in one that was taken."""
    there = list(events(entries))
    messages = [event for event in there if event.kind == Kind.ALERTED]
    told = {name for event in messages for name in str(event.facts["told"]).split()}
    untold = {event.about for event in there if _is_told(event)} - {event.about for event in there if event.id in told}
    odd = [f"never told: {about}" for about in sorted(untold)]
    odd += [f"{len(messages)} messages are booked as sent"] if len(messages) > taken else []
    found = f"{refused} calls were refused, {taken} taken"
    return Check("every message arrives in the end", refused > 0 and not odd, "; ".join([found, *odd]))


def _is_told(event: Event) -> bool:
    """A channel is not told of its own failures: there is one alone."""
    return event.severity.rank >= Severity.WARNING.rank and not event.over and event.kind != Kind.CHANNEL_FAILED


def _firsts(lines: Sequence[str]) -> Iterator[str]:
    for line in lines:
        if found := _HEADLINE.fullmatch(line):
            yield _plain(found["first"])


def _plain(line: str) -> str:
    return " ".join(line.split())[:200]


def flat(lives: Lives) -> Check:
    """A controller's memory: how it grows in the longest life, once it has come to work. A run takes some and gives it back,
    so what counts is the least of each whole minute, and the median of what each two of these say."""
    least = dict[int, int]()
    life = max(lives.lives, key=lambda one: one.sizes[-1][0] if one.sizes else 0.0)
    lasted = life.sizes[-1][0] if life.sizes else 0.0
    for at, size in life.sizes:
        if _WARM <= (minute := int(at // 60)) < lasted // 60:
            least[minute] = min(size, least.get(minute, size))
    what = "the controller's memory is flat"
    seen = f"the longest of {len(lives.lives)} lives lasted {lasted / 60:.1f} min"
    slopes = [(after - before) / (to - since) for (since, before), (to, after) in combinations(least.items(), 2)]
    if lasted < LONG or not slopes:
        return Check(what, holds=False, found=f"{seen}, too short to tell")
    grows = median(slopes) * 60 / (1 << 20)
    found = f"{min(least.values()) >> 20} MiB between runs, {grows:+.0f} MiB/h, {GROWS} allowed; {seen}"
    return Check(what, grows <= GROWS, found)


def standing(lives: Lives, code: int) -> Check:
    """No controller ended by itself, and the last one ended as told."""
    found = f"{len(lives.lives)} lives, the last ended with {code}"
    return Check(
        "a controller ends when it is told to", not lives.fallen and code == 4, "; ".join([found, *lives.fallen])
    )


def obeys(answer: str) -> Check:
    """The controller has answered to `status`."""
    return Check("the controller obeys", "turn " in answer, " ".join(answer.split()))


def clean(found: Sequence[str]) -> Check:
    """Nothing of it is there any more."""
    return Check("nothing is left", not found, "; ".join(found) or "nothing")
