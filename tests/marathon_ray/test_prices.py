"""What nodes cost."""

from typing import Any

import pytest

from marathon_ray.prices import Prices

BOTH = {"spot": "0.03 EUR", "on-demand": "0.10 EUR"}


@pytest.mark.parametrize(
    ("hours", "prices", "money"),
    [
        ({}, BOTH, {}),
        ({"spot": 0.5}, {}, {}),
        ({"spot": 0.5}, BOTH, {"EUR": 0.015}),
        ({"spot": 1.0, "on-demand": 0.5}, BOTH, {"EUR": 0.08}),
        ({"spot": 0.5, "unknown": 0.5}, BOTH, {"EUR": 0.065}),  # no label says that it was cheap
        ({"reserved": 2.0}, BOTH, {"EUR": 0.2}),
        ({"spot": 0.5, "on-demand": 0.5}, {"spot": "3 USD"}, {"USD": 1.5}),
    ],
)
def test_an_hour_of_a_node_costs_what_its_kind_does_and_what_is_not_known_to_be_cheap_as_on_demand(
    hours: dict[str, float], prices: dict[str, Any], money: dict[str, float]
) -> None:
    assert Prices.model_validate(prices).cost(hours) == pytest.approx(money)
