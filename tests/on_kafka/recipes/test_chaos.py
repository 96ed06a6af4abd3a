"""Whatever befalls brokers, tallies and the auditor: the verdict is the truth, and the sums add up at every step.

MARATHON_SEEDS says how many seeds are tried; one that failed is named by its test.
"""

import os

import pytest

from marathon_ray.kafka.local import LocalKafka
from tests.on_kafka.recipes import chaos
from tests.on_kafka.recipes.result import assert_exact

pytestmark = pytest.mark.on_kafka

_SECONDS = 15.0


@pytest.mark.parametrize("seed", range(int(os.environ.get("MARATHON_SEEDS", "2"))))
def test_the_verdict_is_the_truth_whatever_befalls_brokers_tallies_and_the_auditor(
    breakable: LocalKafka, topic: str, seed: int
) -> None:
    result, _ = chaos.run(breakable, topic, seed=seed, seconds=_SECONDS, times=2)
    assert_exact(result)
    assert len(result.acknowledged) > 10_000
    assert [finding.kind for finding in (*result.live.findings, *result.late.findings)] == []
