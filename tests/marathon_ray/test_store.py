"""A store has a copy of each finished run, whole before its report is there, and no store holds anything up."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from marathon_ray import cli
from marathon_ray.commands.run import keep
from marathon_ray.commands.serve import Options, serve
from marathon_ray.event import Event, Severity
from marathon_ray.outcome import Outcome
from marathon_ray.report.report import NAME
from marathon_ray.rotation.copying import Copying
from marathon_ray.rotation.ended import Ended
from marathon_ray.store import Store
from marathon_ray.usage import UsageError

JOURNAL = "rotation-bench.jsonl"
ENDED = Ended("kill-leader", "own", Outcome.PASSED, 1.0)


def a_run(results: Path, name: str) -> Path:
    folder = results / name
    (folder / "series").mkdir(parents=True)
    (folder / NAME).write_text("{}")
    (folder / "series" / "rounds.parquet").write_bytes(b"rows")
    (folder / "zz.html").write_text("page")
    return folder


def files(folder: Path) -> dict[str, str]:
    return {str(file.relative_to(folder)): file.read_text() for file in folder.rglob("*") if file.is_file()}


@pytest.fixture
def results(tmp_path: Path) -> Path:
    (tmp_path / "results").mkdir()
    return tmp_path / "results"


@pytest.fixture
def away(tmp_path: Path) -> Path:
    """The folder of the store."""
    return tmp_path / "away" / "prefix"


@pytest.fixture
def store(away: Path) -> Store:
    return Store(f"file://{away}/")


@pytest.fixture
def events() -> list[Event]:
    return []


@pytest.fixture
def copying(store: Store, results: Path, events: list[Event]) -> Iterator[Callable[[], Copying]]:
    made: list[Copying] = []

    def begin() -> Copying:
        made.append(Copying(store, results / JOURNAL, events.append, again=0.05))
        return made[-1]

    yield begin
    for one in made:
        one.close()


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline, "it does not come to that"
        time.sleep(0.01)


@pytest.mark.parametrize(
    "address", ["bucket/prefix", "/folder", "file://", "file:///", "s3://", "http://bucket/prefix", "", "s3:bucket"]
)
def test_what_is_no_address_of_a_store_is_refused(address: str) -> None:
    with pytest.raises(UsageError, match="write s3://bucket/prefix, gs://bucket/prefix or file:///folder"):
        Store(address)


def test_a_key_in_an_address_is_refused_and_not_shown() -> None:
    with pytest.raises(UsageError) as refused:
        Store("s3://KEY:hidden@bucket/prefix")
    assert "hidden" not in str(refused.value)
    assert "KEY" not in str(refused.value)


def test_a_store_that_can_be_written_is_left_as_it_was(store: Store, away: Path) -> None:
    store.check()
    assert files(away) == {}


def test_a_store_that_cannot_be_written_is_refused_before_anything_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken").write_text("a file")
    plan = tmp_path / "plan.yaml"
    plan.write_text("clusters: {own: local}\nscenarios: [{run: steady-write}]\n")
    for command in (["run", "steady-write"], ["serve", str(plan)]):
        assert cli.run([*command, "--places", "here", "--store", f"file://{tmp_path}/taken/prefix"]) == 2
        told = capsys.readouterr().err
        assert told.startswith(f"marathon: store file://{tmp_path}/taken/prefix: it cannot be written: ")
        assert told.count("\n") == 1
    assert sorted(file.name for file in tmp_path.iterdir()) == ["plan.yaml", "taken"]


@pytest.fixture
def refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """What a command says that is refused; it comes to nothing else."""
    monkeypatch.chdir(tmp_path)
    for begun in ("serve.Office", "run.played"):
        monkeypatch.setattr(f"marathon_ray.commands.{begun}", lambda *_, **__: pytest.fail("it has begun"))

    def said(*words: str) -> str:
        assert cli.run([*words]) == 2
        assert [file.name for file in tmp_path.iterdir()] in ([], ["plan.yaml"])
        return capsys.readouterr().err

    return said


def test_an_empty_address_is_none_and_refused_wherever_it_stands(tmp_path: Path, refused: Callable[..., str]) -> None:
    write = "write s3://bucket/prefix, gs://bucket/prefix or file:///folder\n"
    plan = tmp_path / "plan.yaml"
    assert refused("run", "steady-write", "--store", "") == f"marathon: store '': {write}"
    text = (
        "{clusters: {one: 'one.example:9092'}, scenarios: [{run: steady-write}], places: here, metrics: '127.0.0.1:1'"
    )
    plan.write_text(text + "}")
    assert refused("serve", "plan.yaml", "--store", "") == f"marathon: store '': {write}"
    assert (
        refused("serve", "plan.yaml", "--metrics", "") == "marathon: metrics '': write HOST:PORT, as 127.0.0.1:9464\n"
    )
    plan.write_text(text + ", store: ''}")
    assert refused("serve", "plan.yaml") == f"marathon: plan.yaml, line 1: store: '': {write}"


@pytest.mark.parametrize("by", ["plan", "option"])
def test_a_store_is_asked_once(by: str, tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    stores: list[Store] = []

    class AllWasAskedError(Exception):
        """Nothing is begun."""

    def office(*arguments: Any, **_: Any) -> None:
        stores.append(arguments[4])
        raise AllWasAskedError

    monkeypatch.setattr(Store, "check", lambda self: asked.append(self.address))
    monkeypatch.setattr("marathon_ray.commands.serve.Office", office)
    planned = {"plan": store.address, "option": "file:///elsewhere"}[by]
    plan = tmp_path / "plan.yaml"
    plan.write_text(f"{{clusters: {{own: local}}, scenarios: [{{run: steady-write}}], store: '{planned}'}}")
    with pytest.raises(AllWasAskedError):
        serve(plan, options=Options(store=store.address if by == "option" else None))
    assert (asked, [one.address for one in stores]) == ([store.address], [store.address])


def test_a_run_is_copied_whole_and_its_report_last(store: Store, results: Path, away: Path) -> None:
    folder = a_run(results, "steady-write-1")
    whole = files(folder)
    order: list[str] = []
    write = store._write

    def noted(name: str, source: Any) -> None:
        order.append(name)
        write(name, source)

    store._write = noted  # type: ignore[method-assign]
    assert not store.has(folder)
    store.copy(folder)
    assert files(away / "steady-write-1") == whole
    assert order[-1] == f"steady-write-1/{NAME}"
    assert store.has(folder)
    assert not Store("file:///elsewhere").has(folder)
    store.copy(folder)
    assert files(away / "steady-write-1") == whole  # and not where it was copied


def test_what_stands_behind_a_prefix_makes_no_folder_without_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = SimpleNamespace(from_uri=lambda address: (None, "bucket/prefix/"))  # as the library says it of this
    monkeypatch.setattr("pyarrow.fs.FileSystem", opened)
    assert Store("s3://bucket/prefix/?region=eu-central-1")._open() == (None, "bucket/prefix")


def test_a_rotation_copies_what_it_finishes_and_what_was_left_before_it(
    copying: Callable[[], Copying], store: Store, results: Path, away: Path, events: list[Event]
) -> None:
    copied: list[str] = []
    copy = store.copy

    def noted(folder: Path) -> None:
        copied.append(folder.name)
        copy(folder)

    store.copy = noted  # type: ignore[method-assign]
    a_run(results, "steady-write-1")
    (results / "kill-leader-2").mkdir()  # it goes on, and has no report yet
    one = copying()
    until((away / "steady-write-1" / NAME).exists)
    a_run(results, "steady-write-3")
    (results / JOURNAL).write_text("a line\n")
    one.finished(ENDED)
    one.close()
    assert (away / "steady-write-3" / NAME).exists()
    assert (away / JOURNAL).read_text() == "a line\n"
    assert not (away / "kill-leader-2").exists()
    assert copied == ["steady-write-1", "steady-write-3"]
    assert events == []


def test_what_finishes_while_the_store_is_busy_is_copied_before_the_end(
    copying: Callable[[], Copying], store: Store, results: Path, away: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy, goes_on, copy = threading.Event(), threading.Event(), store.copy

    def slow(folder: Path) -> None:
        busy.set()
        assert goes_on.wait(30)
        copy(folder)

    monkeypatch.setattr(store, "copy", slow)
    monkeypatch.setattr("marathon_ray.rotation.copying._LAST", 5.0)
    a_run(results, "steady-write-1")
    one = copying()
    assert busy.wait(10)
    a_run(results, "steady-write-2")
    one.finished(ENDED)
    ends = threading.Thread(target=one.close)
    ends.start()
    until(lambda: one._ends)
    goes_on.set()
    ends.join()
    assert (away / "steady-write-2" / NAME).exists()


def test_a_store_that_fails_is_told_once_and_tried_until_it_has_all(
    copying: Callable[[], Copying], results: Path, away: Path, events: list[Event]
) -> None:
    away.parent.write_text("in the way")
    a_run(results, "steady-write-1")
    one = copying()
    until(lambda: bool(events))
    time.sleep(0.3)  # some tries more
    assert [(event.kind, event.severity, event.over) for event in events] == [("store failed", Severity.WARNING, False)]
    away.parent.unlink()
    until(lambda: len(events) == 2)
    assert (away / "steady-write-1" / NAME).exists()
    assert (events[1].over, events[1].about) == (True, events[0].about)
    one.close()
    assert len(events) == 2


def test_who_ends_while_a_store_hangs_waits_for_it_no_longer_than_said(
    store: Store, results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_run(results, "steady-write-1")
    hangs, goes_on = threading.Event(), threading.Event()

    def hang(*_: object) -> None:
        hangs.set()
        goes_on.wait(30)

    monkeypatch.setattr(store, "copy", hang)
    monkeypatch.setattr("marathon_ray.rotation.copying._LAST", 0.1)
    one = Copying(store, results / JOURNAL, lambda _: None)
    assert hangs.wait(10)
    began = time.monotonic()
    one.finished(ENDED)
    one.close()
    assert time.monotonic() - began < 5
    goes_on.set()


def test_a_single_run_whose_store_fails_keeps_its_verdict_and_says_so_in_a_line(
    store: Store, results: Path, away: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rests: list[float] = []
    monkeypatch.setattr("marathon_ray.commands.run.time.sleep", rests.append)
    away.parent.write_text("in the way")
    folder = a_run(results, "steady-write-1")
    keep(store, folder)
    line = capsys.readouterr().err
    assert line.startswith(f"marathon: store file://{away}: {folder} is not copied: ")
    assert line.count("\n") == 1
    assert len(rests) == 4
    away.parent.unlink()
    keep(store, folder)
    assert store.has(folder)
