"""Where workers were, and for how long."""

import pytest

from actors.order import Host
from marathon_ray.nodes import MARKET, Nodes, heard, node_hours

HOUR = 3600.0


def host(node: str, market: str = "", *, pid: int = 1, at: float = 0.0) -> Host:
    return Host(node, f"{node}.example", pid=pid, at=at, cpu_seconds=at, labels={MARKET: market} if market else {})


def test_a_node_counts_from_when_a_worker_was_heard_there_first_to_when_one_was_last() -> None:
    nodes: Nodes = {}
    heard(nodes, {"writers-0": host("a", "spot"), "writers-1": host("b", "spot")}, 0, HOUR / 2)
    heard(nodes, {"readers-0": host("a", "spot")}, 0, HOUR / 2)  # another fleet: it is one node
    heard(nodes, {"writers-0": host("a", "spot"), "writers-2": host("c", "on-demand")}, HOUR / 2, HOUR)
    heard(nodes, {"writers-0": host("a", "spot"), "writers-1": host("d")}, HOUR, 2 * HOUR)
    assert {name: node.hours for (name, _), node in nodes.items()} == {"a": 2.0, "b": 0.5, "c": 0.5, "d": 1.0}
    assert node_hours(nodes.values()) == pytest.approx({"spot": 2.5, "on-demand": 0.5, "unknown": 1.0})


def test_a_seat_that_lives_again_elsewhere_was_on_both_nodes() -> None:
    nodes: Nodes = {}
    heard(nodes, {"writers-0": host("a")}, 0, HOUR)
    heard(nodes, {"writers-0": host("b")}, HOUR, 2 * HOUR)
    assert [set(node.hosts) for node in nodes.values()] == [{"writers-0"}, {"writers-0"}]


def test_what_one_process_has_used_counts_once_for_all_its_seats() -> None:
    nodes: Nodes = {}
    heard(
        nodes, {"writers-0": host("a", at=7), "readers-0": host("a", at=9), "readers-1": host("a", pid=2, at=3)}, 0, 1
    )
    (node,) = nodes.values()
    assert sorted(process.cpu_seconds for process in node.processes) == [3, 9]
