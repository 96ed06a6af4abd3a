"""What a run has cost."""

from typing import Any

import pytest

from marathon_ray.report.report import Machine
from marathon_ray.rotation.cost import cost
from marathon_ray.rotation.plan import Prices
from tests.marathon_ray.report import sample

HALF_AN_HOUR = 1800.0
BOTH = {"spot": "0.03 EUR", "on-demand": "0.10 EUR"}


def nodes(*kinds: str) -> tuple[Machine, ...]:
    return tuple(Machine(node=f"n{number}", kind=kind) for number, kind in enumerate(kinds))


@pytest.mark.parametrize(
    ("kinds", "prices", "hours", "money"),
    [
        ((), BOTH, {}, {}),
        (("spot",), {}, {"spot": 0.5}, {}),
        (("spot",), BOTH, {"spot": 0.5}, {"EUR": 0.015}),
        (("spot", "spot", "on-demand"), BOTH, {"spot": 1.0, "on-demand": 0.5}, {"EUR": 0.08}),
        (("spot", ""), BOTH, {"spot": 0.5, "on-demand": 0.5}, {"EUR": 0.065}),  # no label says that it was cheap
        (("spot", "on-demand"), {"spot": "3 USD"}, {"spot": 0.5, "on-demand": 0.5}, {"USD": 1.5}),
    ],
)
def test_hours_of_nodes_are_counted_by_kind_and_cost_what_their_kind_does(
    kinds: tuple[str, ...], prices: dict[str, Any], hours: dict[str, float], money: dict[str, float]
) -> None:
    found = cost(sample.report(hosts=nodes(*kinds), seconds=HALF_AN_HOUR), Prices.model_validate(prices))
    assert found.hours == pytest.approx(hours)
    assert found.money == pytest.approx(money)
