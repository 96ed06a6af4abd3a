"""The history of runs: a row each, as plain values, and a table of pandas where that is there."""

import sys
from datetime import timedelta
from pathlib import Path

import pandas as pd
import pytest

from marathon_ray.outcome import Outcome
from marathon_ray.report.history import history, rows
from marathon_ray.report.report import Report
from tests.marathon_ray.report import sample


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Two runs, the later one first by name; one of another format; one without a report."""
    early = sample.report(run="bbbbbbbb", cluster={"name": "staging"})
    late = sample.report(Outcome.FAILED, run="aaaaaaaa", began=early.began + timedelta(hours=1), cause="it rained")
    for report in (early, late):
        (tmp_path / report.run).mkdir()
        report.write(tmp_path / report.run)
    for name in ("cccccccc", "dddddddd"):
        (tmp_path / name).mkdir()
    (tmp_path / "cccccccc" / "report.json").write_text('{"version": 2}')
    return tmp_path


def test_runs_stand_in_the_order_in_which_they_began(results: Path) -> None:
    strange, early, late = rows(results)
    assert [row["run"] for row in (strange, early, late)] == ["cccccccc", "bbbbbbbb", "aaaaaaaa"]
    assert strange["cause"] == "this is no report, or one of another version of marathon-ray"
    assert {strange[name] for name in ("began", "outcome", "lost")} == {None}
    assert strange.keys() == early.keys() == late.keys()


def test_a_row_has_what_its_report_has(results: Path) -> None:
    _, early, late = rows(str(results))
    report = Report.read(results / "aaaaaaaa")
    assert (early["cluster"], early["outcome"], early["lost"], early["broken"]) == ("staging", "passed", 0, ())
    assert (late["scenario"], late["outcome"], late["cause"]) == ("kill-leader", "failed", "it rained")
    assert (late["began"], late["seconds"], late["folder"]) == (report.began, report.seconds, str(results / "aaaaaaaa"))
    assert (late["acknowledged"], late["lost"], late["unknown"]) == (17_402_806, 840, 312)
    assert late["broken"] == ("Integrity(orders)",)


def test_it_is_a_table_where_pandas_is_there(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = history(results)
    assert isinstance(table, pd.DataFrame)
    assert list(table.columns) == list(rows(results)[0])
    assert table[table.outcome == "failed"].lost.sum() == 840
    monkeypatch.setitem(sys.modules, "pandas", None)
    assert history(results) == rows(results)


def test_a_file_that_is_no_text_or_cannot_be_opened_hides_no_other(results: Path) -> None:
    (results / "cccccccc" / "report.json").write_bytes(b"\xff")
    (results / "dddddddd" / "report.json").mkdir()
    assert [row["run"] for row in rows(results)] == ["cccccccc", "dddddddd", "bbbbbbbb", "aaaaaaaa"]


def test_a_folder_without_runs_has_no_history(tmp_path: Path) -> None:
    assert rows(tmp_path) == rows(tmp_path / "none") == []
