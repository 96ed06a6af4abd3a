"""A Ray cluster that a run cannot have: told in a line before anything is made, and no other Ray is started instead."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import ray
from ray.cluster_utils import Cluster

from marathon_ray import cli
from marathon_ray.places.on_ray import connect, disconnect

pytestmark = pytest.mark.on_ray
NOBODY = "127.0.0.1:1"  # where no Kafka is: it is not asked before there is room


@pytest.fixture(scope="module")
def small() -> Iterator[str]:
    """The address of a cluster with one CPU, of which 0.2 are free while the tests run."""
    cluster = Cluster()
    for _ in range(3):
        try:
            cluster.add_node(num_cpus=1, include_dashboard=False)
            break
        except Exception:  # noqa: BLE001 - Ray gives its own start 30 s, which a busy machine may need more than once
            continue
    yield cluster.address
    cluster.shutdown()  # type: ignore[no-untyped-call]


def test_a_cluster_with_fewer_cpus_than_the_workers_need_costs_a_line_and_makes_nothing(
    small: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    workers = ("--writers.workers", "12", "--readers.workers", "2")
    code = cli.run(["run", "steady-write", "--ray", small, "--cluster", NOBODY, *workers])
    line = "15 workers of 0.1 CPU (1.5) are needed, it has 1 free of 1: add nodes or use fewer workers"
    assert (code, *capfd.readouterr()) == (2, "", f"marathon: Ray at {small}: {line}\n")
    assert list(tmp_path.iterdir()) == []
    assert not ray.is_initialized()


def test_what_others_hold_of_a_cluster_is_not_free(
    small: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    connect(small)
    held = ray.util.placement_group([{"CPU": 0.8}])
    assert held.wait(30)
    try:
        code = cli.run(["run", "steady-write", "--cluster", NOBODY, "--writers.workers", "3"])
        line = "5 workers of 0.1 CPU (0.5) are needed, it has 0.2 free of 1: add nodes or use fewer workers"
        assert (code, *capfd.readouterr()) == (2, "", f"marathon: Ray: {line}\n")
        assert ray.is_initialized()  # it was driven before, and is left as it is
    finally:
        disconnect()
    assert list(tmp_path.iterdir()) == []
