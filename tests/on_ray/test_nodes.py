"""On which nodes of a real Ray workers come to life: by label, never on a head without CPUs; and what a cluster is asked for."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import ray
from ray.autoscaler._private import constants
from ray.experimental.internal_kv import _internal_kv_get

from benchmarks.ray_nodes import RayNodes
from marathon_ray import cli
from marathon_ray.places import head
from marathon_ray.places.head import MARKET
from marathon_ray.places.on_ray import OnRay
from tests.on_ray.test_notices import open_

pytestmark = pytest.mark.on_ray


@pytest.fixture(scope="module")
def nodes() -> Iterator[RayNodes]:
    with RayNodes() as nodes:
        yield nodes


def test_spot_nodes_that_are_not_there_cost_a_line_and_make_nothing(
    nodes: RayNodes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    capfd.readouterr()
    code = cli.run(["run", "steady-write", "--cluster", "127.0.0.1:1", "--nodes", "spot"])
    line = "spot nodes are asked for, and of 2 that have CPUs none has the label ray.io/market-type=spot or on-demand; "
    assert (code, capfd.readouterr().err) == (2, f"marathon: Ray: {line}labels that there are: none\n")
    assert list(tmp_path.iterdir()) == []


def test_spot_nodes_come_first_then_those_on_demand_and_no_others(nodes: RayNodes) -> None:
    spot, dear = nodes.add(**{MARKET: "spot"}), nodes.add(**{MARKET: "on-demand"})
    assert head.lacking(8, cpus=0.1, nodes="spot") == ""
    assert "it has 0.8 free of 2" in head.lacking(9, cpus=0.1, nodes="spot")
    places = OnRay(nodes="spot")
    try:
        assert open_(places, [f"m-spot-{number}" for number in range(4)]) == [spot] * 4
        assert open_(places, ["m-spot-4", "m-spot-5"]) == [dear] * 2
    finally:
        asyncio.run(places.shut())
    for node in (spot, dear):
        nodes.kill(node)


def test_no_seat_comes_to_the_head(nodes: RayNodes) -> None:
    places = OnRay()
    try:
        where = open_(places, [f"m-any-{number}" for number in range(8)])  # no other has room
        assert ray.get_runtime_context().get_node_id() not in where
        assert sorted(set(where)) == sorted(nodes.names())
    finally:
        asyncio.run(places.shut())


def test_what_a_cluster_is_asked_for_is_heard_and_taken_back(nodes: RayNodes) -> None:
    def asked() -> list[dict[str, float]]:
        return json.loads(_internal_kv_get(constants.AUTOSCALER_RESOURCE_REQUEST_CHANNEL))  # type: ignore[attr-defined, no-any-return]

    assert head.room().reach is None
    head.ask_for(3, cpus=0.1)
    assert asked() == [{"CPU": 0.1}] * 3
    head.ask_for(0, cpus=0.1)
    assert asked() == []
