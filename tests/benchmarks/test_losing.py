"""What the benchmark of losses itself promises: no record stands in two places, or in none."""

from typing import Any

import pytest

from benchmarks.losing import Conserved
from tests.marathon_ray.promises.rounds import balance, judge


@pytest.mark.parametrize(
    ("ending", "state", "found"),
    [
        ({"balance": balance(100)}, "passed", "it does"),
        ({"balance": balance(100, pending=7, attempted=107)}, "failed", "pending"),
        ({"balance": balance(100, unaudited=7)}, "failed", "unaudited"),
        ({"balance": balance(100, unaudited=7), "drained": False}, "undecided", "unaudited"),
        ({"balance": balance(100, found=90), "drained": False}, "failed", "acknowledged of topic 1 partition 0"),
    ],
)
def test_what_adds_up_is_kept_and_what_nobody_read_to_the_end_is_undecided(
    ending: dict[str, Any], state: str, found: str
) -> None:
    verdict = judge(Conserved(), [], **ending)
    assert verdict.state == state
    assert found in verdict.found
