"""A Ray cluster that a run cannot have: told in a line before anything is made, and no other Ray is started instead."""

from pathlib import Path

import pytest
import ray

from marathon_ray import cli
from marathon_ray.places.on_ray import connect, disconnect

pytestmark = pytest.mark.on_ray
CPUS = 1
NOBODY = "127.0.0.1:1"  # where no Kafka is: it is not asked before there is room


def test_a_cluster_with_fewer_cpus_than_the_workers_need_costs_a_line_and_makes_nothing(
    ray_cluster: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    workers = ("--writers.workers", "12", "--readers.workers", "2")
    code = cli.run(["run", "steady-write", "--ray", ray_cluster, "--cluster", NOBODY, *workers])
    line = "15 workers of 0.1 CPU (1.5) are needed, it has 1 free of 1: add nodes or use fewer workers"
    assert (code, *capfd.readouterr()) == (2, "", f"marathon: Ray at {ray_cluster}: {line}\n")
    assert list(tmp_path.iterdir()) == []
    assert not ray.is_initialized()


def test_what_others_hold_of_a_cluster_is_not_free(
    ray_cluster: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    connect(ray_cluster)
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
