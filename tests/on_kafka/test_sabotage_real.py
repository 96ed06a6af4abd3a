"""The sabotage board on real Kafka: the same plants, the same findings, and what only a cluster that aborts can show."""

import pytest

from actors.tally import Kind
from marathon_ray.check import PLANTS, Plant, check
from marathon_ray.kafka import admin
from marathon_ray.kafka.local import LocalKafka
from marathon_ray.names import Names, new_run, run_of
from tests.board import ALL, TRANSACTED, play_copies, red

pytestmark = pytest.mark.on_kafka


def test_every_planted_error_turns_exactly_its_account_red_and_nothing_of_it_is_left(kafka: LocalKafka) -> None:
    properties = kafka.client_properties()
    played = list(check(properties, Names("board", new_run())))
    assert {each.plant.name: each.mistakes() for each in played} == {plant.name: [] for plant in PLANTS}
    there = [*admin.look(properties).topics, *admin.groups(properties)]
    assert [name for name in there if run_of(name, bench="board")] == []


@pytest.mark.parametrize("plant", TRANSACTED, ids=lambda plant: plant.name)
def test_a_transactor_that_lies_turns_exactly_its_accounts_red(kafka: LocalKafka, topic: str, plant: Plant) -> None:
    copying, planted = play_copies(plant, kafka, topic)
    assert planted.planted == (plant.who != "nobody")
    found = red(copying.rig)
    assert found.keys() == plant.found.keys()
    assert set(plant.found.values()) <= {ALL}
    assert len(set(found.values())) <= 1  # each account counts the same records
    poison = sum(int((part.incidents["kind"] == Kind.POISON).sum()) for part in copying.rig.parts)
    assert (poison > 0) == any(kind == "poison" for kind, _ in plant.found)
    assert not copying.rig.accounts.balance().faults()
