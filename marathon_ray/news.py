"""Which events there are, and which of them a finished run gives rise to. Pure."""

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from marathon_ray.event import Event, Severity
from marathon_ray.outcome import Outcome
from marathon_ray.promises.generator import GeneratorHonest
from marathon_ray.promises.promise import Shade, Verdict
from marathon_ray.report.report import Found, Report
from marathon_ray.report.words import clock

_SECRET: Final = ("password", "secret", "token")  # in the name of a field
_AROUND: Final = timedelta(seconds=30)  # a fault


class Kind(StrEnum):
    """Of events."""

    PROMISE_BROKEN = "promise broken"
    PROMISE_KEPT = "promise kept"
    RUN_INVALID = "run invalid"
    RUN_INTERRUPTED = "run interrupted"
    RUN_SKIPPED = "run skipped"
    GIVEN_UP = "given up"
    OFTEN_INTERRUPTED = "often interrupted"
    VERDICT = "verdict"
    LEFTOVERS = "leftovers"
    RECLAIMED = "reclaimed"
    ROTATION_ENDED = "rotation ended"
    CHANGE_DROPPED = "change dropped"
    NEW_RELEASE = "new release"
    RELEASES_UNKNOWN = "releases unknown"
    CHANNEL_FAILED = "channel failed"
    STORE_FAILED = "store failed"
    INBOX_FAILED = "inbox failed"
    ALERTED = "alerted"


KINDS: Final[Mapping[Kind, tuple[Severity, str]]] = {
    Kind.PROMISE_BROKEN: (Severity.CRITICAL, "The cluster under test broke a promise, of safety or of liveness."),
    Kind.PROMISE_KEPT: (
        Severity.INFO,
        "A run that came to its end saw the promise kept: if it was broken, that is over.",
    ),
    Kind.RUN_INVALID: (Severity.WARNING, "A run proves nothing: the bench was too slow, broke, or could not look."),
    Kind.RUN_INTERRUPTED: (Severity.INFO, "A run did not come to its end."),
    Kind.RUN_SKIPPED: (
        Severity.INFO,
        "The cluster cannot suffer what the scenario needs, or there is nothing to be done.",
    ),
    Kind.GIVEN_UP: (Severity.WARNING, "A turn was tried as often as the plan allows, and has no verdict."),
    Kind.OFTEN_INTERRUPTED: (
        Severity.WARNING,
        "Of the last ten runs of a scenario more were interrupted than came to a verdict; over when no longer.",
    ),
    Kind.VERDICT: (Severity.INFO, "A run came to a verdict: if others before it did not, that is over."),
    Kind.LEFTOVERS: (Severity.WARNING, "Something of ours is left on a cluster; over when nothing is."),
    Kind.RECLAIMED: (Severity.INFO, "What dead runs had left was undone."),
    Kind.ROTATION_ENDED: (Severity.WARNING, "The budget is used up: no more runs are made."),
    Kind.CHANGE_DROPPED: (
        Severity.WARNING,
        "What was set by command does not fit the plan any more, and is not in force.",
    ),
    Kind.NEW_RELEASE: (Severity.INFO, "There is a newer Kafka than that of a cluster, which is upgraded to it next."),
    Kind.RELEASES_UNKNOWN: (Severity.WARNING, "It is not known whether there is a newer Kafka; over when it is."),
    Kind.CHANNEL_FAILED: (Severity.WARNING, "A channel takes no alerts; over when it does again."),
    Kind.STORE_FAILED: (
        Severity.WARNING,
        "The store takes no copies of finished runs; over when it does again, and has what it missed.",
    ),
    Kind.INBOX_FAILED: (Severity.WARNING, "Ray has no place for commands, so none is heard; over when they are again."),
    Kind.ALERTED: (Severity.INFO, "People were told."),
}

_WITHOUT: Final = {
    Outcome.INVALID: Kind.RUN_INVALID,
    Outcome.INTERRUPTED: Kind.RUN_INTERRUPTED,
    Outcome.SKIPPED: Kind.RUN_SKIPPED,
}  # outcomes that are no verdict


@dataclass(frozen=True, slots=True)
class Origin:
    """How a run came to be: the scenario as `marathon run` takes it (empty: it was no command), the cluster's name in the plan,
    what `--cluster` takes for it, the fields as they were given or drawn; and where its page is."""

    scenario: str
    cluster: str
    where: str = ""
    fields: Sequence[tuple[str, str]] = ()
    page: str = ""


def event(kind: Kind, about: str, message: str, *, over: bool = False) -> Event:
    """One of that kind, and as severe; that it is over is for whoever looks."""
    severity = Severity.INFO if over else KINDS[kind][0]
    return Event(severity=severity, kind=kind, about=about, message=message, over=over)


def events_of(report: Report, origin: Origin) -> Iterator[Event]:
    """What a finished run says. A promise of liveness counts only in a run that came to its end, as in its outcome."""
    about = _Run(report, origin)
    ended = _came_to_its_end(report)
    if report.outcome in (Outcome.PASSED, Outcome.FAILED):
        yield about.event(Kind.VERDICT, about.verdict, f"{about.name}: {report.outcome}", over=True)
        for verdict in report.verdicts:
            if verdict.promise.startswith(GeneratorHonest.__name__) or not (ended or verdict.safety):
                continue
            if verdict.state == "failed":
                yield about.broken(verdict)
            elif verdict.state == "passed" and ended:
                yield about.kept(verdict)
        return
    yield about.event(_WITHOUT[report.outcome], about.verdict, f"{about.name} is {report.outcome}\n{report.cause}")


def told(report: Report, origin: Origin) -> Report:
    """The same with its events."""
    return report.model_copy(update={"events": tuple(events_of(report, origin))})


def given_up(scenario: str, cluster: str, why: str, *, run: str = "") -> Event:
    """A turn came to no verdict. It is over with the next verdict of that scenario on that cluster."""
    name = f"{scenario} on {cluster}"
    return Event(
        severity=KINDS[Kind.GIVEN_UP][0], kind=Kind.GIVEN_UP, about=f"{name}: verdict", message=f"{name} has no verdict\n{why}", run=run,
        facts={"scenario": scenario, "cluster": cluster},
    )  # fmt: skip


def found_release(cluster: str, release: str, scenario: str) -> Event:
    """A newer Kafka than the cluster's is there."""
    return Event(
        severity=KINDS[Kind.NEW_RELEASE][0], kind=Kind.NEW_RELEASE, about=f"{cluster}: Kafka {release}",
        message=f"Kafka {release} is newer than what {cluster} runs\nthe next turn is {scenario}",
        facts={"cluster": cluster, "release": release, "scenario": scenario},
    )  # fmt: skip


def no_releases(cluster: str, why: str = "") -> Event:
    """It cannot be said whether there is a newer Kafka than the cluster's; with no reason it can."""
    kind = Kind.RELEASES_UNKNOWN
    message = f"whether there is a newer Kafka than that of {cluster} is {'not ' * bool(why)}known\n{why}".strip()
    return Event(
        severity=KINDS[kind][0] if why else Severity.INFO, kind=kind, about=f"{cluster}: releases", message=message, over=not why,
        facts={"cluster": cluster},
    )  # fmt: skip


def broken_by_then(scenario: str, cluster: str, promise: str, found: str, *, run: str) -> Event:
    """A run broke, or its controller died; what had been found by then stays true."""
    return Event(
        severity=KINDS[Kind.PROMISE_BROKEN][0], kind=Kind.PROMISE_BROKEN, about=f"{scenario} on {cluster}: {promise}",
        message=f"{scenario}: {promise} was broken on {cluster}\n{found}", run=run,
        facts={"scenario": scenario, "cluster": cluster, "outcome": Outcome.FAILED.value, "promise": promise},
    )  # fmt: skip


def _came_to_its_end(report: Report) -> bool:
    """A broken promise of safety outranks what else went wrong; any other verdict says that nothing did."""
    broken_safety = any(verdict.safety for verdict in report.broken)
    return report.outcome is Outcome.PASSED or (
        report.outcome is Outcome.FAILED and not (broken_safety and report.cause)
    )


def _touches(shade: Shade, since: datetime, until: datetime) -> bool:
    """A record that a fault took may have been acknowledged a little before it, and be missed a little after."""
    begin = datetime.fromtimestamp(shade.at / 1e9, UTC)
    end = None if shade.until is None else begin + timedelta(seconds=shade.until - shade.since)
    return begin - _AROUND <= until and (end is None or since <= end + _AROUND)


@dataclass(frozen=True, slots=True)
class _Run:
    """A finished run, as events speak of it."""

    report: Report
    origin: Origin

    @property
    def name(self) -> str:
        return f"{self.report.scenario} on {self.origin.cluster}"

    @property
    def verdict(self) -> str:
        """The incident that runs come to no verdict."""
        return f"{self.name}: verdict"

    def broken(self, verdict: Verdict) -> Event:
        report = self.report
        version = report.cluster.get("version")
        cluster = (
            f"{self.origin.cluster} (Kafka {version})" if version else f"{self.origin.cluster} (version not known)"
        )
        first = f"{report.scenario}: {verdict.promise} was broken on {cluster}"
        second = f"{verdict.found}; {self._when(verdict)}"
        return self.event(
            Kind.PROMISE_BROKEN, f"{self.name}: {verdict.promise}", f"{first}\n{second}", promise=verdict.promise
        )

    def kept(self, verdict: Verdict) -> Event:
        message = f"{self.name}: {verdict.promise} is kept\n{verdict.found}"
        return self.event(
            Kind.PROMISE_KEPT, f"{self.name}: {verdict.promise}", message, over=True, promise=verdict.promise
        )

    def event(self, kind: Kind, about: str, message: str, *, over: bool = False, promise: str = "") -> Event:
        facts: dict[str, str | int | float] = {
            "scenario": self.report.scenario,
            "cluster": self.origin.cluster,
            "outcome": self.report.outcome.value,
        }
        more = {"again": self._again() if self.origin.scenario else "", "promise": promise, "page": self.origin.page}
        facts |= {name: value for name, value in more.items() if value}
        return Event(
            severity=KINDS[kind][0],
            kind=kind,
            about=about,
            message=message.strip(),
            run=self.report.run,
            over=over,
            facts=facts,
        )

    def _found(self, verdict: Verdict) -> list[Found]:
        """The findings that broke it: of the topics that it names, and of kinds that the settings do not allow."""
        named, excused = re.findall(r"\w+", verdict.promise), self.report.allowances
        return [
            each
            for each in self.report.findings
            if verdict.safety
            and each.topic in named
            and not any(line.startswith(f"{each.topic}: {each.kind} records are allowed") for line in excused)
        ]

    def _when(self, verdict: Verdict) -> str:
        """Of what was found, since when, and the faults around it; where nothing says that, the run and all its faults."""
        found = self._found(verdict)
        times = [at for each in found for at in (each.since, each.until) if at is not None]
        since, until = (min(times), max(times)) if times else (self.report.began, None)
        faults = [each for each in self.report.shades if until is None or _touches(each, since, until)]
        named = dict.fromkeys(f"{each.fault} (node {', '.join(map(str, each.nodes))})" for each in faults)
        return f"{'during ' + '; '.join(named) if named else 'while no fault was on'}; since {clock(since)}"

    def _again(self) -> str:
        fields = [
            f"--{name}={'***' if any(word in name for word in _SECRET) else value}"
            for name, value in self.origin.fields
        ]
        where = self.origin.where or self.origin.cluster
        return shlex.join(
            ["marathon", "run", self.origin.scenario, "--seed", str(self.report.seed), "--cluster", where, *fields]
        )
