"""What a dead controller's run has left, by what is on the disk."""

import json
from pathlib import Path

import pytest

from marathon_ray.journal import NAME, Journal, Thing
from marathon_ray.report.report import NAME as REPORT
from marathon_ray.rotation.dead import Dead, dead, has_left
from tests.marathon_ray.report import sample

BROKEN = {"Integrity": "3 lost"}


def died(results: Path, run: str, *, broken: dict[str, str] | None = None) -> Path:
    """A run has begun, and found that; returns its folder."""
    folder = results / f"kill-leader-{run}"
    with Journal(folder / NAME) as journal:
        journal.write("begin", run=run)
        if broken:
            journal.write("broken", promises=broken)
    return folder


def found(results: Path, run: str) -> Dead:
    one = dead(results, run)
    assert one is not None
    return one


def test_it_is_the_run_of_that_name_whichever_is_newer(tmp_path: Path) -> None:
    died(tmp_path, "00000001", broken=BROKEN)
    died(tmp_path, "00000002")
    assert (found(tmp_path, "00000001").run, found(tmp_path, "00000001").broken) == ("00000001", BROKEN)
    assert found(tmp_path, "00000002").broken == {}


def test_a_run_that_had_not_begun_is_none(tmp_path: Path) -> None:
    died(tmp_path, "00000001")
    (tmp_path / "kill-leader-00000002").mkdir()
    (tmp_path / "kill-leader-00000003").mkdir()
    (tmp_path / "kill-leader-00000003" / NAME).write_bytes(b'{"at": "20')
    assert [dead(tmp_path, f"0000000{number}") for number in (2, 3, 4)] == [None, None, None]


def test_a_report_that_is_there_is_what_counts(tmp_path: Path) -> None:
    report = sample.report(run="00000001")
    report.write(died(tmp_path, "00000001", broken=BROKEN))
    assert found(tmp_path, "00000001").report == report


@pytest.mark.parametrize("text", ["", '{"version": 2}', "\udcff"])
def test_a_report_that_cannot_be_read_hides_nothing_that_the_journal_knows(tmp_path: Path, text: str) -> None:
    folder = died(tmp_path, "00000001", broken=BROKEN)
    (folder / REPORT).write_text(text, errors="surrogateescape")
    one = found(tmp_path, "00000001")
    assert (one.report, one.broken) == (None, BROKEN)


def test_a_run_that_was_reclaimed_in_the_morning_has_not_lasted_all_night(tmp_path: Path) -> None:
    entries = [("18:00:00", "begin"), ("18:05:00", "phase"), ("23:00:00", "undone"), ("23:00:01", "reclaimed")]
    folder = tmp_path / "steady-write-0000000d"
    folder.mkdir()
    more = {"kind": "topic", "name": "m-bench-0000000d-orders"}
    lines = [json.dumps({"at": f"2026-01-01T{at}+00:00", "what": what, **more}) for at, what in entries]
    (folder / NAME).write_text("".join(f"{line}\n" for line in lines))
    assert found(tmp_path, "0000000d").seconds == 300


def test_what_a_run_has_left_is_known_until_it_is_undone(tmp_path: Path) -> None:
    folder = died(tmp_path, "00000001")
    assert (found(tmp_path, "00000001").left, has_left(folder)) == (False, False)
    with Journal(folder / NAME) as journal:
        journal.intend(Thing("topic", "m-bench-00000001-orders"))
    assert (found(tmp_path, "00000001").left, has_left(folder)) == (True, True)
    with Journal(folder / NAME) as journal:
        journal.undone(Thing("topic", "m-bench-00000001-orders"))
    assert (found(tmp_path, "00000001").left, has_left(folder)) == (False, False)
    assert not has_left(tmp_path / "steady-write-00000002")
