"""A rotation on several Ray nodes and a real Kafka, whose controller and one of whose nodes are killed; `python -m
benchmarks.soak` does so for longer."""

from pathlib import Path

import pytest

from benchmarks.soak import Soak, table

pytestmark = [pytest.mark.on_ray, pytest.mark.on_kafka]


def test_a_rotation_whose_controller_and_nodes_are_killed_keeps_its_books_and_its_word(tmp_path: Path) -> None:
    soak = Soak(minutes=4, results=tmp_path, kills=1, every=160, ways=("node",))
    checks = soak.run()
    assert all(check.holds for check in checks), table(checks)
