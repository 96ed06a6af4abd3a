"""Whom the eyes ask for, by the names of a scenario."""

import pytest

from marathon_ray.kafka import officers
from marathon_ray.kafka.eyes import ClusterEyes


def test_the_transactions_of_a_fleet_go_by_its_field_and_any_others_by_their_id(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    def coordinator(properties: object, name: str, *, within: float) -> int:
        asked.append(name)
        return 3

    monkeypatch.setattr(officers, "transaction_coordinator", coordinator)
    copiers = {"copiers": "m-bench-00000001-copying"}
    eyes = ClusterEyes({}, {**copiers, "readers": "m-bench-00000001-live"}, copiers)
    assert (eyes.coordinator(transaction="copiers"), eyes.coordinator(transaction="payments")) == (3, 3)
    assert asked == ["m-bench-00000001-copying-0", "payments"]
    with pytest.raises(ValueError, match="readers is no fleet of transactors; there are copiers"):
        eyes.coordinator(transaction="readers")
