"""Planted errors turn exactly the right account red, through the whole stack, on the mock cluster."""

from itertools import count
from pathlib import Path

import pytest

from tests.board import PLANTS, RECORDS, Plant, page, play, red
from tests.mock_kafka import PARTITIONS, MockKafka

_topics = count()


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.name)
def test_a_planted_error_turns_exactly_its_account_red(mock_kafka: MockKafka, plant: Plant) -> None:
    topic = mock_kafka.topic(f"board-{next(_topics)}")
    rig, planted = play(plant, mock_kafka.properties, topic, PARTITIONS)
    balance = rig.accounts.balance()
    assert planted.planted == (plant.who != "nobody")
    assert red(rig) == plant.found
    assert balance.total("acknowledged") >= RECORDS
    assert not balance.faults()


def test_the_board_in_the_docs_is_the_one_that_is_played() -> None:
    written = Path(__file__).parents[1] / "docs" / "board.md"
    assert written.read_text() == page(), "write it anew: python -m tests.board > docs/board.md"
