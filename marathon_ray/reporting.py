"""From a run that has ended to its report, in the words of the scenario."""

import platform
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from actors.spec import Consumers, Producers, Transactors
from marathon_ray.attempt import Attempt
from marathon_ray.balance import Balance
from marathon_ray.nodes import Nodes, node_hours
from marathon_ray.outcome import Outcome
from marathon_ray.overlooked import overlooked
from marathon_ray.planning import resolved
from marathon_ray.prices import Prices
from marathon_ray.promises.allowed import allowed
from marathon_ray.promises.promise import Verdict
from marathon_ray.report import facts
from marathon_ray.report.report import Crew, Machine, Note, Report, Stage
from marathon_ray.rounds import Rounds
from marathon_ray.scenario import Scenario

if TYPE_CHECKING:
    from marathon_ray.running import Desk

_PACKAGES: Final = ("marathon-ray", "confluent-kafka", "ray", "numpy")
_SECRET: Final = ("password", "secret", "token")


def report_of(desk: "Desk", end: Outcome, verdicts: list[Verdict]) -> Report:
    """Everything that is known of the run; its files are in its folder."""
    attempt, course = desk.attempt, desk.course
    causes = course.causes
    series = (
        tuple(path.name for path in desk.series.write(desk.folder, _sizes(attempt))) if desk.series and attempt else ()
    )
    return Report(
        run=desk.names.run,
        bench=desk.names.bench,
        scenario=desk.scenario.title(),
        promise=desk.scenario.promise(),
        outcome=end,
        cause=causes[0] if causes else "",
        others=tuple(causes[1:]),
        began=course.began,
        seconds=time.monotonic() - course.clock,
        seed=desk.seed,
        versions=_versions(),
        spec=without_secrets(resolved(desk.scenario)),
        cluster={"name": desk.opened.name, **desk.about},
        verdicts=tuple(verdicts),
        notes=tuple(_notes(desk)),
        allowances=tuple(_allowances(desk.scenario, attempt)),
        series=series,
        **(_seen(attempt, desk.prices) if attempt and attempt.rounds else {}),
    )


def _notes(desk: "Desk") -> Iterator[Note]:
    """What was said, and when the bench was not whole."""
    yield from desk.course.notes
    if desk.attempt and desk.attempt.rounds:
        for fleets, since, until in desk.attempt.rounds.short:
            yield Note(text=f"the bench lacked workers: {', '.join(fleets)}", since=since, until=until)


def _seen(attempt: Attempt, prices: Prices) -> dict[str, Any]:
    rounds = attempt.rounds
    if rounds is None:
        return {}
    balance: Balance = rounds.accounts.balance()
    names = {number: field for field, number in attempt.ordinals.items()}
    found, beyond = facts.findings(attempt.findings, names)
    hours = node_hours(rounds.nodes.values())
    ends = [*(since for _, since, _ in attempt.phases[1:]), rounds.now]
    return {
        "totals": facts.totals(balance.places, names),
        "groups": facts.groups(_by_field(attempt, balance), names),
        "bytes": {names[number]: count for number, count in rounds.written.items()},
        "coverage": facts.coverage(balance),
        "findings": found,
        "findings_beyond": beyond,
        "shades": tuple(rounds.shades),
        "phases": tuple(
            Stage(name=name, since=since, until=until)
            for (name, since, _), until in zip(attempt.phases, ends, strict=True)
        ),
        "fleets": tuple(_crews(attempt)),
        "short": _short(rounds, attempt.phases[0][1]) if attempt.phases else 0.0,
        "hosts": tuple(_machines(rounds.nodes)),
        "node_hours": hours,
        "cost": prices.cost(hours),
        "not_looked_at": tuple(_overlooked(attempt, rounds, balance)),
    }


def _short(rounds: Rounds, since: float) -> float:
    """The share of the time since then that rounds were short of workers."""
    lacked = sum(end - begin for _, begin, end in rounds.short)
    return min(1.0, lacked / max(rounds.last.until - since, lacked, 1e-9))


def _by_field(attempt: Attempt, balance: Balance) -> Balance:
    """With the groups named as the scenario names them."""
    fields = {attempt.names.of(name): name for name in attempt.groups}
    return replace(balance, groups={fields.get(group, group): counts for group, counts in balance.groups.items()})


def _sizes(attempt: Attempt) -> dict[int, tuple[str, int]]:
    topics = attempt.scenario.topics
    return {number: (field, topics[field].partitions) for field, number in attempt.ordinals.items()}


def _crews(attempt: Attempt) -> Iterator[Crew]:
    if attempt.rounds:
        for name in attempt.rounds.fleets:
            losses = attempt.rounds.losses[name]
            yield Crew(
                name=name,
                declared=name in attempt.scenario.fleets,
                workers=attempt.rounds.most[name],
                deaths=len(losses),
                moved=attempt.rounds.moved[name],
                tails=tuple(loss.tail for loss in losses),
                announced=tuple(loss.worker for loss in losses if loss.announced),
                worker_hours=attempt.rounds.worked[name] / 3600,
                within_zone=_within(attempt.rounds.fleets[name].carried),
            )


def _within(carried: Mapping[bool, int]) -> float | None:
    whole = sum(carried.values())
    return carried.get(True, 0) / whole if whole else None


def _machines(nodes: Nodes) -> Iterator[Machine]:
    for (name, address), node in nodes.items():
        processes = node.processes
        yield Machine(
            node=name,
            address=address,
            kind=node.kind,
            hours=node.hours,
            processors=max(host.processors for host in processes),
            memory=max(host.memory for host in processes),
            kernel=processes[-1].kernel,
            workers=tuple(sorted(node.hosts)),
            cpu_seconds=sum(host.cpu_seconds for host in processes),
            resident=sum(host.resident for host in processes),
        )


def _overlooked(attempt: Attempt, rounds: Rounds, balance: Balance) -> Iterator[str]:
    fleets = attempt.scenario.fleets.values()
    read = {topic for spec in fleets if isinstance(spec, Consumers | Transactors) for topic in spec.of}
    unheard = sum(loss.tail.unheard for losses in rounds.losses.values() for loss in losses)
    unread = [topic for topic in attempt.scenario.topics if topic not in read]
    return overlooked(balance, drained=attempt.drained, unheard=unheard, unread=unread)


def _allowances(scenario: Scenario, attempt: Attempt | None) -> Iterator[str]:
    known = attempt.kept if attempt else {}
    yield from (f"{field}: {keeps}" for field, keeps in known.items())
    shades = tuple(attempt.rounds.shades) if attempt and attempt.rounds else ()
    for field, topic in scenario.topics.items():
        writers = [spec for spec in scenario.fleets.values() if isinstance(spec, Producers) and field in spec.to]
        for kind, reason in allowed(topic, writers, shades, keeps=known.get(field)).items():
            yield f"{field}: {kind} records are allowed, since {reason}"


def _versions() -> dict[str, str]:
    out = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            out[package] = version(package)
        except PackageNotFoundError:
            continue
    return out


def without_secrets(spec: Mapping[str, Any]) -> dict[str, Any]:
    """The same without the values of fields that are named as secrets are."""
    out: dict[str, Any] = {}
    for name, value in spec.items():
        if any(word in name for word in _SECRET):
            out[name] = "***"
        else:
            out[name] = without_secrets(value) if isinstance(value, Mapping) else value
    return out


def folder_of(results: Path, run: str) -> Path:
    """The folder of a run, by the run's number or by its own name. Raises KeyError where there is none."""
    for folder in sorted(results.iterdir()) if results.is_dir() else []:
        if folder.name == run or folder.name.endswith(f"-{run}"):
            return folder
    raise KeyError(run)
