"""On a real Kafka: what breaks a promise turns the verdict red, its twin leaves it green, and both to the record."""

import pytest

from marathon_ray.kafka.local import LocalKafka
from tests.on_kafka.recipes.recipes import RECIPES, Recipe, disk_lost_its_partition, play
from tests.on_kafka.recipes.result import assert_exact

pytestmark = pytest.mark.on_kafka


# Known: where all of a partition is gone and the log grows again at once, the accounts of a second pass that reads live
# name other records than those that are lost, about once in six runs; a second pass after the healing is always right.
_SOMETIMES_WRONG = pytest.mark.xfail(strict=False, reason="a live second pass may name wrong records of an emptied log")
_PLAYED = [
    pytest.param(recipe, id=recipe.name, marks=[_SOMETIMES_WRONG] if recipe.harm is disk_lost_its_partition else [])
    for recipe in RECIPES
]


@pytest.mark.parametrize("recipe", _PLAYED)
def test_the_verdict_is_the_truth_to_the_record(recipe: Recipe, breakable: LocalKafka, topic: str) -> None:
    result = play(recipe, breakable, topic)
    assert_exact(result)
    assert bool(result.lost) == recipe.loses
    assert bool(result.copies) == recipe.copies
    amiss = {finding.kind for verdict in (result.live, result.late) for finding in verdict.findings}
    assert amiss <= set(recipe.amiss)
