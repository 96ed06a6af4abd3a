"""A producer's sudden death costs a bounded tail, and never a false loss."""

import pytest

from marathon_ray.kafka.local import LocalKafka
from tests.on_kafka.recipes.deaths import kill_producers
from tests.on_kafka.recipes.result import assert_exact

pytestmark = pytest.mark.on_kafka


def test_producers_killed_at_random_moments_leave_a_bounded_tail_and_no_false_loss(
    breakable: LocalKafka, topic: str
) -> None:
    series = kill_producers(breakable, topic, times=5, seed=20)
    assert_exact(series.result)
    for verdict in (series.result.live, series.result.late):
        assert verdict.findings == ()
        assert verdict.balance.total("unreported found") == series.unheard.total()
        assert verdict.balance.total("pending") == 0
    for death in series.deaths:
        pending, unheard = series.pending[death.client], series.unheard[death.client]
        assert death.tail.pending == pending
        assert pending + unheard <= death.bound
