"""A run as a whole, where that needs no Kafka."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self, cast

import pytest

from actors.spec import Producers
from marathon_ray import attempt
from marathon_ray.audience import Nobody
from marathon_ray.clusters import Opened
from marathon_ray.faults.broker import Kill
from marathon_ray.faults.injection import Injections
from marathon_ray.fleet import Fleet
from marathon_ray.ground import Ground
from marathon_ray.journal import NAME, left, read
from marathon_ray.kafka import admin, release
from marathon_ray.kafka.cluster import Cluster, KafkaError
from marathon_ray.kafka.comparison import ClusterState
from marathon_ray.kafka.existing import Existing
from marathon_ray.kafka.topics import Topic
from marathon_ray.news import Origin
from marathon_ray.outcome import Outcome
from marathon_ray.promises.promise import Promise
from marathon_ray.report.report import Report
from marathon_ray.round import Phase
from marathon_ray.rounds import BenchError, NoRoomError
from marathon_ray.running import Course, Desk, Options, run
from marathon_ray.scenario import Scenario, UnfitError
from marathon_ray.stops import Stops
from marathon_ray.toolkit import OverdueError, Toolkit


class Killing(Scenario):
    """It wants what the cluster cannot suffer."""

    orders: Topic = Topic(partitions=3)
    writers: Producers = Producers(to="orders", rate="1000 records/s")
    suffers = (Kill,)

    def promises(self) -> Iterator[Promise]:
        return iter(())

    async def workload(self, kit: Toolkit) -> None:
        raise AssertionError("it cannot be played")


def test_a_run_that_is_stopped_when_its_report_is_there_keeps_its_verdict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = Existing({"bootstrap.servers": "nowhere:1"})
    given = Opened("theirs", ours=False, cluster=cluster, begin=pytest.fail, end=lambda: None)

    async def stopped_late() -> Report:
        loop = asyncio.get_running_loop()
        options: Options = {
            "cluster": given,
            "places": "here",
            "results": tmp_path,
            "run": "0000000d",
            "signals": False,
        }
        task = asyncio.ensure_future(run(Killing(), **options))

        def leave(ground: Ground) -> None:
            asyncio.run_coroutine_threadsafe(_cancel(task), loop).result()

        monkeypatch.setattr(Ground, "leave", leave)
        return await task

    report = asyncio.run(stopped_late())
    (folder,) = tmp_path.iterdir()
    assert report == Report.read(folder)
    assert (folder.name, report.run) == ("killing-0000000d", "0000000d")
    assert report.outcome is Outcome.SKIPPED


def test_a_run_that_is_stopped_while_its_cluster_is_released_has_a_verdict(tmp_path: Path) -> None:
    async def stopped_late() -> Report:
        loop = asyncio.get_running_loop()

        def end() -> None:
            asyncio.run_coroutine_threadsafe(_cancel(task), loop).result()

        cluster = Existing({"bootstrap.servers": "nowhere:1"})
        given = Opened("theirs", ours=False, cluster=cluster, begin=pytest.fail, end=end)
        options: Options = {"cluster": given, "places": "here", "results": tmp_path, "signals": False}
        task = asyncio.create_task(run(Killing(), **options))
        return await task

    report = asyncio.run(stopped_late())
    assert report.outcome is Outcome.SKIPPED
    assert report.others == ("a person",)


async def _cancel(task: "asyncio.Task[Any]") -> None:
    task.cancel("a person")


class Picky(Scenario):
    """It asks the cluster first."""

    orders: Topic = Topic(partitions=3)
    answer: str

    def fitted(self, cluster: Cluster) -> Self:
        if self.answer == "nothing":
            raise UnfitError("there is nothing to do")
        raise KafkaError(f"it cannot be {self.answer}")

    async def workload(self, kit: Toolkit) -> None:
        raise AssertionError("it cannot be played")


def test_a_scenario_with_nothing_to_do_is_skipped_and_one_that_cannot_be_had_so_is_refused(tmp_path: Path) -> None:
    cluster = Existing({"bootstrap.servers": "nowhere:1"})
    given = Opened("theirs", ours=False, cluster=cluster, begin=pytest.fail, end=lambda: None)
    report = asyncio.run(run(Picky(answer="nothing"), cluster=given, places="here", results=tmp_path))
    assert (report.outcome, report.cause) == (Outcome.SKIPPED, "there is nothing to do")
    auditors: Any = report.spec["auditors"]
    assert (report.spec["answer"], auditors["of"], auditors["workers"]) == ("nothing", ["orders"], 1)
    (event,) = report.events
    assert (event.kind, event.about, event.run) == ("run skipped", "picky on theirs: verdict", report.run)
    assert "again" not in event.facts
    with pytest.raises(KafkaError, match="it cannot be had"):
        asyncio.run(run(Picky(answer="had"), cluster=given, places="here", results=tmp_path))
    assert len(list(tmp_path.iterdir())) == 1


# --- Phases -----------------------------------------------------------------------------------------------------------


class Phases(Scenario):
    """It ends and cleans up as is said."""

    orders: Topic = Topic(partitions=3)
    hangs: str = "never"
    ends: str = "passed"
    cleans: str = "well"

    async def prepare(self, kit: Toolkit) -> None:
        await self._reach("prepare", kit)

    async def warmup(self, kit: Toolkit) -> None:
        await self._reach("warmup", kit)

    async def _reach(self, phase: str, kit: Toolkit) -> None:
        kit.note(phase)
        if self.hangs == phase:
            await kit.steady("1 h")

    async def workload(self, kit: Toolkit) -> None:
        await self._reach("workload", kit)
        match self.ends:
            case "failed":
                await kit.until(lambda _: False, within=0)
            case "invalid":
                raise LookupError("nobody is there")
            case "interrupted":
                _cancel_run()
                await kit.steady("1 h")

    async def cleanup(self, kit: Toolkit) -> None:
        kit.note("cleanup")
        match self.cleans:
            case "raises":
                raise LookupError("nothing to clean")
            case "hangs":
                await kit.steady("1 h")
            case "is stopped":
                _cancel_run()
                await kit.steady("10 ms")
            case "is stopped twice":
                _cancel_run()
                await kit.steady("10 ms")
                _cancel_run()
                await kit.steady("1 h")
        kit.note("cleaned")


def _cancel_run() -> None:
    """As whoever awaits it may."""
    next(task for task in asyncio.all_tasks() if task.get_name() == "the run").cancel("a person")


class Diary(Nobody):
    """What was said and done, in order."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def note(self, text: str) -> None:
        self.lines.append(text)

    def doing(self, what: str) -> Callable[..., None]:
        """What does nothing but to be written down."""
        return lambda *_: self.note(what)

    def after(self, line: str) -> list[str]:
        """What came behind that."""
        return self.lines[self.lines.index(line) + 1 :]


@pytest.fixture
def diary(monkeypatch: pytest.MonkeyPatch) -> Diary:
    """There is no cluster, and nobody works."""
    diary, heal_all = Diary(), Injections.heal_all

    async def heals(self: Injections) -> None:
        diary.note("healed")
        await heal_all(self)

    monkeypatch.setattr(Injections, "heal_all", heals)
    monkeypatch.setattr(attempt, "fleets_of", lambda _: {})
    monkeypatch.setattr(release, "facts", lambda _: {})
    monkeypatch.setattr(admin, "check", lambda *_: None)
    monkeypatch.setattr(admin, "create", lambda _, topics: dict.fromkeys(topics, "id"))
    monkeypatch.setattr(admin, "look", lambda *_: ClusterState({}, {}))
    monkeypatch.setattr(admin, "log_ends", lambda *_: {})
    monkeypatch.setattr(admin, "log_starts", lambda *_: {})
    monkeypatch.setattr(admin, "delete", diary.doing("topics deleted"))
    monkeypatch.setattr(admin, "delete_groups", lambda *_: None)
    return diary


def play(scenario: Scenario, folder: Path, diary: Diary, **more: Any) -> Report:
    """Its report."""
    cluster = Existing({"bootstrap.servers": "nowhere:1"})
    given = Opened("theirs", ours=False, cluster=cluster, begin=lambda: None, end=lambda: None)
    options: Options = {"cluster": given, "places": "here", "results": folder, "signals": False, "tell": diary}
    options.update(cast(Options, more))

    async def played() -> Report:
        return await asyncio.create_task(run(scenario, **options), name="the run")

    return asyncio.run(played())


def owed(folder: Path) -> set[str]:
    """The kinds of what is left, by its journal."""
    (journal,) = folder.glob(f"*/{NAME}")
    return {thing.kind for thing in left(read(journal))}


@pytest.mark.parametrize(
    ("ends", "kinds"),
    [
        ("passed", ["verdict"]),
        ("failed", ["verdict", "promise broken"]),
        ("interrupted", ["run interrupted"]),
        ("invalid", ["run invalid"]),
    ],
)
def test_what_somebody_may_want_to_be_told_of_a_run_lies_in_its_folder(
    ends: str, kinds: list[str], tmp_path: Path, diary: Diary
) -> None:
    origin = Origin("./mine.py:Phases", "staging", "nowhere:1", (("ends", ends),))
    report = play(Phases(ends=ends), tmp_path, diary, origin=origin)
    (folder,) = tmp_path.iterdir()
    events = Report.read(folder).events
    assert events == report.events
    assert [event.kind for event in events] == kinds
    assert {event.run for event in events} == {report.run}
    again = f"marathon run ./mine.py:Phases --seed {report.seed} --cluster nowhere:1 --ends={ends}"
    page = {"page": str(folder / "report.html")} if report.series else {}
    facts = {"scenario": "phases", "cluster": "staging", "outcome": ends, "again": again, **page}
    assert [{**event.facts, "promise": ""} for event in events] == [{**facts, "promise": ""}] * len(kinds)


@pytest.mark.parametrize("ends", ["passed", "interrupted"])
def test_no_worker_lives_when_a_scenario_cleans_up(
    ends: str, tmp_path: Path, diary: Diary, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Fleet, "close", lambda fleet: diary.note(f"{fleet.name} closed"))
    monkeypatch.setattr(attempt, "fleets_of", lambda _: {"writers": Producers(to="orders", starts="later")})
    monkeypatch.setattr(attempt, "workers_of", lambda _: {"writers": 1})
    assert play(Phases(ends=ends), tmp_path, diary).outcome.value == ends
    lines = diary.after("workload")
    assert lines.index("writers closed") < lines.index("cleanup") < lines.index("topics deleted")


@pytest.mark.parametrize("ends", ["passed", "failed", "interrupted", "invalid"])
def test_a_scenario_cleans_up_on_every_way_out_when_all_is_healed_and_its_topics_are_there_still(
    ends: str, tmp_path: Path, diary: Diary
) -> None:
    report = play(Phases(ends=ends), tmp_path, diary)
    assert report.outcome.value == ends
    assert diary.after("workload")[-5:] == ["healed", "cleanup", "cleaned", "healed", "topics deleted"]
    assert owed(tmp_path) == set()
    assert [phase.name for phase in report.phases].count(Phase.CLEANUP) == 1


class Spans(Scenario):
    """Its times have names."""

    orders: Topic = Topic(partitions=3)

    async def workload(self, kit: Toolkit) -> None:
        kit.note("a moment")
        with kit.span("calm"):
            await kit.steady("50 ms")
        with kit.span("cut short"):
            _cancel_run()
            await kit.steady("1 h")


def test_a_span_is_told_from_its_begin_to_its_end_also_where_it_was_cut_short(tmp_path: Path, diary: Diary) -> None:
    report = play(Spans(), tmp_path, diary)
    moment, calm, cut = (
        next(note for note in report.notes if note.text == text) for text in ("a moment", "calm", "cut short")
    )
    assert moment.until is None
    assert calm.until is not None
    assert cut.until is not None
    assert moment.since <= calm.since <= calm.until - 0.05 < calm.until <= cut.since <= cut.until <= report.seconds
    assert diary.after("a moment")[:3] == ["calm", "calm is over", "cut short"]  # whoever looks on hears both ends
    assert "calm is over" not in [note.text for note in report.notes]


CLEANINGS: dict[str, tuple[str, str, list[str]]] = {
    "raises": ("invalid", "LookupError: nothing to clean (test_running.py:", ["healed", "topics deleted"]),
    "hangs": ("invalid", "the scenario's cleanup was not over within 200 ms", ["healed", "topics deleted"]),
    "is stopped": ("interrupted", "a person", ["cleaned", "healed", "topics deleted"]),
    "is stopped twice": ("interrupted", "a person", ["healed"]),
}


@pytest.mark.parametrize(("cleans", "outcome", "cause", "then"), [(each, *told) for each, told in CLEANINGS.items()])
def test_a_cleanup_that_fails_or_hangs_is_told_and_only_a_second_signal_keeps_topics_from_being_deleted(
    cleans: str,
    outcome: str,
    cause: str,
    then: list[str],
    tmp_path: Path,
    diary: Diary,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(attempt, "_AFTER_ALL_SECONDS", 0.2 if cleans == "hangs" else 60.0)
    report = play(Phases(cleans=cleans), tmp_path, diary)
    assert (report.outcome.value, report.cause[: len(cause)]) == (outcome, cause)
    assert [line for line in diary.after("cleanup") if not line.startswith("a person")] == then
    assert owed(tmp_path) == (set() if "topics deleted" in then else {"topic"})


class Bound(Scenario):
    """It would be played if there were room."""

    orders: Topic = Topic(partitions=3)

    async def workload(self, kit: Toolkit) -> None:
        raise AssertionError("it cannot be played")


def test_a_run_for_which_the_cluster_does_not_grow_is_interrupted_and_touches_no_kafka(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def grow(ground: Ground, note: Callable[[str], None]) -> None:
        raise NoRoomError("Ray: it has not grown within 900 s")

    monkeypatch.setattr(Ground, "grow", grow)
    cluster = Existing({"bootstrap.servers": "nowhere:1"})
    given = Opened("theirs", ours=False, cluster=cluster, begin=pytest.fail, end=lambda: None)
    report = asyncio.run(run(Bound(), cluster=given, places="here", results=tmp_path))
    assert (report.outcome, report.cause) == (Outcome.INTERRUPTED, "Ray: it has not grown within 900 s")
    (folder,) = tmp_path.iterdir()
    assert Report.read(folder) == report


@dataclass
class Steps:
    """An attempt that breaks off in its workload, and each step after it that was made."""

    errors: tuple[Exception, ...]
    made: list[str] = field(default_factory=list)
    rounds: bool = True
    drained: bool = False

    async def play(self) -> None:
        raise ExceptionGroup("as a group of tasks tells it", self.errors)

    def __getattr__(self, name: str) -> Callable[[], Any]:
        async def step() -> None:
            self.made.append(name)

        return step


NO_ROOM = NoRoomError("no room")


@pytest.mark.parametrize(
    ("errors", "interrupted", "invalid", "drains"),
    [
        ((NO_ROOM,), ["no room"], [], False),
        ((NO_ROOM, NoRoomError("no room"), OverdueError("it")), ["no room"], [], False),
        ((NO_ROOM, BenchError("it fails")), ["no room"], ["it fails"], False),
        ((BenchError("it fails"),), [], ["it fails"], True),
    ],
)  # fmt: skip
def test_who_has_no_room_ends_as_one_that_was_interrupted_does(
    errors: tuple[Exception, ...], interrupted: list[str], invalid: list[str], drains: bool
) -> None:
    nobody, course, steps = cast(Any, None), Course(), Steps(errors)
    desk = Desk(nobody, nobody, nobody, nobody, nobody, nobody, course, Stops(nobody), nobody, 0)
    asyncio.run(desk._steps(cast(Any, steps)))
    assert (course.interrupted, course.invalid) == (interrupted, invalid)
    assert steps.made == ["heal", *(["drain"] if drains else []), "leave", "finish", "after_all", "heal", "clean_up"]


@pytest.mark.parametrize("phase", ["prepare", "warmup", "workload"])
def test_a_scenario_that_hangs_proves_nothing_and_takes_the_way_out_when_its_time_is_over(
    phase: str, tmp_path: Path, diary: Diary
) -> None:
    report = play(Phases(hangs=phase, at_most=0.2), tmp_path, diary)
    assert (report.outcome, report.cause) == (Outcome.INVALID, "the scenario was not over within 200 ms")
    assert diary.after(phase) == ["healed", "cleanup", "cleaned", "healed", "topics deleted"]
    assert [each.name for each in report.phases[-3:]] == [phase, Phase.DRAIN, Phase.CLEANUP]
    assert owed(tmp_path) == set()


def test_the_cause_of_an_end_is_that_of_its_outcome_and_others_of_a_kind_stand_as_they_came() -> None:
    course = Course()
    for cause in ("it fails", "that fails, too"):
        course.invalid.append(cause)
    for cause in ("a person", "a node", "a person"):
        course.interrupt(cause)
    assert course.causes == ["a person", "a node", "it fails", "that fails, too"]
    course.skipped = "nothing to do"
    assert course.causes[:2] == ["nothing to do", "a person"]


def test_a_run_that_was_interrupted_after_its_bench_failed_says_by_whom(tmp_path: Path, diary: Diary) -> None:
    report = play(Phases(ends="invalid", cleans="is stopped"), tmp_path, diary)
    assert (report.outcome, report.cause) == (Outcome.INTERRUPTED, "a person")
    assert report.others[0].startswith("LookupError: nobody is there (test_running.py:")
