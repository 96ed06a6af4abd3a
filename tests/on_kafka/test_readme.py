"""The programs in the documents do what the documents say."""

import ast
import asyncio
import inspect
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from marathon_ray.journal import NAME, left, read
from marathon_ray.outcome import Outcome
from marathon_ray.report.report import Report

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
DATA_PLANE = ROOT / "docs" / "data-plane.md"

pytestmark = pytest.mark.on_kafka


def programs(page: Path) -> list[str]:
    return re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL)


def test_the_scenario_in_the_readme_is_run_by_the_command_below_it(tmp_path: Path) -> None:
    scenario, _ = programs(README)
    (tmp_path / "mine.py").write_text(scenario)
    (command,) = re.findall(r"^    marathon (run \./mine\.py .*)$", README.read_text(), re.MULTILINE)
    done = subprocess.run(
        [sys.executable, "-m", "marathon_ray", *shlex.split(command), "--places", "here", "--json"],
        cwd=tmp_path, capture_output=True, text=True, timeout=400,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert json.loads(done.stdout.splitlines()[-1])["outcome"] == Outcome.PASSED
    (folder,) = (tmp_path / "results").iterdir()
    report = Report.read(folder)
    assert (report.scenario, report.outcome) == ("frozen-follower", Outcome.PASSED)
    assert report.total("acknowledged") == report.total("found") > 5_000
    assert [shade.fault for shade in report.shades] == ["pause follower of orders-0"]
    assert left(read(folder / NAME)) == {}


def test_the_notebook_in_the_readme_gives_a_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _, cell = programs(README)
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    done = eval(compile(cell, README.name, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT), names)
    assert inspect.iscoroutine(done)
    asyncio.run(done)
    report = names["report"]
    assert isinstance(report, Report)
    assert report.verdicts[0].state == "passed"  # integrity; how fast this machine is, is not what is looked at
    assert capsys.readouterr().out.startswith(report.outcome)
    assert (tmp_path / "results" / f"kill-leader-{report.run}" / "report.html").is_file()


def test_the_data_plane_by_itself_loses_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    (program,) = programs(DATA_PLANE)
    names: dict[str, Any] = {}
    exec(compile(program, DATA_PLANE.name, "exec"), names)
    balance = names["balance"]
    assert balance.total("acknowledged") > 0
    assert balance.total("found") == balance.total("acknowledged")
    assert names["findings"] == ()
    assert re.search(r"[\d,]+ attempted [\d,]+ acknowledged [\d,]+ found 0 lost", capsys.readouterr().out)
