"""What a report says was not looked at, a sentence for each reason and none without one."""

from dataclasses import replace
from typing import Any

import pytest

from marathon_ray.overlooked import overlooked
from tests.marathon_ray.promises.rounds import balance

ALL: dict[str, Any] = {"drained": True, "unheard": 0, "unread": ()}


def test_a_run_that_looked_at_everything_has_nothing_to_say() -> None:
    assert list(overlooked(balance(100), **ALL)) == []


@pytest.mark.parametrize(
    ("found", "seen", "sentence"),
    [
        (balance(5_000, unaudited=1_234), {}, "1,234 acknowledged records that the auditors did not come to"),
        (replace(balance(1), incidents={"expired": 1}), {}, "records that expired before they were read twice"),
        (
            balance(1),
            {"drained": False},
            "what lies behind where the auditors stood at the end: the run was not drained",
        ),
        (
            balance(1),
            {"unheard": 3_000},
            "whether up to 3,000 records of lost workers, of which nobody was told, were acknowledged",
        ),
        (balance(1), {"unread": ["orders"]}, "how orders is given to groups: no fleet reads it as one"),
    ],
)
def test_each_reason_has_its_sentence(found: Any, seen: dict[str, Any], sentence: str) -> None:
    assert list(overlooked(found, **{**ALL, **seen})) == [sentence]
