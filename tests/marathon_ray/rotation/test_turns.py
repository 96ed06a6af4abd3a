"""Turns: the same plan and number give the same turn, and every one has its share."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

from actors.units import parse_duration
from marathon_ray.rotation.turns import ends, turn
from tests.marathon_ray.rotation.plans import a_plan


def test_in_turn_every_pair_of_scenario_and_cluster_comes_round() -> None:
    plan = a_plan()
    pairs = [(one.scenario, one.cluster) for one in (turn(plan, number) for number in range(6))]
    assert pairs[:3] == [("steady-write", "one"), ("kill-leader", "one"), ("kill-leader", "two")]
    assert pairs[3:] == pairs[:3]


def test_a_turn_is_told_by_its_number_and_the_seed_alone() -> None:
    plan = a_plan(order="drawn", seed=5)
    assert [turn(plan, number) for number in range(20)] == [turn(plan, number) for number in range(20)]
    assert len({turn(plan, number).seed for number in range(20)}) == 20
    assert [turn(plan, number) for number in range(20)] != [turn(a_plan(order="drawn"), number) for number in range(20)]


def test_drawn_turns_follow_the_weights_whatever_the_number_of_clusters() -> None:
    plan = a_plan(order="drawn")
    drawn = Counter(turn(plan, number).scenario for number in range(4000))
    assert 2850 < drawn["kill-leader"] < 3150  # 3,000 +- 5 standard deviations


def test_values_are_among_those_that_the_plan_gives() -> None:
    plan = a_plan()
    turns = [turn(plan, number) for number in range(60)]
    rates = {dict(one.fields)["writers.rate"] for one in turns if one.scenario == "kill-leader"}
    assert rates == {"50 MB/s", "100 MB/s"}
    lengths = [parse_duration(dict(one.fields)["steady"]) for one in turns if one.scenario == "steady-write"]
    assert len(set(lengths)) > 15
    assert all(60 <= seconds <= 300 for seconds in lengths)
    assert turns[1].flags[0].startswith("--writers.rate=")


def test_when_the_run_of_a_turn_ends_is_told_as_far_as_it_is_known() -> None:
    one = replace(turn(a_plan(), 0), scenario="steady-write", fields=(("steady", "90 s"),))
    began = datetime(2026, 3, 1, 23, 59, tzinfo=UTC)
    assert ends(one, began) == ", until 2026-03-02 00:00:30 UTC at least"
    assert ends(replace(one, scenario="nothing-like-it"), began) == ""
