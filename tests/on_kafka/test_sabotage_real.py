"""The sabotage board on real Kafka: the same plants, the same findings, and what only a cluster that aborts can show."""

import pytest

from actors.tally import Kind
from marathon_ray.kafka.local import LocalKafka
from tests.board import ALL, PLANTS, RECORDS, TRANSACTED, Plant, play, play_copies, red
from tests.rig import create

pytestmark = pytest.mark.on_kafka
PARTITIONS = 4


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.name)
def test_a_planted_error_turns_exactly_its_account_red(kafka: LocalKafka, topic: str, plant: Plant) -> None:
    create(kafka.client_properties(), topic, num_partitions=PARTITIONS, replication_factor=3)
    rig, planted = play(plant, kafka.client_properties(), topic, PARTITIONS)
    balance = rig.accounts.balance()
    assert planted.planted == (plant.who != "nobody")
    assert red(rig) == plant.found
    assert balance.total("acknowledged") >= RECORDS
    assert not balance.faults()


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
