"""What stands around a controller: its page of metrics, and people who command."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from marathon_ray import cli
from marathon_ray.audience import Audience
from marathon_ray.commands import serve
from marathon_ray.commands.serve import Office, Options, obey
from marathon_ray.event import Event, Severity
from marathon_ray.journal import read
from marathon_ray.metrics import Metrics
from marathon_ray.report.report import Report
from marathon_ray.rotation import controller, leased
from marathon_ray.rotation.controller import Controller, Where
from marathon_ray.rotation.inbox import Command
from marathon_ray.round import Doing, Phase, Round
from marathon_ray.scenario import Scenario
from marathon_ray.usage import UsageError
from tests.marathon_ray.report import sample
from tests.marathon_ray.rotation.plans import a_plan

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

    async def run(scenario: Scenario, **_: Any) -> Report:
        await asyncio.sleep(60)
        raise AssertionError("nobody has stopped it")

    monkeypatch.setattr(serve, "Inbox", Inbox)
    monkeypatch.setattr(controller, "run", run)
    one = Controller(a_plan(clusters={"one": "one.example:9092"}, scenarios=[{"run": "steady-write"}]), Where(folder))
    office = Office(one, (), hears=True)
    one.first = office.open

    async def served() -> None:
        async with asyncio.timeout(20):
            await one.serve()

    asyncio.run(served())
    assert office._commands is not None
    office._commands.result()
    return one


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
        "the rotation ends; a run that goes on heals and cleans up first", [("stop", "stopped by command")],
    )  # fmt: skip


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
