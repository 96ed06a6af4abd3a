"""What stands around a controller: its page of metrics, and people who command."""

import asyncio
import gc
import json
import os
import signal
import threading
import urllib.request
import weakref
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from marathon_ray import cli
from marathon_ray.alerts.apprise import check
from marathon_ray.alerts.sending import Alerts
from marathon_ray.audience import Audience
from marathon_ray.commands import serve
from marathon_ray.commands.serve import Office, Options, obey
from marathon_ray.event import Event, Severity
from marathon_ray.journal import Journal, read
from marathon_ray.metrics import Metrics, Page
from marathon_ray.report.report import Report
from marathon_ray.rotation import controller, leased
from marathon_ray.rotation.checking import Draft
from marathon_ray.rotation.controller import Controller, Where
from marathon_ray.rotation.copying import Copying
from marathon_ray.rotation.inbox import Command
from marathon_ray.rotation.lease import Lease, TakenError
from marathon_ray.round import Doing, Phase, Round
from marathon_ray.scenario import Scenario
from marathon_ray.store import Store
from marathon_ray.usage import UsageError
from tests.marathon_ray.report import sample
from tests.marathon_ray.rotation.plans import a_plan

ANYWHERE = ("127.0.0.1", 0)
Speak = Callable[[Callable[[Command], str], Callable[[str], None]], None]


@pytest.fixture(autouse=True)
def _nothing_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leased, "identity", lambda properties: "id")


def test_the_workers_of_the_run_under_way_are_counted_round_by_round(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[Audience] = []
    seen: list[float | None] = []

    def shown() -> float | None:
        (board,) = heard
        return board.registry.get_sample_value("marathon_workers") if isinstance(board, Metrics) else None

    async def run(scenario: Scenario, **options: Any) -> Report:
        heard.append(options["tell"])
        for workers in (3, 2):
            fleets = {"writers": Doing(workers=workers), "readers": Doing(workers=1)}
            heard[0].round(Round(0, 1, 0, Phase.WORKLOAD, fleets), ())
            seen.append(shown())
        return sample.report(bytes={"orders": 1000})

    plan = tmp_path / "plan.yaml"
    plan.write_text(
        "{clusters: {one: 'one.example:9092'}, scenarios: [{run: steady-write}], budget: {bytes: 1 B}, "
        "places: here, metrics: '127.0.0.1:0'}"
    )
    monkeypatch.setattr(controller, "run", run)
    assert serve.serve(plan, options=Options(results=tmp_path / "results")) == 0
    assert [*seen, shown()] == [4, 3, 0]


def test_nothing_of_a_run_is_there_when_the_next_one_begins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    knots: list[weakref.ref[list[object]]] = []
    left: list[int] = []

    class Knot(list[object]):
        """It will hold itself."""

    async def run(scenario: Scenario, **options: Any) -> Report:
        left.append(sum(each() is not None for each in knots))
        knot = Knot()
        knot.append(knot)
        knots.append(weakref.ref(knot))
        return sample.report(bytes={"orders": 1000})

    plan = tmp_path / "plan.yaml"
    plan.write_text(
        "{clusters: {one: 'one.example:9092'}, scenarios: [{run: steady-write}], budget: {bytes: 2500 B}, "
        "places: here, metrics: '127.0.0.1:0'}"
    )
    monkeypatch.setattr(controller, "run", run)
    gc.disable()
    try:
        assert serve.serve(plan, options=Options(results=tmp_path / "results")) == 0
    finally:
        gc.enable()
    assert left == [0, 0, 0]


WRONG = """\
results: {results}
clusters: {{one: one.example:9092}}
scenarios:
  - run: stedy-write
  - run: kill-leader
    fields:
      writers.workers: 0
quiet:
  - {{from: 08:00, to: 08:00}}
budget: {{money: 20 EUR}}
prices: {{spot: 0.03}}
alerts:
  - to: nonsense
metrics: nowhere
store: file://{plan}/store
"""


def test_all_mistakes_of_a_plan_are_told_at_once_with_their_lines_and_nothing_is_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan, results = tmp_path / "plan.yaml", tmp_path / "results"
    plan.write_text(WRONG.format(results=results, plan=plan))
    assert cli.run(["serve", str(plan)]) == 2
    out, error = capsys.readouterr()
    wrong = [
        "line 4: scenarios.0.run: scenario 'stedy-write' is not known; did you mean steady-write?",
        "line 7: scenarios.1.fields.writers.workers: kill-leader.writers.workers '0': Input should be greater than",
        "line 9: quiet.0: from 08:00 to 08:00 is no time at all, or always",
        "line 11: prices.spot: 0.03: write an amount and its currency, as 200 EUR",
        "line 13: alerts.0.to: that is no address: ",
        "line 14: metrics: 'nowhere': write HOST:PORT, as 127.0.0.1:9464",
        f"line 15: store: file://{plan}/store: it cannot be written: ",
    ]
    assert (out, error.count("\n")) == ("", len(wrong))
    for line, known in zip(error.splitlines(), wrong, strict=True):
        assert line.startswith(f"marathon: {plan}, {known}")
    assert not results.exists()
    assert cli.run(["serve", str(plan), "--metrics", "127.0.0.1:0", "--store", f"file://{tmp_path}/store"]) == 2
    assert capsys.readouterr().err.count("\n") == len(wrong) - 2


def commanded(folder: Path, monkeypatch: pytest.MonkeyPatch, speak: Speak) -> Controller:
    """A controller to which somebody has spoken so, once, before its first run, which ends with it."""

    class Inbox:
        def __init__(self, bench: str) -> None:
            self.bench = bench

        async def serve(self, obey: Callable[[Command], str], tell: Callable[[str], None]) -> None:
            try:
                speak(obey, tell)
            finally:
                obey(Command("2", "stop"))

        def close(self) -> None:
            pass

    async def run(scenario: Scenario, **_: Any) -> Report:
        await asyncio.sleep(60)
        raise AssertionError("nobody has stopped it")

    monkeypatch.setattr(serve, "Inbox", Inbox)
    monkeypatch.setattr(controller, "run", run)
    one = Controller(a_plan(clusters={"one": "one.example:9092"}, scenarios=[{"run": "steady-write"}]), Where(folder))
    one.office = Office(one, Metrics(), ANYWHERE, hears=True).opened
    asyncio.run(served(one))
    return one


async def served(one: Controller) -> None:
    async with asyncio.timeout(20):
        await one.serve()


def noted(monkeypatch: pytest.MonkeyPatch, *calls: tuple[type, str, str]) -> list[str]:
    """The words of these methods, as they are called."""
    said: list[str] = []

    def note(owner: type, name: str, word: str) -> None:
        method = getattr(owner, name)

        def call(*arguments: Any, **more: Any) -> Any:
            said.append(word)
            return method(*arguments, **more)

        monkeypatch.setattr(owner, name, call)

    for each in calls:
        note(*each)
    return said


def test_one_is_opened_after_the_other_and_closed_in_reverse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Inbox:
        def __init__(self, bench: str) -> None:
            self._closes = asyncio.Event()
            said.append("commands")

        async def serve(self, obey: Callable[[Command], str], tell: Callable[[str], None]) -> None:
            await self._closes.wait()
            said.append("no commands")

        def close(self) -> None:
            self._closes.set()

    async def run(scenario: Scenario, **_: Any) -> Report:
        said.append("run")
        one.stop("enough")
        return sample.report()

    said = noted(
        monkeypatch,
        (Lease, "take", "lease"), (Lease, "give_back", "no lease"), (Journal, "__enter__", "journal"),
        (Journal, "__exit__", "no journal"), (Alerts, "__init__", "alerts"), (Alerts, "close", "no alerts"),
        (Page, "__init__", "page"), (Page, "close", "no page"), (Copying, "__init__", "copies"),
        (Copying, "close", "no copies"),
    )  # fmt: skip
    monkeypatch.setattr(serve, "Inbox", Inbox)
    monkeypatch.setattr(controller, "run", run)
    one = Controller(a_plan(clusters={"one": "one.example:9092"}, scenarios=[{"run": "steady-write"}]), Where(tmp_path))
    store = Store(f"file://{tmp_path / 'away'}")
    one.office = Office(one, Metrics(), ANYWHERE, (), store, hears=True).opened
    asyncio.run(served(one))
    opened = ["lease", "lease", "journal", "alerts", "page", "copies", "commands"]
    assert said == [*opened, "run", *(f"no {word}" for word in reversed(opened))]


def a_rotation(folder: Path, port: int, **more: Any) -> Path:
    """The file of a plan of one scenario."""
    given = {"clusters": {"one": "one.example:9092"}, "scenarios": [{"run": "steady-write"}], "places": "here"}
    plan = folder / "plan.yaml"
    plan.write_text(json.dumps({**given, "metrics": f"127.0.0.1:{port}", "results": str(folder / "results"), **more}))
    return plan


def a_port() -> int:
    with Page(Metrics(), port=0) as page:
        return page.port


def test_who_waits_for_a_lease_leaves_the_port_to_the_one_that_holds_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits, port = threading.Event(), a_port()
    pages: list[str] = []
    take = Lease.take

    def taking(lease: Lease) -> Lease:
        try:
            return take(lease)
        except TakenError:
            waits.set()
            raise

    async def run(scenario: Scenario, **_: Any) -> Report:
        with await asyncio.to_thread(urllib.request.urlopen, f"http://127.0.0.1:{port}/metrics") as answer:
            pages.append(answer.read().decode())
        if len(pages) == 1:
            begun.set()
            assert await asyncio.to_thread(waits.wait, 20)
            one.stopping = "enough"
        return sample.report(bytes={"orders": 1000})

    monkeypatch.setattr(Lease, "take", taking)
    monkeypatch.setattr(controller, "run", run)
    monkeypatch.setattr(controller, "_PAUSE", 0.01)
    begun, plan = threading.Event(), a_rotation(tmp_path, port, budget={"bytes": "1500 B"})
    one = Controller(Draft(plan, check).plan(), Where(tmp_path / "results", places="here"))
    one.office = Office(one, Metrics(), ("127.0.0.1", port)).opened
    first = threading.Thread(target=asyncio.run, args=(served(one),))
    first.start()
    assert begun.wait(20)
    assert cli.run(["serve", str(plan), "--wait"]) == 0
    first.join()
    assert [page.count("marathon_build_info{") for page in pages] == [1, 1]
    ends = [entry["outcome"] for entry in read(one.path) if entry["what"] == "ended"]
    assert len(ends) == 2


def test_who_is_asked_by_a_signal_while_it_waits_for_a_lease_exits_as_what_was_interrupted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, take = a_rotation(tmp_path, a_port()), Lease.take
    (tmp_path / "results" / "leases").mkdir(parents=True)
    Lease(tmp_path / "results" / "leases", "rotation-bench", "another").take()

    def taking(lease: Lease) -> Lease:
        try:
            return take(lease)
        except TakenError:
            os.kill(os.getpid(), signal.SIGTERM)
            raise

    monkeypatch.setattr(Lease, "take", taking)
    assert cli.run(["serve", str(plan), "--wait"]) == 4


def test_a_port_that_is_in_use_costs_a_line_and_the_lease_is_given_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Page(Metrics(), port=0) as page:
        assert cli.run(["serve", str(a_rotation(tmp_path, page.port))]) == 2
        said = capsys.readouterr()
    assert (said.out, said.err) == ("", f"marathon: metrics 127.0.0.1:{page.port}: Address already in use\n")
    holder = Lease(tmp_path / "results" / "leases", "rotation-bench", "another").holder()
    assert holder is not None
    assert (holder.number, holder.lives) == (1, False)


def test_a_port_that_is_none_is_refused_before_anything_is_taken(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = a_rotation(tmp_path, 70_000)
    assert cli.run(["serve", str(plan)]) == 2
    told = f"marathon: {plan}, line 1: metrics: '127.0.0.1:70000': write HOST:PORT, as 127.0.0.1:9464\n"
    assert capsys.readouterr().err == told
    assert not (tmp_path / "results").exists()


def test_that_commands_are_not_heard_is_an_event_and_that_they_are_again_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def speak(obey: Callable[[Command], str], tell: Callable[[str], None]) -> None:
        tell("ValueError: no place")
        tell("")

    entries = read(commanded(tmp_path, monkeypatch, speak).path)
    events = [Event.model_validate(entry["event"]) for entry in entries if entry["what"] == "event"]
    told = [(each.severity, each.over, each.message) for each in events if each.about == "commands"]
    assert told == [
        (Severity.WARNING, False, "commands are not heard\nValueError: no place"),
        (Severity.INFO, True, "commands are heard"),
    ]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("3000000 days", "duration '3000000 days': it ends beyond the year 9999"),
        ("99999999999 days", "duration '99999999999 days': write 250 ms, .*, at most 1e\\+12"),
        ("ages", "duration 'ages': write 250 ms, .*"),
    ],
)
def test_a_mute_for_ever_is_refused_in_a_line_and_nobody_is_muted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, line: str
) -> None:
    def speak(obey: Callable[[Command], str], tell: Callable[[str], None]) -> None:
        with pytest.raises(UsageError, match=f"^{line}$"):
            obey(Command("1", "mute", {"duration": text}))

    one = commanded(tmp_path, monkeypatch, speak)
    assert [entry for entry in read(one.path) if entry["what"] == "mute"] == []


class Called:
    """A controller, or alerts: each call is kept, and answered with its name."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []

    def __getattr__(self, name: str) -> Callable[..., str]:
        def call(*arguments: Any) -> str:
            self.calls.append((name, *arguments))
            return name

        return call


def obeyed(word: str, **arguments: Any) -> tuple[str, list[tuple[Any, ...]]]:
    """What is answered, and what was done."""
    one: Any = Called()
    return obey(one, one, Command("1", word, arguments)), one.calls


@pytest.mark.parametrize("word", ["status", "hold", "release", "skip", "pause"])
def test_a_word_is_what_the_controller_does(word: str) -> None:
    assert obeyed(word) == (word, [(word,)])


def test_a_word_with_more_is_done_by_all_of_it() -> None:
    assert obeyed("interrupt", why="so") == ("interrupt", [("interrupt", "so")])
    assert obeyed("set", field="every", value=None) == ("change", [("change", "every", None)])
    assert obeyed("stop") == (
        "the rotation ends; a run that goes on heals and cleans up first: seconds, or a minute or two",
        [("stop", "stopped by command")],
    )


@pytest.mark.parametrize("word", ["serve", "accept", "dance", "mute", "set"])
def test_a_word_that_is_none_or_lacks_something_is_refused(word: str) -> None:
    with pytest.raises(UsageError, match=f"^{word}: this controller knows no such command$"):
        obeyed(word)


def test_a_mute_is_for_this_controller_and_the_next_one_and_one_of_no_time_ends_it() -> None:
    assert obeyed("mute", duration="0 s") == ("alerts go out as ever", [("note_mute", None), ("mute", None)])
    before = datetime.now(UTC)
    text, ((_, until), (_, same)) = obeyed("mute", duration="2 h")
    assert until == same
    assert before <= until - timedelta(hours=2) <= datetime.now(UTC)
    assert text == f"nobody is alerted until {until:%Y-%m-%d %H:%M:%S} UTC"
