"""The controller, with runs that are made up: what it plays, what it survives, and what it writes down."""

import asyncio
import json
import re
import shlex
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from marathon_ray.event import Event, Severity
from marathon_ray.ground import CrowdedError
from marathon_ray.journal import Journal, read
from marathon_ray.kafka.cluster import KafkaError
from marathon_ray.news import told
from marathon_ray.outcome import Outcome
from marathon_ray.report.report import Report
from marathon_ray.rotation import controller, leased
from marathon_ray.rotation.controller import Controller, Where
from marathon_ray.rotation.ended import Ended
from marathon_ray.rotation.lease import Lease
from marathon_ray.rotation.ledger import events, muted, words
from marathon_ray.rotation.plan import Plan
from marathon_ray.rotation.upgrades import Watch
from marathon_ray.scenario import Scenario
from marathon_ray.usage import UsageError
from tests.marathon_ray.rotation.plans import a_plan

Play = Callable[[int], Coroutine[Any, Any, Outcome]]


@dataclass
class Stage:
    """Rotations in a folder, whose runs do what `play` says by their number from 0."""

    folder: Path
    play: Play
    played: list[tuple[str, str]] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    ids: dict[str, str] = field(default_factory=dict)  # of clusters that answer, by their address
    hours: dict[str, float] = field(default_factory=dict)  # of nodes, in each run

    async def run(self, scenario: Scenario, **options: Any) -> Report:
        number = len(self.played)
        self.played.append((scenario.title(), options["cluster"]))
        began = datetime.now(UTC)
        try:
            outcome = await self.play(number)
        except asyncio.CancelledError:  # as a real run: it tells how it ended
            outcome = Outcome.INTERRUPTED
        report = Report(
            run=options["run"], bench=options["bench"], scenario=scenario.title(), promise="p", outcome=outcome,
            began=began, seconds=1.0, seed=options["seed"], bytes={"orders": 1000},
            node_hours=self.hours, cost=options["prices"].cost(self.hours),
        )  # fmt: skip
        return told(report, options["origin"])

    def accept(self, event: Event) -> None:
        self.events.append(event)

    def identity(self, properties: Mapping[str, str]) -> str:
        if (found := self.ids.get(properties["bootstrap.servers"])) is None:
            raise KafkaError("it does not answer")
        return found

    def controller(self, *, wait: bool = False, **plan: Any) -> Controller:
        plan = {"patience": {"rest": 0}, **plan}
        return Controller(a_plan(**plan), Where(self.folder, places="here", wait=wait), sinks=(self,))

    @property
    def journal(self) -> list[dict[str, Any]]:
        return [dict(entry) for entry in read(self.folder / "rotation-bench.jsonl")]


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    async def passes(_: int) -> Outcome:
        await asyncio.sleep(0)
        return Outcome.PASSED

    made = Stage(tmp_path, passes)
    monkeypatch.setattr(controller, "run", made.run)
    monkeypatch.setattr(leased, "identity", made.identity)
    return made


def served(one: Controller, within: float = 20.0) -> str:
    async def serve() -> str:
        async with asyncio.timeout(within):
            return await one.serve()

    return asyncio.run(serve())


def beginning(call: Callable[[], None]) -> Callable[[], AbstractAsyncContextManager[None]]:
    """An office that calls it when it is opened."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[None]:
        call()
        yield

    return opened


def scripted(stage: Stage, one: Controller, *outcomes: Outcome | BaseException) -> None:
    """Runs end so, one after the other; the last one stops the rotation."""

    async def play(number: int) -> Outcome:
        if number == len(outcomes) - 1:
            one.stopping = "the script is over"
        outcome = outcomes[number]
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    stage.play = play


ATTEMPT: dict[str, Any] = {
    "number": 1,
    "scenario": "kill-leader",
    "cluster": "one",
    "fields": {},
    "seed": 5,
    "run": "0000000d",
}
PASSED, FAILED, INVALID, INTERRUPTED = Outcome.PASSED, Outcome.FAILED, Outcome.INVALID, Outcome.INTERRUPTED


def test_turn_follows_on_turn_until_it_is_stopped(stage: Stage) -> None:
    one = stage.controller()
    scripted(stage, one, PASSED, FAILED, PASSED, PASSED)
    assert served(one) == "the script is over"
    assert stage.played == [
        ("steady-write", "one.example:9092"),
        ("kill-leader", "one.example:9092"),
        ("kill-leader", "two.example:9092"),
        ("steady-write", "one.example:9092"),
    ]
    assert one.standing.number == 4
    assert "runs: 3 passed, 1 failed" in one.status()


def test_an_interrupted_turn_is_tried_again_and_given_up_in_the_end(stage: Stage) -> None:
    one = stage.controller(patience={"rest": 0, "interruptions": 1})
    scripted(stage, one, INTERRUPTED, INTERRUPTED, PASSED)
    served(one)
    assert [scenario for scenario, _ in stage.played] == ["steady-write", "steady-write", "kill-leader"]
    assert [event.kind for event in stage.events if event.kind == "given up"] == ["given up"]


def test_a_scenario_that_is_interrupted_more_often_than_it_finishes_is_told_also_after_a_restart(stage: Stage) -> None:
    entries: dict[str, Any] = {"scenarios": [{"run": "steady-write", "clusters": ["one"]}]}
    one = stage.controller(**entries)
    scripted(stage, one, INTERRUPTED, INTERRUPTED)
    served(one)
    assert not [event for event in stage.events if event.kind == "often interrupted"]
    stage.played.clear()
    two = stage.controller(**entries)
    scripted(stage, two, INTERRUPTED, PASSED, PASSED, PASSED, PASSED)
    served(two)
    found = [(event.about, event.over) for event in stage.events if event.kind == "often interrupted"]
    assert found == [("steady-write: interruptions", over) for over in (False, False, False, True)]


def test_a_run_that_breaks_does_not_end_the_rotation(stage: Stage) -> None:
    one = stage.controller(patience={"rest": 0, "invalid": 0})
    scripted(stage, one, LookupError("a mistake of ours"), UsageError("it cannot be had"), PASSED)
    served(one)
    assert [entry["cause"] for entry in stage.journal if entry["what"] == "ended"] == [
        "LookupError: a mistake of ours", "it cannot be had", "",
    ]  # fmt: skip
    assert [event.kind for event in stage.events].count("run invalid") == 2


def test_a_new_controller_goes_on_where_a_dead_one_was(stage: Stage) -> None:
    one = stage.controller()
    scripted(stage, one, PASSED)
    served(one)
    with Journal(one.path) as journal:  # and then it dies in its second run
        journal.write("attempt", **ATTEMPT)
    one.path.write_bytes(one.path.read_bytes() + b'{"at": "20')
    two = stage.controller()
    scripted(stage, two, PASSED, PASSED)
    served(two)
    assert [scenario for scenario, _ in stage.played] == ["steady-write", "kill-leader"]
    causes = [(entry["number"], entry["cause"]) for entry in stage.journal if entry["what"] == "ended"]
    assert causes == [(0, ""), (1, "its controller died"), (1, "")]


def test_one_that_died_between_a_verdict_and_the_next_turn_does_not_play_it_again(stage: Stage) -> None:
    one = stage.controller()
    scripted(stage, one, PASSED)
    served(one)
    entries = one.path.read_bytes().splitlines(keepends=True)
    one.path.write_bytes(b"".join(line for line in entries if b'"turn over"' not in line))
    two = stage.controller()
    scripted(stage, two, PASSED, PASSED)
    served(two)
    assert [scenario for scenario, _ in stage.played] == ["steady-write", "kill-leader"]


def test_a_second_controller_is_refused_or_waits(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(controller, "_PAUSE", 0.01)

    async def both() -> tuple[Controller, Controller]:
        first, second = stage.controller(), stage.controller()
        entered = asyncio.Event()

        async def play(number: int) -> Outcome:
            entered.set()
            await asyncio.sleep(60)
            return PASSED

        stage.play = play
        serving = asyncio.create_task(first.serve())
        await entered.wait()
        with pytest.raises(UsageError, match=r"rotation-bench is held by .*; --wait waits for it"):
            await second.serve()
        third = stage.controller(wait=True)
        waiting = asyncio.create_task(third.serve())
        first.stop("enough")
        entered.clear()
        await serving
        await entered.wait()
        third.stop("enough")
        await waiting
        return first, third

    _, third = asyncio.run(both())
    assert third.stopping == "enough"
    assert [entry["outcome"] for entry in stage.journal if entry["what"] == "ended"] == ["interrupted", "interrupted"]


def test_who_waits_for_a_lease_can_be_stopped_and_has_opened_nothing(stage: Stage) -> None:
    one, opened = stage.controller(wait=True), list[str]()
    one.office = beginning(lambda: opened.append("too early"))
    folder = stage.folder / "leases"
    folder.mkdir()
    other = Lease(folder, "rotation-bench", "another").take()

    async def stopped() -> str:
        asyncio.get_running_loop().call_later(0.1, one.stop, "enough")
        async with asyncio.timeout(4):
            return await one.serve()

    assert asyncio.run(stopped()) == "enough"
    assert opened == []
    assert not one.path.exists()
    other.renew()  # it is still theirs


def test_a_lease_is_kept_while_the_next_one_is_waited_for(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leased, "RENEW", 0.01)
    one, renew, kept = stage.controller(wait=True), Lease.renew, list[str]()
    (stage.folder / "leases").mkdir()
    Lease(stage.folder / "leases", "cluster-two", "another").take()
    loops: list[asyncio.AbstractEventLoop] = []

    def seen(lease: Lease) -> None:
        renew(lease)
        kept.append(lease.name)
        loops[0].call_soon_threadsafe(one.stop, "enough")

    async def serve() -> None:
        loops.append(asyncio.get_running_loop())
        async with asyncio.timeout(20):
            await one.serve()

    monkeypatch.setattr(Lease, "renew", seen)
    asyncio.run(serve())
    assert "rotation-bench" in kept
    assert not stage.played


def test_no_renewal_comes_after_a_lease_was_given_back(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leased, "RENEW", 0.01)
    one, renew, loops = stage.controller(), Lease.renew, list[asyncio.AbstractEventLoop]()

    def late(lease: Lease) -> None:
        if not one.stopping:
            one.stopping = "a renewal is under way"
            loops[0].call_soon_threadsafe(one.stop, "")
            time.sleep(0.3)  # a disk that is slow
        renew(lease)

    async def play(number: int) -> Outcome:
        await asyncio.sleep(60)
        return PASSED

    async def serve() -> None:
        loops.append(asyncio.get_running_loop())
        async with asyncio.timeout(20):
            await one.serve()

    monkeypatch.setattr(Lease, "renew", late)
    stage.play = play
    asyncio.run(serve())
    holder = Lease(stage.folder / "leases", "rotation-bench", "another").holder()
    assert holder is not None
    assert not holder.lives


def test_who_loses_its_lease_ends_at_once(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leased, "RENEW", 0.01)
    one = stage.controller()

    async def play(number: int) -> Outcome:
        (stage.folder / "leases" / "rotation-bench.lease").unlink()
        await asyncio.sleep(60)
        return PASSED

    stage.play = play
    assert served(one) == "lost its lease: rotation-bench was taken by nobody"


def test_a_run_is_ended_once_whatever_people_say_one_after_the_other_and_by_each_signal(stage: Stage) -> None:
    one, counts = stage.controller(), []

    async def play(number: int) -> Outcome:
        assert one._task
        for say in (
            one.pause,
            one.skip,
            lambda: one.interrupt("it takes long"),
            lambda: one.stop("stopped by command"),
        ):
            say()
            counts.append(one._task.cancelling())
        one.stop("SIGTERM", again=True)
        counts.append(one._task.cancelling())
        await asyncio.sleep(60)
        return PASSED

    stage.play = play
    served(one)
    assert counts == [1, 1, 1, 1, 2]


def test_skip_hold_release_and_interrupt(stage: Stage) -> None:
    one = stage.controller()
    words: list[str] = []

    async def play(number: int) -> Outcome:
        if number == 0:
            words.append(one.skip())
        elif number == 1:
            words.append(one.interrupt("somebody wants it"))
        elif number == 2:
            words.extend((one.hold(), one.status()))
            asyncio.get_running_loop().call_later(0.2, lambda: words.append(one.release()))
            return PASSED
        else:
            words.append(one.pause())
            one.stop("enough")
        await asyncio.sleep(60)
        return PASSED

    stage.play = play
    served(one)
    assert [scenario for scenario, _ in stage.played[:4]] == [
        "steady-write",
        "kill-leader",
        "kill-leader",
        "kill-leader",
    ]
    assert [cluster for _, cluster in stage.played[1:4]] == ["one.example:9092", "one.example:9092", "two.example:9092"]
    assert words[0].startswith("turn 0 is over; the run heals")
    assert "held by command" in words[3]
    assert len(words) == 6
    assert words[5].startswith("no further run begins; the run heals, cleans up and ends: seconds")
    playing = r"plays kill-leader on one, turn 1, until \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC at least"
    assert re.fullmatch(f"no further run begins; what goes on comes to its end: {playing}", words[2])
    assert re.match(playing, words[3])


def test_a_run_has_the_name_under_which_its_attempt_was_written_down_before(stage: Stage) -> None:
    one = stage.controller()
    scripted(stage, one, PASSED, FAILED)
    served(one)
    names = [[entry["run"] for entry in stage.journal if entry["what"] == what] for what in ("attempt", "ended")]
    assert names[0] == names[1]
    assert len(set(names[0])) == 2


def test_a_budget_that_is_used_up_ends_the_rotation(stage: Stage) -> None:
    assert served(stage.controller(budget={"bytes": "2500 B"})) == "3,000 of 2,500 bytes are written"
    assert len(stage.played) == 3
    assert stage.events[-1].kind == "rotation ended"


def test_a_budget_of_money_is_what_nodes_have_cost_by_their_kind(stage: Stage) -> None:
    stage.hours = {"spot": 0.5, "unknown": 0.5}
    prices = {"spot": "0.03 EUR", "on-demand": "0.10 EUR"}
    assert served(stage.controller(budget={"money": "0.19 EUR"}, prices=prices)) == "0.20 of 0.19 EUR are spent"
    assert len(stage.played) == 3  # 6.5 cents each


def test_its_status_says_how_long_nodes_had_workers_and_what_they_cost(stage: Stage) -> None:
    stage.hours = {"spot": 12.0, "unknown": 0.5}
    one = stage.controller(prices={"spot": "0.03 EUR", "on-demand": "2 EUR"})
    scripted(stage, one, PASSED, PASSED)
    served(one)
    told = "0.0 hours of runs; node-hours 24.00 spot, 1.00 unknown, which cost 2.72 EUR"
    assert told in one.status()
    again = stage.controller()  # which reads it from the journal, and whose nodes cost nothing
    scripted(stage, again, PASSED, PASSED, PASSED)
    served(again)
    assert "node-hours 36.00 spot, 1.50 unknown, which cost 2.72 EUR" in again.status()
    assert "node-hours" not in stage.controller().status()


def test_a_folder_that_cannot_be_had_is_told_before_anything_is_taken(stage: Stage) -> None:
    (stage.folder / "file").write_text("")
    one = Controller(a_plan(), Where(stage.folder / "file", places="here"))
    with pytest.raises(UsageError, match=r"results .*file: "):
        served(one)


def dies_in_its_run(stage: Stage, *entries: tuple[str, dict[str, Any]], report: Outcome | None = None) -> Controller:
    """A controller has died in turn 1; its run's journal has these entries. Returns the next one, which plays one run."""
    one = stage.controller()
    scripted(stage, one, PASSED)
    served(one)
    folder = stage.folder / "kill-leader-0000000d"
    with Journal(folder / "journal.jsonl") as journal:
        journal.write("begin", run="0000000d", bench="bench", pid=1, started=-1, host="elsewhere", cluster="nowhere")
        for what, facts in entries:
            journal.write(what, **facts)
    with Journal(one.path) as journal:  # after it, by a clock that was set back since
        journal.write("attempt", **ATTEMPT)
    if report:
        Report(
            run="0000000d", bench="bench", scenario="kill-leader", promise="p", outcome=report, began=datetime.now(UTC),
            seconds=7.0, seed=5,
        ).write(folder)  # fmt: skip
    two = stage.controller()
    scripted(stage, two, PASSED, PASSED)
    return two


def test_what_a_run_had_found_when_its_controller_died_is_told_and_is_its_verdict(stage: Stage) -> None:
    two = dies_in_its_run(stage, ("broken", {"promises": {'Integrity("orders")': "3 lost"}}))
    served(two)
    (ended,) = [entry for entry in stage.journal if entry["what"] == "ended" and entry["number"] == 1]
    assert (ended["outcome"], ended["cause"], ended["run"]) == ("failed", "its controller died", "0000000d")
    (event,) = [event for event in stage.events if event.kind == "promise broken"]
    assert event.about == 'kill-leader on one: Integrity("orders")'
    assert event.message.splitlines()[1] == "3 lost; then its controller died"
    assert [entry["number"] for entry in stage.journal if entry["what"] == "attempt"] == [0, 1, 2]


@pytest.mark.parametrize("broken", [{}, {"Integrity": "3 lost"}])
def test_what_a_run_had_spent_when_its_controller_died_is_spent(stage: Stage, broken: dict[str, str]) -> None:
    spent = [("spent", {"bytes": count, "hours": {"spot": count / 10}, "money": {"EUR": count}}) for count in (1, 2)]
    two = dies_in_its_run(stage, *spent, ("broken", {"promises": broken}))
    counted: list[Ended] = []
    two.finished = (counted.append,)
    served(two)
    ended = next(entry for entry in stage.journal if entry["what"] == "ended" and entry["number"] == 1)
    assert ended["cause"] == "its controller died"
    assert (ended["bytes"], ended["hours"], ended["money"]) == (2, {"spot": 0.2}, {"EUR": 2})
    assert ended["seconds"] > 0
    assert "node-hours 0.20 spot, which cost 2.00 EUR" in two.status()
    first = counted[0]  # also without a report
    assert (first.scenario, first.cluster, first.outcome) == ("kill-leader", "one", FAILED if broken else INTERRUPTED)
    assert (first.hours, first.money, first.seconds) == ({"spot": 0.2}, {"EUR": 2}, ended["seconds"])


@pytest.mark.parametrize(
    ("broken", "outcome", "told"),
    [({}, "invalid", "run invalid"), ({"Integrity": "3 lost"}, "failed", "promise broken")],
)
def test_what_a_run_had_found_and_spent_when_it_broke_counts_and_what_it_left_is_undone(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, broken: dict[str, str], outcome: str, told: str
) -> None:
    one = stage.controller(patience={"rest": 0, "invalid": 0})
    reclaims: list[int] = []

    async def run(scenario: Scenario, **options: Any) -> Report:
        if stage.played:
            one.stop("enough")
            return await stage.run(scenario, **options)
        stage.played.append((scenario.title(), options["cluster"]))
        with Journal(stage.folder / f"{scenario.title()}-{options['run']}" / "journal.jsonl") as own:
            own.write("begin", run=options["run"])
            own.write("intend", kind="topic", name="m-bench-x-orders")
            own.write("broken", promises=broken)
            own.write("spent", bytes=2, hours={"spot": 0.2}, money={"EUR": 2})
        raise OSError("the disk is full")

    def reclaim(*_: Any, **__: Any) -> int:
        reclaims.append(len(stage.played))
        return 0

    monkeypatch.setattr(controller, "run", run)
    monkeypatch.setattr(controller, "reclaim", reclaim)
    served(one)
    ended, _ = (entry for entry in stage.journal if entry["what"] == "ended")
    assert (ended["outcome"], ended["cause"]) == (outcome, "OSError: the disk is full")
    assert (ended["bytes"], ended["hours"], ended["money"]) == (2, {"spot": 0.2}, {"EUR": 2})
    assert "node-hours 0.20 spot, which cost 2.00 EUR" in one.status()
    events = [event for event in stage.events if event.kind in ("run invalid", "promise broken")]
    assert [event.kind for event in events] == [told]
    why = "3 lost; then OSError: the disk is full" if broken else "OSError: the disk is full"
    assert events[0].message.splitlines()[1] == why
    assert reclaims == [0, 1]


def test_a_run_that_broke_when_its_report_was_there_has_its_verdict(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = stage.controller()

    async def run(scenario: Scenario, **options: Any) -> Report:
        one.stopping = "enough"
        report = await stage.run(scenario, **options)
        folder = stage.folder / f"{scenario.title()}-{options['run']}"
        with Journal(folder / "journal.jsonl") as own:
            own.write("begin", run=options["run"])
        report.write(folder)
        raise OSError("the disk is full")

    monkeypatch.setattr(controller, "run", run)
    served(one)
    broke, ended = [entry for entry in stage.journal if entry["what"] in ("broke", "ended")]
    assert (ended["outcome"], ended["seconds"], ended["bytes"]) == ("passed", 1.0, 1000)
    assert (broke["run"], broke["why"]) == (ended["run"], "OSError: the disk is full")


@pytest.mark.parametrize(("error", "outcome"), [(UsageError, "invalid"), (CrowdedError, "interrupted")])
def test_a_run_that_was_refused_has_taken_its_time_and_is_interrupted_where_there_was_no_room(
    stage: Stage, error: type[UsageError], outcome: str
) -> None:
    one = stage.controller(patience={"rest": 0, "invalid": 0, "interruptions": 0})

    async def play(number: int) -> Outcome:
        await asyncio.sleep(0.2)
        if number:
            one.stop("enough")
        raise error("Ray: nobody has room")

    stage.play = play
    served(one)
    ended = [entry for entry in stage.journal if entry["what"] == "ended"]
    assert [(entry["seconds"] >= 0.2, entry["outcome"]) for entry in ended] == [(True, outcome)] * 2
    assert any(event.kind == "run invalid" for event in stage.events) == (outcome == "invalid")


def test_what_was_found_and_taken_back_before_a_controller_died_is_no_verdict(stage: Stage) -> None:
    two = dies_in_its_run(stage, ("broken", {"promises": {"Integrity": "3 lost"}}), ("broken", {"promises": {}}))
    served(two)
    assert [event for event in stage.events if event.kind == "promise broken"] == []
    assert [entry["number"] for entry in stage.journal if entry["what"] == "attempt"] == [0, 1, 1]


def test_a_run_that_had_its_report_when_its_controller_died_is_not_made_again(stage: Stage) -> None:
    two = dies_in_its_run(stage, report=PASSED)
    served(two)
    (ended,) = [entry for entry in stage.journal if entry["what"] == "ended" and entry["number"] == 1]
    assert (ended["outcome"], ended["run"], ended["seconds"]) == ("passed", "0000000d", 7.0)
    assert [entry["number"] for entry in stage.journal if entry["what"] == "attempt"] == [0, 1, 2]


def test_what_cannot_be_undone_at_first_is_tried_again_before_each_run(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[Path] = []

    def reclaim(results: Path, *_: Any, **__: Any) -> int:
        tries.append(results)
        if len(tries) < 3:
            raise KafkaError("nobody is there")
        return 1

    monkeypatch.setattr(controller, "reclaim", reclaim)
    one = stage.controller()
    scripted(stage, one, PASSED, PASSED, PASSED, PASSED)
    served(one)
    told = [(event.kind, event.over) for event in stage.events if event.about == "leftovers of dead runs"]
    assert told == [("leftovers", False), ("leftovers", False), ("reclaimed", False), ("leftovers", True)]
    assert len(tries) == 3


def test_who_cannot_renew_its_lease_tries_again(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leased, "RENEW", 0.01)
    renewals: list[bool] = []
    renewed = asyncio.Event()

    def renew(_: Lease) -> None:
        renewals.append(True)
        if len(renewals) == 1:
            raise OSError("the store is away")
        one.stop("it was tried again")

    monkeypatch.setattr(Lease, "renew", renew)
    one = stage.controller()

    async def play(number: int) -> Outcome:
        await renewed.wait()
        return PASSED

    stage.play = play
    assert served(one) == "it was tried again"


def test_who_cannot_renew_its_lease_for_as_long_as_it_lasts_ends(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leased, "RENEW", 0.01)
    monkeypatch.setattr(leased, "EXPIRES", 0.1)

    def renew(_: Lease) -> None:
        raise OSError("the store is away")

    monkeypatch.setattr(Lease, "renew", renew)

    async def play(_: int) -> Outcome:
        await asyncio.sleep(30)
        return PASSED

    stage.play = play
    assert served(stage.controller()) == "lost its lease: not renewed for 0.1 s: the store is away"


def test_what_a_run_says_is_told_before_it_counts_as_over(stage: Stage) -> None:
    one = stage.controller()
    scripted(stage, one, FAILED)
    served(one)
    whats = [entry["event"]["kind"] if entry["what"] == "event" else entry["what"] for entry in stage.journal]
    assert whats.index("verdict") < whats.index("ended")


def test_nothing_is_taken_up_before_the_rotation_is_its_own(stage: Stage) -> None:
    one, opened = stage.controller(), list[str]()
    one.office = beginning(lambda: opened.append(one.path.read_text() and "whole"))
    scripted(stage, one, PASSED)
    with Journal(one.path) as journal:
        journal.write("hold")
        journal.write("release")
    served(one)
    two = stage.controller()
    two.office = beginning(lambda: opened.append("too early"))
    (stage.folder / "leases" / "rotation-bench.lease").write_text(
        json.dumps({"owner": "another", "number": 9, "until": time.time() + 60})
    )
    with pytest.raises(UsageError, match="is held by another"):
        served(two)
    assert opened == ["whole"]


def test_a_mute_outlives_its_controller(stage: Stage) -> None:
    until = datetime.now(UTC) + timedelta(hours=1)
    one = stage.controller()
    told: list[str] = []

    async def play(number: int) -> Outcome:
        one.note_mute(until)
        told.append(one.status())
        one.note_mute(None)
        told.append(one.status())
        one.note_mute(until)
        one.stopping = "enough"
        raise UsageError("it cannot be had")

    stage.play = play
    served(one)
    entries = list(read(one.path))
    assert muted(entries) == until
    assert [event.kind for event in events(entries)] == ["leftovers"]  # of the time before
    assert muted([*entries, {"what": "mute", "until": None}]) is None
    assert [f"nobody is alerted until {until:%Y-%m-%d %H:%M:%S} UTC" in text for text in told] == [True, False]
    assert "nobody" not in words(one.standing, until)


MINE = """
from marathon_ray import Scenario

class MineAlone(Scenario):
    "It is a user's."
"""


def test_all_that_is_told_of_a_users_file_is_one_incident_though_the_file_is_gone(stage: Stage) -> None:
    file = stage.folder / "mine.py"
    file.write_text(MINE)
    one = stage.controller(scenarios=[{"run": str(file)}], patience={"rest": 0, "invalid": 1, "interruptions": 0})

    async def play(number: int) -> Outcome:
        if number == 0:
            file.unlink()
            raise UsageError("it cannot be had")
        return PASSED

    stage.play = play
    one.sinks = (stage, SimpleNamespace(accept=lambda event: one.stop("enough") if event.kind == "given up" else None))
    served(one)
    told = [(event.kind, event.about) for event in stage.events if "verdict" in event.about]
    assert told == [
        ("run invalid", "mine-alone on one: verdict"),
        ("run invalid", "mine-alone on one: verdict"),
        ("given up", "mine-alone on one: verdict"),
    ]


def test_the_command_that_plays_a_run_again_names_the_users_file(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    (stage.folder / "mine.py").write_text(MINE)
    monkeypatch.chdir(stage.folder)
    one = stage.controller(scenarios=[{"run": "./mine.py:MineAlone"}])
    scripted(stage, one, FAILED)
    served(one)
    (event,) = [event for event in stage.events if event.kind == "verdict"]
    assert shlex.split(str(event.facts["again"]))[:3] == ["marathon", "run", f"{stage.folder}/mine.py:MineAlone"]


def test_who_speaks_after_the_end_is_heard_by_sinks(stage: Stage) -> None:
    one = stage.controller()
    scripted(stage, one, PASSED)
    served(one)
    before = stage.journal
    one.accept(Event(severity=Severity.INFO, kind="k", about="a", message="late"))
    assert stage.events[-1].message == "late"
    assert stage.journal == before


def test_what_is_set_by_command_is_in_force_from_the_next_run_on_and_after_a_restart(stage: Stage) -> None:
    def revise(changes: Mapping[str, str]) -> Plan:
        if changes.get("scenarios.0.run") == "none":
            raise UsageError("scenarios.0.run: none is not known")
        given = {name.rpartition(".")[2]: text for name, text in changes.items()}
        return a_plan(patience={"rest": 0}, scenarios=[{"run": given.get("run", "steady-write")}])

    def next_one() -> Controller:
        one = stage.controller(scenarios=[{"run": "steady-write"}])
        one.revise = revise
        return one

    first = next_one()

    async def play(number: int) -> Outcome:
        if number == 0:
            assert (
                first.change("scenarios.0.run", "kill-leader") == "from the next run on scenarios.0.run is kill-leader"
            )
            with pytest.raises(UsageError, match="none is not known"):
                first.change("scenarios.0.run", "none")
        else:
            first.stop("enough")
        return PASSED

    stage.play = play
    served(first)
    assert "set by command: scenarios.0.run is kill-leader" in first.status()

    second = next_one()
    scripted(stage, second, PASSED, PASSED, PASSED)
    served(second)
    assert [name for name, _ in stage.played] == ["steady-write", "kill-leader", "kill-leader"]

    third = next_one()

    async def clear(number: int) -> Outcome:
        if number == 3:
            with pytest.raises(UsageError, match="order: it was not set"):
                third.change("order", None)
            assert third.change("scenarios.0.run", None) == "from the next run on scenarios.0.run is as the plan says"
            with pytest.raises(UsageError, match="it was not set; there are none"):
                third.change("scenarios.0.run", None)
        else:
            third.stop("enough")
        return PASSED

    stage.play = clear
    served(third)
    assert [name for name, _ in stage.played[3:]] == ["kill-leader", "steady-write"]
    assert "set by command" not in third.status()


def test_who_waits_by_the_plan_looks_at_once_when_it_is_changed(stage: Stage) -> None:
    one = stage.controller(every="1 h")
    one.revise = lambda changes: a_plan(patience={"rest": 0}, **changes)
    waited: list[str] = []

    def change() -> None:
        waited.append(one.doing)
        one.change("every", "0 s")

    async def play(number: int) -> Outcome:
        if number:
            one.stop("enough")
        asyncio.get_running_loop().call_later(0.3, change)
        return PASSED

    stage.play = play
    assert served(one) == "enough"
    assert waited[0].startswith("waits: cadence, until ")


def test_what_was_set_and_does_not_fit_the_plan_any_more_is_told_and_forgotten(stage: Stage) -> None:
    def revise(changes: Mapping[str, str]) -> Plan:
        if "order" in changes:
            raise UsageError("order: it is not what it was")
        return a_plan(patience={"rest": 0}, every=0, scenarios=[{"run": changes.get("every", "steady-write")}])

    with Journal(stage.folder / "rotation-bench.jsonl") as own:
        own.write("set", field="order", value="drawn")
        own.write("set", field="every", value="kill-leader")
    one = stage.controller()
    one.revise = revise
    scripted(stage, one, PASSED)
    served(one)
    assert stage.played[0][0] == "kill-leader"
    (told,) = [event for event in stage.events if event.kind == "change dropped"]
    assert told.message == "order is as the plan says, and not drawn\norder: it is not what it was"
    assert dict(one.standing.changes) == {"every": "kill-leader"}


def test_one_cluster_with_two_names_is_one_lease(stage: Stage) -> None:
    stage.ids = {"one.example:9092": "id-1", "two.example:9092": "id-2", "alias.example:9092": "id-1"}
    mine = stage.controller(bench="mine", clusters={"one": "one.example:9092"}, scenarios=[{"run": "steady-write"}])
    theirs = stage.controller(
        bench="theirs", clusters={"another": "alias.example:9092"}, scenarios=[{"run": "steady-write"}]
    )

    async def play(_: int) -> Outcome:
        with pytest.raises(UsageError, match="cluster-id-1"):
            await theirs.serve()
        mine.stop("enough")
        return PASSED

    stage.play = play
    served(mine)
    assert len(stage.played) == 1


def test_one_cluster_twice_in_a_plan_is_refused_and_no_lease_is_kept(stage: Stage) -> None:
    stage.ids = {"one.example:9092": "id-1", "two.example:9092": "id-1"}
    with pytest.raises(UsageError, match="clusters one and two are one, whose id is id-1: name it once"):
        served(stage.controller())
    stage.ids = {"one.example:9092": "id-1"}
    one = stage.controller()
    scripted(stage, one, PASSED)
    served(one)
    leases = {path.name for path in (stage.folder / "leases").iterdir()}
    assert any("cluster-id-1" in name for name in leases)
    assert any("cluster-two" in name for name in leases)  # it did not answer


@dataclass
class Registry:
    """Serves releases newer than those of every cluster, or raises."""

    serves: list[str]
    asked: int = 0

    def offers(self, cluster: str, max_age: float) -> list[str]:
        self.asked += 1
        if not self.serves:
            raise KafkaError("no connection")
        return self.serves


def watching(stage: Stage, registry: Registry, **plan: Any) -> Controller:
    one = stage.controller(upgrades={"every": "1 h", "clusters": ["one"]}, **plan)
    one.watch = Watch(registry.offers)
    return one


def test_a_newer_release_is_told_and_upgraded_to_once_before_the_turn_that_was_next(stage: Stage) -> None:
    registry = Registry(["4.3.1", "4.4.0"])
    one = watching(stage, registry)
    scripted(stage, one, INTERRUPTED, PASSED, PASSED)
    served(one)
    assert [scenario for scenario, _ in stage.played] == ["rolling-upgrade", "rolling-upgrade", "steady-write"]
    assert registry.asked == 1
    attempts = [entry for entry in stage.journal if entry["what"] == "attempt"]
    assert [(entry["number"], entry["cluster"], entry["fields"].get("to")) for entry in attempts] == [
        (0, "one", "4.4.0"), (0, "one", "4.4.0"), (0, "one", None),
    ]  # fmt: skip
    (event,) = [event for event in stage.events if event.kind == "new release"]
    assert event.message == "Kafka 4.4.0 is newer than what one runs\nthe next turn is rolling-upgrade"

    two = watching(stage, registry)  # which finds the same release
    scripted(stage, two, PASSED, PASSED, PASSED, PASSED)
    served(two)
    assert [scenario for scenario, _ in stage.played[3:]] == ["kill-leader"]
    registry.serves = ["4.4.0", "4.4.1"]
    three = watching(stage, registry)
    scripted(stage, three, *[PASSED] * 6)
    served(three)
    assert [scenario for scenario, _ in stage.played[4:]] == ["rolling-upgrade", "kill-leader"]
    assert [event.facts["release"] for event in stage.events if event.kind == "new release"] == ["4.4.0", "4.4.1"]


@pytest.mark.parametrize(("interruptions", "played"), [(0, ["steady-write"]), (1, ["rolling-upgrade", "steady-write"])])
def test_who_died_in_an_upgrade_is_followed_by_one_who_goes_on_with_it_or_gives_it_up(
    stage: Stage, interruptions: int, played: list[str]
) -> None:
    with Journal(stage.folder / "rotation-bench.jsonl") as own:
        own.write("newer", cluster="one", release="4.4.0")
        own.write("attempt", **{**ATTEMPT, "number": 0, "scenario": "rolling-upgrade", "release": "4.4.0"})
    one = watching(stage, Registry(["4.4.0"]), patience={"rest": 0, "interruptions": interruptions})
    scripted(stage, one, *[INTERRUPTED] * interruptions, PASSED)
    served(one)
    assert [scenario for scenario, _ in stage.played] == played
    assert [entry.get("upgraded") for entry in stage.journal if entry["what"] == "turn over"] == ["one", None]
    (event,) = [event for event in stage.events if event.kind == "given up"]
    assert event.about == "rolling-upgrade on one: verdict"


def test_a_registry_that_does_not_answer_stops_nothing(stage: Stage) -> None:
    one = watching(stage, registry := Registry([]))
    scripted(stage, one, PASSED, PASSED)
    served(one)
    assert [scenario for scenario, _ in stage.played] == ["steady-write", "kill-leader"]
    assert registry.asked == 1
    (event,) = [event for event in stage.events if event.kind == "releases unknown"]
    assert (event.severity, event.message.splitlines()[1]) == (Severity.WARNING, "no connection")


def test_an_upgrade_can_be_skipped(stage: Stage) -> None:
    one = watching(stage, Registry(["4.4.0"]))

    async def play(number: int) -> Outcome:
        if number:
            one.stop("enough")
        else:
            one.skip()
        await asyncio.sleep(60)
        return PASSED

    stage.play = play
    served(one)
    assert [scenario for scenario, _ in stage.played] == ["rolling-upgrade", "steady-write"]


def test_an_upgrade_that_has_not_begun_can_be_skipped(stage: Stage) -> None:
    with Journal(stage.folder / "rotation-bench.jsonl") as own:
        own.write("newer", cluster="one", release="4.4.0")
        own.write("hold")
    one = watching(stage, Registry(["4.4.0"]))
    words: list[str] = []

    def later() -> None:
        asyncio.get_running_loop().call_later(0.2, lambda: words.extend((one.skip(), one.release())))

    one.office = beginning(later)
    scripted(stage, one, PASSED)
    served(one)
    assert words[0] == "turn 0 is over; no run goes on"
    assert [scenario for scenario, _ in stage.played] == ["steady-write"]
