"""What the benchmark of losses itself promises, no record stands in two places, or in none, and what it measures."""

import asyncio
import math
from types import SimpleNamespace
from typing import Any, cast

import pytest

from benchmarks import losing
from benchmarks.losing import Conserved, Loser
from benchmarks.losses_result import RATE
from benchmarks.ray_nodes import RayNodes
from marathon_ray.round import Doing
from tests.marathon_ray.promises.rounds import a_round, balance, judge


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


def watched(*rates: float, seconds: float = 1.0) -> Loser:
    """One that was told of rounds of these shares of the rate, the first before the loss."""
    loser = Loser(cast(RayNodes, None), "drain", seed=1)
    for number, share in enumerate(rates):
        doing = Doing(workers=2, wanted=2, counts={"acknowledged": round(share * RATE * seconds)})
        loser.round(a_round(number * seconds, (number + 1) * seconds, fleets={"writers": doing}), ())
        loser.struck = 1.0
    return loser


@pytest.mark.parametrize(
    ("rates", "short"),
    [
        ((1.0, 1.0, 1.0, 1.0), 0.0),
        ((1.0, 0.5, 1.5, 1.0), 1.0),  # told late: of the two rounds the first alone is short
        ((1.0, 0.85, 1.1, 0.9), 0.0),  # rounds are not of one length
        ((1.0, 0.5, 0.5, 0.5, 1.0, 1.0), 4.0),
        ((0.0, 1.0, 1.0), 1.0),
    ],
)
def test_the_rate_is_short_where_two_rounds_have_less(rates: tuple[float, ...], short: float) -> None:
    loser = watched(*rates)
    assert loser.short == short
    assert (loser.slow > 0) == (short > 0)


def test_the_rate_is_back_only_when_whole_and_noticed() -> None:
    assert watched(1.0, 1.0).back is None
    loser = watched(1.0, 0.5)
    loser.noticed = loser.struck
    loser.round(a_round(2, 3, fleets={"writers": Doing(workers=1, wanted=2, counts={"acknowledged": 2 * RATE})}), ())
    assert loser.back is None
    loser.round(a_round(3, 4, fleets={"writers": Doing(workers=2, wanted=2, counts={"acknowledged": RATE})}), ())
    assert loser.back is not None


def test_a_notice_is_heard_once_there_is_another_seat(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = iter([frozenset("ab"), frozenset("b"), frozenset("bc")])
    later = Loser(cast(RayNodes, SimpleNamespace(named=lambda: next(seen))), "drain", seed=1)
    assert 2 * losing._LOOK <= asyncio.run(later._hear(frozenset("ab"))) < math.inf
    monkeypatch.setattr(losing, "_AWAY", 0.1)
    never = Loser(cast(RayNodes, SimpleNamespace(named=lambda: frozenset("a"))), "drain", seed=1)
    assert asyncio.run(never._hear(frozenset("ab"))) == math.inf
