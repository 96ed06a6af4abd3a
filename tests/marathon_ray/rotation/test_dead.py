"""What a dead controller's run has left, by what is on the disk."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from marathon_ray.journal import NAME, Journal
from marathon_ray.report.report import NAME as REPORT
from marathon_ray.rotation.dead import Dead, dead
from tests.marathon_ray.report import sample

BEGAN = datetime.now(UTC) - timedelta(seconds=1)
BROKEN = {"Integrity": "3 lost"}


def died(results: Path, run: str, *, bench: str = "bench", broken: dict[str, str] | None = None) -> Path:
    """A run has begun, and found that; returns its folder."""
    folder = results / f"kill-leader-{run}"
    with Journal(folder / NAME) as journal:
        journal.write("begin", run=run, bench=bench)
        if broken:
            journal.write("broken", promises=broken)
    return folder


def found(results: Path, **options: Any) -> Dead:
    one = dead(results, "bench", options.pop("since", BEGAN), **options)
    assert one is not None
    return one


def test_it_is_the_newest_run_of_that_bench_since_then(tmp_path: Path) -> None:
    for run, bench in (("00000001", "bench"), ("00000002", "bench"), ("00000003", "another")):
        died(tmp_path, run, bench=bench)
    assert found(tmp_path).run == "00000002"
    assert dead(tmp_path, "bench", datetime.now(UTC) + timedelta(seconds=1)) is None
    assert dead(tmp_path, "third", BEGAN) is None


def test_a_report_that_is_there_is_what_counts(tmp_path: Path) -> None:
    report = sample.report(run="00000001")
    report.write(died(tmp_path, "00000001", broken=BROKEN))
    assert found(tmp_path).report == report


@pytest.mark.parametrize("text", ["", '{"version": 2}', "\udcff"])
def test_a_report_that_cannot_be_read_hides_nothing_that_the_journal_knows(tmp_path: Path, text: str) -> None:
    folder = died(tmp_path, "00000001", broken=BROKEN)
    (folder / REPORT).write_text(text, errors="surrogateescape")
    one = found(tmp_path)
    assert (one.report, one.broken) == (None, BROKEN)
