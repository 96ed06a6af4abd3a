"""What came of interruptions: told by signal and phase, as it was saved."""

from pathlib import Path

from benchmarks.interruptions_result import Interruption, InterruptionsResult

CLEAN = Interruption("kill-leader", "SIGKILL", after=7.5, phase="workload", code=-9, left=())
DIRTY = Interruption("freeze-follower", "SIGKILL", after=9.0, phase="workload", code=-9, left=("node 2 is paused",))
EARLY = Interruption("kill-leader", "SIGINT", after=0.1, phase="before", code=-2, left=())
RESULT = InterruptionsResult({"date": "today"}, (CLEAN, DIRTY, EARLY))


def test_a_result_comes_back_as_it_was_saved_and_tells_what_left_something(tmp_path: Path) -> None:
    RESULT.save(tmp_path / "one.json")
    assert InterruptionsResult.load(tmp_path / "one.json") == RESULT
    text = "\n".join(RESULT.lines())
    assert "| SIGINT | before | 1 | 0 |\n| SIGKILL | workload | 2 | 1 |" in text
    assert "1 of 3 left something" in text
    assert "**not met**" in text


def test_where_none_left_anything_the_target_is_met() -> None:
    assert "**not met**" not in "\n".join(InterruptionsResult(RESULT.about, (CLEAN, EARLY)).lines())
