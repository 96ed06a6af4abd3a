"""What a worker's pod says before it goes, said to a real Ray: `ray drain-node` is a hidden command, which may change."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from ray._raylet import GcsClient  # type: ignore[attr-defined]
from ray.cluster_utils import Cluster
from ray.core.generated import common_pb2

from tests.kuberay import rules
from tests.kuberay.rendering import CLOUDS, ROOT, rendered

pytestmark = pytest.mark.on_ray
_STARTS, _SECONDS = 3, 60


@pytest.fixture
def two_nodes() -> Iterator[Cluster]:
    """Both on this machine. Ray gives a head thirty seconds to start, which is little on a busy one."""
    cluster = started()
    yield cluster
    cluster.shutdown()  # type: ignore[no-untyped-call]


def started() -> Cluster:
    for left in reversed(range(_STARTS)):
        cluster = Cluster()
        try:
            cluster.add_node(num_cpus=0)
            cluster.add_node(num_cpus=1)
        except Exception:
            cluster.shutdown()  # type: ignore[no-untyped-call]
            if not left:
                raise
        else:
            return cluster
    raise AssertionError


def test_a_pod_that_must_go_drains_its_node(two_nodes: Cluster) -> None:
    said = {_farewell(cloud, group) for cloud in CLOUDS for group in ("spot", "fallback")}
    (command,) = said
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    env = {**os.environ, "PATH": path, "RAY_ADDRESS": two_nodes.address, "LEAVE_SECONDS": "1"}
    asks, _, last = command[-1].rpartition("; ")
    assert last == rules.FAREWELL  # which is for a pod's first process alone, and not for this machine's
    patient = asks.replace("timeout 8", f"timeout {_SECONDS}")  # this machine may be busier than a pod's
    subprocess.run([*command[:-1], patient], env=env)
    deadline = time.monotonic() + _SECONDS
    while preempted(two_nodes.address) != 1:
        assert time.monotonic() < deadline, "no node was drained"
        time.sleep(0.1)


def _farewell(cloud: str, group: str) -> tuple[str, ...]:
    (ray,) = rules.pods(rendered(ROOT / "overlays" / cloud))[group]["spec"]["containers"]
    return tuple(ray["lifecycle"]["preStop"]["exec"]["command"])


def preempted(address: str) -> int:
    """How many nodes have gone since somebody asked Ray to drain them."""
    reason = common_pb2.NodeDeathInfo.AUTOSCALER_DRAIN_PREEMPTED  # type: ignore[attr-defined]
    nodes = GcsClient(address=address).get_all_node_info(timeout=_SECONDS).values()
    return sum(each.death_info.reason == reason for each in nodes)
