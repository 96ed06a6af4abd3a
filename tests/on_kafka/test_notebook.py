"""Notebooks are played by a real kernel: the one that we hand out, and one whose kernel is interrupted in the middle."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from nbclient import NotebookClient
from nbformat import v4

from marathon_ray.journal import NAME, left, read
from marathon_ray.outcome import Outcome
from marathon_ray.report.report import Report

ROOT = Path(__file__).parents[2]
FIRST = ROOT / "notebooks" / "first_run.ipynb"
_SECONDS = 300

LONG = """
import marathon_ray
from marathon_ray import Producers
from scenarios.steady_write import SteadyWrite
writers = Producers(to="orders", rate="1 MB/s")
report = await marathon_ray.run(SteadyWrite(writers=writers, steady="10 min"), cluster="local", places="here")
print(report.outcome, report.cause)
"""

pytestmark = [
    pytest.mark.on_kafka,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # of Jupyter's own parts
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


class Player(NotebookClient):
    """Interrupts the kernel, once, as soon as `when` stands in what a cell shows."""

    when = "\0"
    interrupting: "asyncio.Future[None] | None" = None

    def process_message(self, msg: Any, cell: Any, cell_index: int) -> Any:
        if self.when in json.dumps(msg["content"], default=str):
            self.when = "\0"
            kernel: Any = self.km
            self.interrupting = asyncio.ensure_future(kernel.interrupt_kernel())
        return super().process_message(msg, cell, cell_index)


def played(notebook: Any, folder: Path, monkeypatch: pytest.MonkeyPatch, *, interrupted: str = "\0") -> Any:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    player = Player(notebook, timeout=_SECONDS, kernel_name="python3", resources={"metadata": {"path": str(folder)}})
    player.when = interrupted
    return player.execute()


def first() -> Any:
    return v4.reads(FIRST.read_text())  # type: ignore[no-untyped-call]


def outputs(cell: Any) -> str:
    return json.dumps(cell["outputs"])


def test_the_first_run_is_played_from_the_run_to_the_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    notebook = played(first(), tmp_path, monkeypatch)
    (folder,) = (tmp_path / "results").iterdir()
    report = Report.read(folder)
    run, verdicts, totals, table = [cell for cell in notebook.cells if cell["cell_type"] == "code"]
    live, shown = [each for each in run["outputs"] if each["output_type"] != "stream"]
    assert (live["output_type"], shown["output_type"]) == ("display_data", "execute_result")
    assert "phase workload" in live["data"]["text/html"]
    assert f'<a href="results/{folder.name}/report.html"' in shown["data"]["text/html"]
    assert report.total("acknowledged") == report.total("found") > 5_000
    assert "Integrity" in outputs(verdicts)
    assert str(report.total("found")) in outputs(totals)
    assert report.run in table["outputs"][0]["data"]["text/html"]


def test_the_first_run_is_handed_out_unplayed() -> None:
    notebook = first()
    code = [cell for cell in notebook.cells if cell["cell_type"] == "code"]
    assert [(cell["outputs"], cell["execution_count"]) for cell in code] == [([], None)] * len(code)


def test_a_kernel_that_is_interrupted_ends_its_run_in_good_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cell = v4.new_code_cell(LONG)  # type: ignore[no-untyped-call]
    notebook = v4.new_notebook(cells=[cell])  # type: ignore[no-untyped-call]
    played(notebook, tmp_path, monkeypatch, interrupted="phase workload")
    assert "interrupted SIGINT" in outputs(cell)
    (folder,) = (tmp_path / "results").iterdir()
    assert (Report.read(folder).outcome, left(read(folder / NAME))) == (Outcome.INTERRUPTED, {})
