"""The watcher of a spot node beside a real Ray: what its cloud says is what Ray knows."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.ray_nodes import RayNodes
from marathon_ray.places.notices import draining
from tests.marathon_ray.test_spot import Metadata

pytestmark = pytest.mark.on_ray
_SECONDS = 120.0


@pytest.fixture
def metadata() -> Iterator[Metadata]:
    metadata = Metadata()
    yield metadata
    metadata.close()


def test_a_spot_notice_drains_the_node_in_time(metadata: Metadata, tmp_path: Path) -> None:
    metadata.google()
    command = [sys.executable, "-m", "marathon_ray.spot", "--metadata", metadata.host]
    with RayNodes() as nodes, (tmp_path / "log").open("w") as log:
        node = nodes.add()
        watcher = subprocess.Popen(
            [*command, "--node", node],
            stderr=log,
            env={**os.environ, "RAY_ADDRESS": nodes.address},
            start_new_session=True,
        )
        try:
            deadline = time.monotonic() + _SECONDS
            while len(metadata.asked) < 5:
                assert time.monotonic() < deadline
                time.sleep(0.1)
            assert draining() == {}
            metadata.google("TRUE")
            while not draining():
                assert time.monotonic() < deadline, (tmp_path / "log").read_text()
                time.sleep(0.1)
            assert list(draining()) == [node]
            assert draining()[node] - time.monotonic() < 30
        finally:
            watcher.send_signal(signal.SIGTERM)
            watcher.wait(_SECONDS)
    assert "this is a machine of Google Cloud" in (tmp_path / "log").read_text()
