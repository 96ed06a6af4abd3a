"""On a real Kafka: what breaks a promise turns the verdict red, its twin leaves it green, and both to the record."""

import pytest

from marathon_ray.kafka.local import LocalKafka
from tests.on_kafka.recipes.recipes import RECIPES, Recipe, play
from tests.on_kafka.recipes.result import assert_late_exact, assert_live_exact

pytestmark = pytest.mark.on_kafka


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_the_verdict_is_the_truth_to_the_record(recipe: Recipe, breakable: LocalKafka, topic: str) -> None:
    result = play(recipe, breakable, topic)
    assert bool(result.lost) == recipe.loses
    assert bool(result.copies) == recipe.copies
    assert_late_exact(result)
    assert {finding.kind for finding in result.late.findings} <= set(recipe.amiss)
    assert_live_exact(result)
    assert {finding.kind for finding in result.live.findings} <= set(recipe.amiss)
