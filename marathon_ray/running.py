"""One run: everything is checked before anything is made, and whatever was made is gone on every way out."""

import secrets
import time
import traceback
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TypedDict, Unpack

from pydantic import ValidationError

from marathon_ray.attempt import Attempt, Site
from marathon_ray.audience import Audience
from marathon_ray.blocking import blocking
from marathon_ray.clusters import LOCAL, Opened, open_cluster
from marathon_ray.complaint import complaint
from marathon_ray.faults.fault import missing
from marathon_ray.folder import folder
from marathon_ray.ground import Ground
from marathon_ray.journal import NAME, Journal, Thing
from marathon_ray.kafka import admin, release
from marathon_ray.kafka.cluster import Cluster, KafkaError, TellsReleases
from marathon_ray.names import Names
from marathon_ray.news import Origin, told
from marathon_ray.nodes import node_hours
from marathon_ray.notebook import onlooker
from marathon_ray.outcome import Outcome, outcome
from marathon_ray.planning import mistakes, workers_of
from marathon_ray.prices import Prices
from marathon_ray.promises.generator import GeneratorHonest
from marathon_ray.reclaim import begin
from marathon_ray.report import page
from marathon_ray.report.report import Note, Report
from marathon_ray.report.series import Series
from marathon_ray.reporting import report_of
from marathon_ray.request import check, names_of
from marathon_ray.round import Round
from marathon_ray.rounds import BenchError, Rounds
from marathon_ray.scenario import Scenario, UnfitError
from marathon_ray.stops import InterruptionError, Stops
from marathon_ray.toolkit import Noting, Over, OverdueError
from marathon_ray.usage import UsageError, in_short

BENCH: Final = "bench"
HERE: Final = "here"
RAY: Final = "ray"
_SPENT_SECONDS: Final = 30.0  # between two words of what a run has spent so far
_OURS: Final = Path(__file__).parent


@dataclass(slots=True)
class Course:
    """How a run went beside what its promises say: of each kind the causes in the order in which they came."""

    began: datetime = field(default_factory=lambda: datetime.now(UTC))
    clock: float = field(default_factory=time.monotonic)
    interrupted: list[str] = field(default_factory=list)
    invalid: list[str] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    skipped: str = ""

    def interrupt(self, cause: str) -> None:
        """Somebody wanted an end before there was one; told once."""
        if cause not in self.interrupted:
            self.interrupted.append(cause)

    def note(self, text: str) -> int:
        """Its number."""
        self.notes.append(Note(text=text, since=time.monotonic() - self.clock))
        return len(self.notes) - 1

    def over(self, number: int) -> None:
        """What that note spoke of has lasted until now."""
        self.notes[number] = self.notes[number].model_copy(update={"until": time.monotonic() - self.clock})

    @property
    def causes(self) -> list[str]:
        """All that kept it from its own end. Kinds stand as their outcomes rank, so the first one is that of the outcome."""
        return [*([self.skipped] if self.skipped else []), *self.interrupted, *self.invalid]


class Options(TypedDict, total=False):
    """How a run is made. `cluster` is "local" (made for it), "HOST:PORT", the name of a local one that runs, or a YAML
    file; workers live on Ray ("ray", by default) or in this process ("here"), on the Ray cluster at the address `ray` or on
    one that is started for it, on "any" of its nodes or on "spot" `nodes`. A folder of its own in `results` has the journal, the report and the series. `tell` hears how
    it goes on; without it a notebook's cell shows that, and a program hears nothing. `run` is its name, eight hexadecimal
    digits, and else drawn. With `prices` of a node's hour the report has what it cost. `origin` is how its events call it (`news.Origin`). Where `signals`
    is false nothing but a cancellation of whoever awaits it stops it; its message, if there is one, is told as the cause."""

    cluster: str | Opened
    places: str
    ray: str | None
    nodes: str
    results: str | Path
    seed: int | None
    bench: str
    run: str
    prices: Prices
    origin: Origin
    tell: Audience
    signals: bool


async def run(scenario: Scenario, **options: Unpack[Options]) -> Report:
    """Play the scenario and say what held. Raises UsageError or KafkaError before anything is made; of a run that ends so no
    folder is left. It tells two mistakes at most, a line each, and how many are left: `marathon plan` tells all."""
    check(scenario, options, Options.__annotations__)
    names = names_of(options.get("bench", BENCH), options.get("run"))
    cluster = options.get("cluster", LOCAL)
    opened = open_cluster(cluster) if isinstance(cluster, str) else cluster
    if found := mistakes(scenario, brokers=opened.brokers):
        raise UsageError("\n".join(in_short(found)))
    with folder(Path(options.get("results", "results")), f"{scenario.title()}-{names.run}") as own:
        return await _run(scenario, names, own, opened, options)


async def _run(scenario: Scenario, names: Names, folder: Path, opened: Opened, options: Options) -> Report:
    audience, course = options.get("tell") or onlooker(scenario.title()), Course()

    def note(text: str) -> Over:
        number = course.note(text)
        audience.note(text)

        def over() -> None:
            course.over(number)
            audience.note(f"{text} is over")

        return over

    stops = Stops(note)
    chosen = options.get("seed")
    seed = secrets.randbits(32) if chosen is None else chosen
    if lacking := missing(scenario.suffers, opened.cluster):
        course.skipped = "; ".join([*lacking, opened.remedy(scenario.suffers)])
    else:
        try:
            scenario = await blocking(scenario.fitted, opened.cluster)
        except UnfitError as error:
            course.skipped = str(error)
    on_ray = options.get("places", RAY) != HERE and not course.skipped
    seats = sum(workers_of(scenario).values())
    ground = Ground(on_ray=on_ray, address=options.get("ray"), seats=seats, nodes=options.get("nodes", "any"))
    hears = options.get("signals", True)
    if hears:
        stops.install()
    try:
        await blocking(ground.connect)
        if hears:
            stops.install()  # once more: Ray has put a handler of its own before ours, which ends the process after 3 s
        with Journal(folder / NAME) as journal:
            spec = scenario.model_dump(mode="json")
            begin(journal, names, opened.name, scenario=scenario.title(), spec=spec, seed=seed)
            desk = Desk(scenario, names, folder, journal, opened, audience, course, stops, note, seed)
            desk.prices = options.get("prices", desk.prices)
            report = await desk.play(ground)
            origin = options.get("origin") or Origin("", opened.name)
            report = told(report, replace(origin, page=str(folder / page.NAME) if report.series else ""))
            report.write(folder)
            if report.series:
                page.write(report, folder)
            journal.write("end", outcome=report.outcome, cause=report.cause)
    finally:
        with suppress(InterruptionError):  # a verdict that is on the disk is the verdict, whoever wants an end by then
            await stops.step(blocking(ground.leave), bears=2)
        stops.remove()
    return report


@dataclass(slots=True)
class Desk:
    """What the steps of one run share."""

    scenario: Scenario
    names: Names
    folder: Path
    journal: Journal
    opened: Opened
    audience: Audience
    course: Course
    stops: Stops
    note: Noting
    seed: int
    prices: Prices = field(default_factory=Prices)
    about: dict[str, str] = field(default_factory=dict)  # the cluster, as it tells
    attempt: Attempt | None = None
    series: Series | None = None
    broken: set[str] = field(default_factory=set)  # promises of safety, as far as the journal knows
    noted: float = 0.0  # when the journal was told last what was spent, s since the run began

    async def play(self, ground: Ground) -> Report:
        """From the cluster to the report."""
        thing = Thing("cluster", self.opened.name)
        try:
            self.journal.intend(thing, ours=self.opened.ours)
            self.note(f"cluster {self.opened.name}")
            if not self.course.skipped:
                await self.stops.step(ground.grow(self.note))
                cluster = await self.stops.step(blocking(self.opened.acquire))
                await self.stops.step(blocking(self._rehearse, cluster))
                await self._on(cluster, ground)
        except InterruptionError as cause:
            self.course.interrupt(str(cause))
        finally:
            await self.stops.step(blocking(self.opened.release), bears=2)
            self.journal.undone(thing)
        if self.stops.count:  # also where all that went on by then was seen to its end
            self.course.interrupt(self.stops.cause)
        return self._report()

    def _rehearse(self, cluster: Cluster) -> None:
        """The topics can be had, and it is known which cluster that is. Raises KafkaError where they cannot, in the words of
        the scenario."""
        topics = {self.names.of(field): topic for field, topic in self.scenario.topics.items()}
        try:
            admin.check(cluster.client_properties(), topics)
        except KafkaError as error:
            raise KafkaError(str(error).replace(self.names.of(""), "")) from None
        self.about = release.facts(cluster)

    async def _on(self, cluster: Cluster, ground: Ground) -> None:
        places = ground.places()
        try:
            self.series = Series()
            site = Site(cluster, places, self.journal, self.note, self.course.clock, ground.patience)
            self.attempt = Attempt(
                self.scenario, self.names, site, seed=self.seed, sinks=(self.series.add, self._show, *ground.sinks())
            )
            self.attempt.promises.append(GeneratorHonest())
            self.attempt.begin()
            await self._steps(self.attempt)
            self._look_again(cluster)
        finally:
            await self.stops.step(places.shut(), bears=2)

    def _look_again(self, cluster: Cluster) -> None:
        """The run may have made another Kafka of it."""
        before = self.about.get("version")
        if before and isinstance(cluster, TellsReleases) and (now := release.running(cluster)) != before:
            self.note(f"the brokers ran Kafka {before} and run {now} now")
            self.about["version"] = f"{before}, then {now}"

    def _show(self, round_: Round) -> None:
        if self.attempt:
            verdicts = self.attempt.verdicts()
            self._note_broken({one.promise: one.found for one in verdicts if one.safety and one.state == "failed"})
            if self.attempt.rounds:
                self._note_spent(self.attempt.rounds, round_.until)
            self.audience.round(round_, verdicts)

    def _note_broken(self, broken: Mapping[str, str]) -> None:
        """What is known of a run whose process dies: a record that is lost stays lost."""
        if set(broken) != self.broken:
            self.broken = set(broken)
            self.journal.write("broken", promises=broken)

    def _note_spent(self, rounds: Rounds, now: float) -> None:
        """What a process that dies has spent by then, or half a minute less."""
        if now - self.noted >= _SPENT_SECONDS:
            hours, self.noted = node_hours(rounds.nodes.values()), now
            cost, written = self.prices.cost(hours), sum(rounds.written.values())
            self.journal.write("spent", bytes=written, hours=hours, money=cost)

    async def _steps(self, attempt: Attempt) -> None:
        """The workload, and the way out: healed first, and last of all what was created is removed."""
        await self._tried(attempt.play(), bears=0)
        await self._tried(attempt.heal(), bears=2)
        if attempt.rounds and not self.course.interrupted:
            await self._tried(attempt.drain(), bears=0)
        if attempt.rounds:
            await self._tried(attempt.leave(), bears=1)
            await self._tried(attempt.finish(), bears=2)
        await self._tried(attempt.after_all(), bears=1)
        await self._tried(attempt.heal(), bears=2)  # that may have had a fault, too
        await self._tried(attempt.clean_up(), bears=1)

    async def _tried(self, step: Any, *, bears: int) -> None:  # noqa: ANN401 - a coroutine
        try:
            await self.stops.step(step, bears=bears)
        except Exception as error:  # noqa: BLE001 - a scenario's own mistake is told, and the way out goes on
            for each in _leaves(error):
                self._note_end(each)

    def _note_end(self, error: BaseException) -> None:
        """What has cut a step short is written down for what it is."""
        if not isinstance(error, InterruptionError):
            self.course.invalid += [] if isinstance(error, OverdueError) else [_told(error)]
        else:
            self.course.interrupt(str(error))

    def _report(self) -> Report:
        verdicts = self.attempt.verdicts() if self.attempt and self.attempt.rounds else []
        mine = [verdict for verdict in verdicts if verdict.promise.startswith(GeneratorHonest.__name__)]
        told = [verdict for verdict in verdicts if verdict not in mine]
        self.course.invalid += [one.found for one in mine if one.state == "failed"]
        if not self.course.interrupted:  # what safety promises is looked at for its own sake: not seen is not kept
            self.course.invalid += [
                f"{one.promise}: {one.found}" for one in told if one.safety and one.state == "undecided"
            ]
        end = Outcome.SKIPPED
        if not self.course.skipped:
            broken = [verdict.safety for verdict in told if verdict.state == "failed"]
            interrupted, invalid = bool(self.course.interrupted), bool(self.course.invalid)
            end = outcome(broken=broken, interrupted=interrupted, invalid=invalid)
        return report_of(self, end, verdicts)


def _leaves(error: BaseException) -> list[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        return [leaf for each in error.exceptions for leaf in _leaves(each)]
    return [error]


def _told(error: BaseException) -> str:
    """One line; of an error in the scenario's own code also where it happened."""
    if isinstance(error, BenchError | KafkaError):
        return str(error)
    frames = [*traceback.extract_tb(error.__traceback__)]
    if isinstance(error, UsageError | ValidationError):
        text = complaint(error).replace("\n", "; ") if isinstance(error, ValidationError) else str(error)
        frames = [frame for frame in frames if not Path(frame.filename).is_relative_to(_OURS)]
    else:
        text = f"{type(error).__name__}: {' '.join(str(error).split())}"
    where = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    return f"{text}{where}"
