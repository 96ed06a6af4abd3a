"""How late a writer begins its records, and whose time that was."""

import numpy as np
import pytest

from actors import latency
from actors.lag import Lag

_MS = 1_000_000  # ns


def told(*steps: int | None) -> list[int]:
    """Of each slot of one record that came so many ms late, how late (ms) it was called; None is a time without any room."""
    lag = Lag()
    seen = []
    for step in steps:
        before = lag.counts.copy()
        if step is None:
            lag.excuse()
        else:
            lag.add(step * _MS, 1)
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
    ],
)
def test_what_is_owed_after_a_time_without_room_is_excused_until_it_is_made_up_for(
    steps: tuple[int | None, ...], late: list[int]
) -> None:
    assert told(*steps) == pytest.approx(late, rel=1 / 32)
