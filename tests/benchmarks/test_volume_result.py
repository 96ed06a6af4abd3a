"""What a volume run saves: sums of windows, exact or not, and enough to go on from."""

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.volume_result import Moment, VolumeResult
from marathon_ray.finding import Finding, FindingKind, Window


def window(acknowledged: int, found: int, *findings: Finding) -> Window:
    return Window({(1, 0): {"acknowledged": acknowledged, "found": found}, (1, 1): {"found": 0}}, findings=findings)


LOST = Finding(kind=FindingKind.LOST, topic=1, count=1)


def test_a_run_whose_windows_found_all_that_was_acknowledged_is_exact() -> None:
    result = VolumeResult(100, 100).after(window(60, 60)).after(window(45, 45))
    assert result.exact
    assert result.remaining == 0


@pytest.mark.parametrize("last", [window(40, 39), window(39, 39), window(40, 40, LOST)])
def test_a_run_with_a_record_lost_or_missing_or_a_finding_is_not_exact(last: Window) -> None:
    assert not VolumeResult(100, 100).after(window(60, 60)).after(last).exact


def test_a_finding_that_is_withdrawn_does_not_count() -> None:
    result = VolumeResult(100, 100).after(window(100, 100, LOST)).after(Window(withdrawn=(LOST,)))
    assert result.exact


def test_a_run_goes_on_from_what_was_settled_when_it_was_saved(tmp_path: Path) -> None:
    before = VolumeResult(100, 100, moments=((Moment(1.0, 2, 3, 4),),)).after(window(60, 60))
    before.save(tmp_path / "progress.json")
    after = VolumeResult.load(tmp_path / "progress.json")
    assert after == before
    assert after.remaining == 40


def test_the_report_tells_counts_that_are_zero_and_does_not_call_a_loss_exact() -> None:
    lost = Window({(1, 0): {"acknowledged": 100, "found": 98, "lost": 2, "unknown": 1}}, findings=(LOST,))
    text = "\n".join(replace(VolumeResult(100, 100).after(lost), seconds=1.0, cpu=1.0).lines())
    assert "**not exact**" in text
    assert "| 101 | 100 | 0 | 1 | 98 | 2 | 1 |" in text
