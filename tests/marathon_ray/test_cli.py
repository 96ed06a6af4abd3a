"""The command line: what it prints, what it hands on, and its exit codes; runs are played by a fake."""

import json
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest

from marathon_ray import cli
from marathon_ray.balance import Balance
from marathon_ray.clusters import open_cluster
from marathon_ray.commands import check as checking
from marathon_ray.commands import run as running
from marathon_ray.commands.check import board, verdict
from marathon_ray.names import Names
from marathon_ray.news import Origin
from marathon_ray.outcome import EXIT, Outcome
from marathon_ray.plant import COPYING, PLANTS, Played
from marathon_ray.promises.promise import Verdict
from marathon_ray.report.report import Report
from marathon_ray.scenario import Scenario

Said = tuple[int, str, str]


@pytest.fixture
def marathon(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Said]:
    """Exit code, output and errors of a command that is given in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])

    def call(*arguments: str) -> Said:
        code = cli.run(list(arguments))
        return (code, *capsys.readouterr())

    return call


class Fake:
    """Stands in for a run: remembers what it was asked, says what it is told to say."""

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome
        self.scenario: Scenario | None = None
        self.asked: Mapping[str, Any] = {}

    async def __call__(self, scenario: Scenario, **asked: Any) -> Report:
        self.scenario, self.asked = scenario, asked
        asked["tell"].note("it goes on")
        report = Report(
            run="0123abcd",
            bench="bench",
            scenario=scenario.title(),
            promise=scenario.promise(),
            outcome=self.outcome,
            began=datetime(2026, 3, 1, tzinfo=UTC),
            seconds=1,
            seed=7,
            verdicts=(
                Verdict("Integrity", "all is there", "all was there", "passed", safety=True),
                Verdict("Swift", "1 s", "2 s", "failed" if self.outcome is Outcome.FAILED else "passed"),
            ),
        )
        folder = Path(asked["results"]) / f"{scenario.title()}-0123abcd"
        folder.mkdir(parents=True)
        report.write(folder)
        return report


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Fake:
    """Runs pass, or end as the test's parameter says."""
    one = Fake(getattr(request, "param", Outcome.PASSED))
    monkeypatch.setattr(running, "play", one)
    return one


# --- Looking ----------------------------------------------------------------------------------------------------------


def test_the_list_has_each_scenario_with_its_promise_and_faults_in_one_line(marathon: Callable[..., Said]) -> None:
    code, out, error = marathon("list")
    assert (code, error) == (0, "")
    (line,) = [line for line in out.splitlines() if line.startswith("kill-leader")]
    assert " A leader dies without warning: all partitions take writes again within a minute," in line
    assert line.endswith(" Kill")


def test_a_broken_file_in_the_list_is_told_beside_it(marathon: Callable[..., Said], tmp_path: Path) -> None:
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios" / "broken.py").write_text("nonsense\n")
    code, out, error = marathon("list")
    assert (code, "kill-leader" in out) == (0, True)
    assert error == f"marathon: {tmp_path}/scenarios/broken.py, line 1: NameError: name 'nonsense' is not defined\n"


def test_a_scenario_shows_its_promises_in_words_and_its_options(marathon: Callable[..., Said]) -> None:
    code, out, error = marathon("show", "kill-leader")
    assert (code, error) == (0, "")
    assert "every partition of orders is written again within 60 s of a fault" in out
    assert [line.split() for line in out.splitlines() if line.startswith("--writers.rate ")] == [
        ["--writers.rate", "rate", "10", "MB/s"]
    ]


def test_a_plan_counts_records_bytes_and_workers(marathon: Callable[..., Said]) -> None:
    flags = ("--writers.rate", "300 MB/s", "--writers.size", "1 kB", "--steady", "50 s", "--orders.partitions=6")
    code, out, error = marathon("plan", "steady-write", *flags)
    assert (code, error) == (0, "")
    rows = {line.split()[0]: " ".join(line.split()[1:]) for line in out.splitlines() if line[:1].strip()}
    assert rows["orders"] == "6 3 300k records/s, 300 MB/s 15,000,000 records, 15 GB 45 GB"
    assert rows["writers"] == "Producers 2 6 300k records/s, 300 MB/s about 0.3"
    assert rows["auditors"] == "Auditors 4 6 600k records/s, 600 MB/s about 0.35"
    assert rows["lasts"] == "at least 50 s"
    assert rows["workers"] == "8"
    assert rows["CPUs"] == "of Ray 0.8, 0.1 a worker"
    assert rows["nodes"] == "of Ray 1 with 4 CPUs, of any kind: 8 workers on one, which take 0.83 cores at the peak"


@pytest.mark.parametrize(
    ("flags", "nodes"),
    [
        (
            ("steady-write", "--writers.rate", "10 GB/s", "--writers.size", "1 kB", "--nodes", "spot"),
            "11 with 4 CPUs each, labelled ray.io/market-type=spot or on-demand: 7 workers on one at most, which take 3.3 cores",
        ),
        (
            ("kill-and-verify", "--writers.rate", "unlimited", "--node-cpus", "2"),
            "at least 2 with 2 CPUs each, of any kind: 2 workers on one at most, which take 1.7 cores or more at the peak",
        ),
        (
            ("steady-write", "--writers.rate", "50 GB/s", "--writers.size", "1 kB", "--writers.workers", "1"),
            "none with 4 CPUs is enough: one worker of writers takes 50 cores at the peak; say --writers.workers or",
        ),
    ],
)
def test_a_plan_says_how_many_nodes_it_needs_and_of_which_kind(
    marathon: Callable[..., Said], flags: tuple[str, ...], nodes: str
) -> None:
    code, out, error = marathon("plan", *flags)
    assert (code, error) == (0, "")
    assert f"nodes of Ray {nodes}" in " ".join(out.split())


def test_a_plan_for_nodes_without_cpus_is_refused(marathon: Callable[..., Said]) -> None:
    line = "marathon: --node-cpus 0: a node has 1 or more\n"
    assert marathon("plan", "steady-write", "--node-cpus", "0") == (2, "", line)


# --- Running ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fake", list(Outcome), indirect=True)
def test_a_run_ends_with_the_code_of_its_outcome(marathon: Callable[..., Said], fake: Fake) -> None:
    code, out, error = marathon("run", "kill-leader")
    assert code == EXIT[fake.outcome]
    assert fake.outcome.upper() in out
    assert "it goes on" in error
    assert marathon("report")[0] == code


def test_a_run_is_asked_for_what_the_options_and_fields_say(marathon: Callable[..., Said], fake: Fake) -> None:
    options = ("--cluster", "here:9092", "--places", "here", "--results", "r", "--seed", "7", "--bench", "b_1")
    assert marathon("run", "kill-leader", "--down", "3 s", *options, "--orders.partitions=5")[0] == 0
    asked = {name: value for name, value in fake.asked.items() if name != "tell"}
    assert asked == {
        "cluster": "here:9092", "places": "here", "ray": None, "nodes": "any", "results": Path("r"), "seed": 7, "bench": "b_1",
        "origin": Origin("kill-leader", "here:9092", "here:9092", (("down", "3 s"), ("orders.partitions", "5"))),
    }  # fmt: skip
    assert fake.scenario is not None
    assert fake.scenario.model_dump()["down"] == 3.0
    assert fake.scenario.topics["orders"].partitions == 5


@pytest.mark.parametrize(
    ("fake", "broken"), [(Outcome.PASSED, {}), (Outcome.FAILED, {"Swift": "2 s"})], indirect=["fake"]
)
def test_a_run_for_programs_writes_json_lines_and_nothing_else(
    marathon: Callable[..., Said], fake: Fake, broken: dict[str, str]
) -> None:
    code, out, error = marathon("run", "kill-leader", "--json")
    assert (code, error) == (EXIT[fake.outcome], "")
    first, last = map(json.loads, out.splitlines())
    assert first == {"note": "it goes on"}
    assert last == {
        "run": "0123abcd", "outcome": fake.outcome, "cause": "", "broken": broken,
        "report": "results/kill-leader-0123abcd/report.html",
    }  # fmt: skip


@pytest.mark.parametrize("which", [["0123abcd"], ["results/kill-leader-0123abcd"], ["kill-leader-0123abcd"], []])
def test_a_report_is_found_by_number_by_folder_and_as_the_newest(
    marathon: Callable[..., Said], fake: Fake, which: list[str]
) -> None:
    marathon("run", "kill-leader")
    code, out, _ = marathon("report", *which)
    assert (code, "all was there" in out) == (0, True)


USAGE = {
    "no such command": ("ruun", 'Unknown command "ruun". Did you mean "run"?'),
    "no such scenario": ("run kill-leadr", "scenario 'kill-leadr' is not known; did you mean kill-leader?"),
    "no scenario": ("run", 'Command "run" parameter NAME requires an argument.'),
    "no such field": ("run kill-leader --writers.rat 5", "--writers.rat is not known; did you mean --writers.rate?"),
    "no such option": ("run kill-leader --clutser x", "--clutser is not known; did you mean --cluster?"),
    "a bad seed": ("run kill-leader --seed x", 'Invalid value for --seed: unable to convert "x" into int.'),
    "a bad place": ("run kill-leader --places moon", 'Invalid value "moon" for --places. Choose from: "ray", "here".'),
    "a bad bench": ("run kill-leader --bench A", "bench 'A': 1 to 20 of a-z, 0-9 and _"),
    "no such run": ("report 77", "run 77: it is not in results"),
    "no run at all": ("report", "results results: no run has ended there"),
    "no report": ("report .", "run .: it has no report: No such file or directory"),
    "no such file": ("show ./mine.py", "mine.py: there is no such file"),
    "a plan with a mistake": (
        "plan kill-leader --orders.partitions 2 --readers.workers 3",
        "readers: 3 workers for 2 partitions: at most 2 would have something to do",
    ),
    "too few brokers": ("plan kill-leader --brokers 2", "orders: replication 3 is more than the cluster's 2 brokers;"),
    "no such cluster": ("check --cluster nowhere", "cluster 'nowhere' is none: write local, "),
}


@pytest.mark.parametrize(("given", "line"), USAGE.values(), ids=USAGE)
def test_what_cannot_be_done_as_asked_costs_a_line_and_code_2(
    marathon: Callable[..., Said], fake: Fake, given: str, line: str
) -> None:
    code, out, error = marathon(*given.split())
    assert (code, out) == (2, "")
    assert error.startswith(f"marathon: {line}")
    assert error.count("\n") == 1
    assert fake.scenario is None


BAD: Final = ("--orders.partitions", "0", "--writers.workers", "0", "--writers.in_flight", "0", "--steady", "ages")


@pytest.mark.parametrize(("command", "ends"), [("plan", ["", "", "", ""]), ("run", ["", " (and 2 more)"])])
def test_a_plan_tells_every_mistake_and_a_run_two_and_how_many_are_left(
    marathon: Callable[..., Said], command: str, ends: list[str]
) -> None:
    code, out, error = marathon(command, "kill-leader", *BAD)
    lines = error.splitlines()
    assert (code, out, len(lines)) == (2, "", len(ends))
    wrong = ("orders.partitions '0'", "writers.workers '0'", "writers.in_flight '0'", "steady 'ages'")
    for line, end, field in zip(lines, ends, wrong, strict=False):
        assert line.startswith(f"marathon: kill-leader.{field}: ")
        assert line.endswith(end)


CROSSED: Final = ("--writers.to", "a", "--readers.of", "b")  # and so nobody writes to its topic


@pytest.mark.parametrize(("command", "count"), [("plan", 3), ("run", 2)])
def test_so_it_is_with_fields_that_contradict_each_other(
    marathon: Callable[..., Said], command: str, count: int
) -> None:
    code, _, error = marathon(command, "kill-leader", *CROSSED)
    assert (code, error.count("\n")) == (2, count)
    assert error.endswith(" (and 1 more)\n") == (command == "run")


def test_a_file_that_is_no_report_costs_a_line(marathon: Callable[..., Said], tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text("{}")
    line = "marathon: report.json: this is no report, or one of another version of marathon-ray\n"
    assert marathon("report", ".") == (2, "", line)


def test_a_mistake_of_our_own_is_not_taken_for_a_broken_promise(
    marathon: Callable[..., Said], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_: Scenario, **__: Any) -> Report:
        raise ZeroDivisionError("of ours")

    monkeypatch.setattr(running, "play", broken)
    code, _, error = marathon("run", "kill-leader")
    assert code == EXIT[Outcome.INVALID]
    *_, last, told = error.splitlines()
    assert (last, told) == (
        "ZeroDivisionError: of ours",
        "marathon: this is an error in marathon-ray, and proves nothing",
    )


# --- Checking the bench -----------------------------------------------------------------------------------------------


def played(number: int, **found: Any) -> Played:
    """That plant, found just as it must be unless told otherwise."""
    plant = PLANTS[number]
    balance = Balance({(1, 0): {"acknowledged": 20_000, "attempted": 20_000, "found": 20_000}})
    return Played(plant, **{"planted": int(number > 0), "found": plant.found, "balance": balance, **found})


def board_of(monkeypatch: pytest.MonkeyPatch, runs: list[Played], *, as_json: bool = False) -> int:
    async def check(*_: Any) -> list[Played]:
        return runs

    monkeypatch.setattr(checking, "check", check)
    return board(open_cluster("nowhere:1"), Names("bench", "0123abcd"), Path("results"), plants=PLANTS, as_json=as_json)


def test_a_board_for_programs_is_one_object_a_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert board_of(monkeypatch, [played(number) for number in range(9)], as_json=True) == 0
    *lines, last = map(json.loads, capsys.readouterr().out.splitlines())
    assert lines[1] == {"planted": "Drop by producer", "must be found": "1 lost", "result": "as it must be"}
    assert (len(lines), last) == (9, {"note": verdict([played(number) for number in range(9)])})


def test_a_bench_that_finds_all_is_told_so_in_a_line() -> None:
    assert verdict([played(number) for number in range(9)]) == (
        "8 of 8 planted errors were caught; nothing was found where nothing was planted"
    )


def test_what_a_cluster_gives_nobody_is_not_played_and_nothing_is_held_against_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = [played(0), played(1), *(Played(plant, lacking="no transactions: it said so") for plant in COPYING)]
    assert board_of(monkeypatch, runs) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-2].split("   ")[0] == "copying: HideAbort by transactor"
    assert lines[-2].endswith("not played: no transactions: it said so")
    assert (
        lines[-1] == "1 of 1 planted errors were caught; nothing was found where nothing was planted; 3 were not played"
    )


@pytest.mark.parametrize(
    ("count", "others", "right"), [(180, 180, True), (180, 179, False), (0, 0, False), (180, None, False)]
)
def test_a_lie_about_a_transaction_is_found_in_all_its_records_by_each_account(
    count: int, others: int | None, right: bool
) -> None:
    poison, delivered = COPYING[1].found
    found = {poison: count} | ({} if others is None else {delivered: others})
    balance = Balance({(1, 0): {"acknowledged": 20_000, "attempted": 20_000, "found": 20_000}})
    one = Played(COPYING[1], planted=1, found={kind: many for kind, many in found.items() if many}, balance=balance)
    assert one.right == right


@pytest.mark.parametrize(
    ("one", "line"),
    [
        (played(1, found={}), "found nothing"),
        (played(1, planted=0), "planted 0 times, not 1"),
        (played(1, found=PLANTS[2].found), "found 1 duplicated"),
        (played(1, balance=None, why="writing 20000 records took more than 60 s"), "writing 20000 records took more"),
        (played(0, found=PLANTS[1].found), "found 1 lost"),
    ],
)
def test_a_bench_that_misses_one_ends_with_1_and_says_what_is_wrong(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], one: Played, line: str
) -> None:
    number = PLANTS.index(one.plant)
    runs = [played(each) if each != number else one for each in range(9)]
    assert board_of(monkeypatch, runs) == 1
    out = capsys.readouterr().out
    assert line in out
    assert ("something was found" in out) == (number == 0)
    assert board_of(monkeypatch, [played(each) for each in range(9)]) == 0
