"""Planted errors turn exactly the right account red, through the whole stack, on the mock cluster."""

from itertools import count
from pathlib import Path

import pytest

from marathon_ray.plant import PLANTS, RECORDS, Plant
from marathon_ray.planted import play
from tests.board import page
from tests.mock_kafka import PARTITIONS, MockKafka

_topics = count()


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.name)
def test_a_planted_error_turns_exactly_its_account_red(mock_kafka: MockKafka, plant: Plant) -> None:
    topic = mock_kafka.topic(f"board-{next(_topics)}")
    played = play(plant, mock_kafka.properties, topic, partitions=PARTITIONS)
    assert played.balance is not None
    assert played.planted == (plant.who != "nobody")
    assert played.found == plant.found
    assert played.balance.total("acknowledged") >= RECORDS
    assert not played.balance.faults()
    assert played.right


def test_the_board_in_the_docs_is_the_one_that_is_played() -> None:
    written = Path(__file__).parents[1] / "docs" / "board.md"
    assert written.read_text() == page(), "write it anew: python -m tests.board > docs/board.md"
