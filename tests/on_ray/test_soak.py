"""A rotation on several Ray nodes and a real Kafka, whose controller is killed, as are a worker, a node and a node that was
drained; `python -m benchmarks.soak` does so for longer."""

from pathlib import Path

import pytest

from benchmarks.soak import Soak, table

pytestmark = [pytest.mark.on_ray, pytest.mark.on_kafka]


def test_a_rotation_whose_controller_and_nodes_are_killed_keeps_its_books_and_its_word(tmp_path: Path) -> None:
    soak = Soak(minutes=5, results=tmp_path, kills=1, every=80)
    checks = soak.run()
    assert all(check.holds for check in checks), table(checks)
