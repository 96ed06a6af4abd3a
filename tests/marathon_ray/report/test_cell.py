"""A report shows itself in a notebook's cell, with a link to its page where there is one."""

from pathlib import Path

import pytest

from marathon_ray.outcome import Outcome
from marathon_ray.report import page
from marathon_ray.report.report import Report
from tests.marathon_ray.report import sample


def test_a_report_is_its_summary_and_a_link_to_its_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "results" / "kill leader & 1"
    folder.mkdir(parents=True)
    report = sample.report(Outcome.FAILED)
    report.write(folder)
    assert "<a " not in report._repr_html_()
    (folder / page.NAME).write_text("a page")
    for each in (report, Report.read(folder)):
        shown = each._repr_html_()
        assert "FAILED" in shown
        assert "840 lost" in shown
        assert '<a href="results/kill%20leader%20%26%201/report.html"' in shown
        assert "results/kill leader &amp; 1/report.html" in shown


def test_a_report_that_lies_nowhere_has_no_link() -> None:
    assert "<a " not in sample.report()._repr_html_()


def test_where_a_report_lies_is_no_part_of_it(tmp_path: Path) -> None:
    report = sample.report()
    report.write(tmp_path)
    assert str(tmp_path) not in (tmp_path / "report.json").read_text()
    assert str(tmp_path) not in report.model_dump_json()
