"""What came of losses: judged by the longest, and told as it was saved."""

import math
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.losses_result import Loss, LossesResult

WORKER = Loss(
    "worker", noticed=1.5, back=9.0, rated=4.0, deaths=1, moved=0, attempted=1_000, unknown=7, true=True, outcome="passed"
)  # fmt: skip
DRAIN = replace(WORKER, kind="drain", deaths=0, moved=3, unknown=0)
RESULT = LossesResult({"date": "today"}, (WORKER, WORKER, DRAIN))


def met(*losses: Loss) -> list[bool]:
    return [target.met for target in replace(RESULT, losses=losses).targets]


def test_one_that_came_back_late_or_never_is_not_met() -> None:
    assert met(WORKER, WORKER, DRAIN) == [True, True, True, True]
    assert met(WORKER, replace(WORKER, back=10.1), WORKER) == [False, True]
    assert met(WORKER, replace(WORKER, back=None), WORKER) == [False, True]


@pytest.mark.parametrize("kind", ["worker", "node"])
def test_a_killed_one_leaves_what_was_written_since_the_last_collect_without_an_outcome(kind: str) -> None:
    one = replace(WORKER, kind=kind)
    assert met(one, one, replace(one, unknown=2000)) == [True, True]
    assert met(one, one, replace(one, unknown=2001)) == [True, False]


def test_a_node_that_went_with_notice_leaves_no_record_without_an_outcome() -> None:
    assert met(DRAIN, replace(DRAIN, unknown=1)) == [True, False]


def test_a_notice_is_heard_within_two_seconds_where_that_was_measured() -> None:
    assert met(DRAIN, replace(DRAIN, heard=2.0)) == [True, True, True]
    assert met(DRAIN, replace(DRAIN, heard=2.1), replace(DRAIN, heard=1.0)) == [True, True, False]
    assert met(DRAIN, replace(DRAIN, heard=math.inf)) == [True, True, False]


def test_a_result_comes_back_as_it_was_saved_and_tells_all_of_it(tmp_path: Path) -> None:
    one = replace(
        RESULT, losses=(WORKER, replace(WORKER, back=None, noticed=None, true=False, outcome="failed"), DRAIN)
    )
    one.save(tmp_path / "one.json")
    assert LossesResult.load(tmp_path / "one.json") == one
    text = "\n".join(one.lines())
    assert (
        "| a worker's process is killed | 2 | inf (1.5 to inf) | inf (9.0 to inf) | 2 | 0 | 2,000 | 14 | 1 of 2 |"
        in text
    )
    assert "| a node is taken away with notice | 1 |" in text
    assert "a node is killed" not in text
    assert "2 of 3 lost no more than a tail; 2 back within 10 s (longest inf s)" in text
    assert text.count("**not met**") == 1
