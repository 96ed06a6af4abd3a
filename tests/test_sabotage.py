"""Planted errors turn exactly the right account red, through the whole stack, on the mock cluster."""

from itertools import count

import pytest

from tests.board import PLANTS, RECORDS, Plant, play, red
from tests.mock_kafka import PARTITIONS, MockKafka

_topics = count()


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: f"{plant.how.__name__} by {plant.who}")
def test_a_planted_error_turns_exactly_its_account_red(mock_kafka: MockKafka, plant: Plant) -> None:
    topic = mock_kafka.topic(f"board-{next(_topics)}")
    rig, planted = play(plant, mock_kafka.properties, topic, PARTITIONS)
    balance = rig.accounts.balance()
    assert planted.planted == (plant.who != "nobody")
    assert red(rig) == plant.found
    assert balance.total("acknowledged") >= RECORDS
    assert not balance.faults()
