"""How late a writer begins its records, and whose time that was."""

import numpy as np
import pytest

from actors import latency
from actors.lag import Lag

_MS = 1_000_000  # ns


def told(*steps: int | None, every: int = 10) -> list[int]:
    """Of each slot of one record that came so many ms late, how late (ms) it was called; None is a time without any room.
    So many ms lie between the steps."""
    lag = Lag()
    seen = []
    for number, step in enumerate(steps):
        before, now = lag.counts.copy(), number * every * _MS
        if step is None:
            lag.excuse(now)
        else:
            lag.add(step * _MS, 1, now)
            (at,) = np.flatnonzero(lag.counts - before)
            seen.append(round(latency.highest(int(at)) / 1000))
    return seen


@pytest.mark.parametrize(
    ("steps", "late"),
    [
        ((0, 50, 90), [0, 50, 90]),
        ((None, 90, 60, 0, 60), [0, 0, 0, 60]),  # made up for, and then late by itself
        ((None, 60, 90), [0, 30]),  # it does not make up for it, but falls back further
        ((None, None, 90, None, 100, 100, 90), [0, 0, 0, 0]),
        ((90, None, 100, 100), [90, 90, 90]),  # what it owed before is its own
        ((9000, 10_000, None, 10_000, 10_000), [9000, 10_000, 10_000, 10_000]),
    ],
)
def test_by_how_much_it_fell_back_in_a_time_without_room_is_excused_until_it_is_made_up_for(
    steps: tuple[int | None, ...], late: list[int]
) -> None:
    assert told(*steps) == pytest.approx(late, rel=1 / 32)


def test_who_has_not_made_up_for_it_in_ten_seconds_is_late() -> None:
    assert told(None, 8000, 8000, 8000, every=4999) == pytest.approx([0, 0, 8000], rel=1 / 32)
