"""The properties file of a node."""

from pathlib import Path

import pytest

from marathon_ray.kafka.node import Node, lay_out, properties, write_properties
from marathon_ray.kafka.plan import Plan

HOME = Path("/home/of/it")


def test_each_node_gets_ports_of_its_own_and_the_first_ones_vote() -> None:
    nodes = lay_out(Plan(nodes=3, voters=1, secure=True), HOME, ports=range(100, 109))
    assert [node.votes for node in nodes.values()] == [True, False, False]
    assert [node.ports for node in nodes.values()] == [(100, 101, 102), (103, 104, 105), (106, 107, 108)]


def test_only_voters_listen_for_controllers_and_all_know_the_voters() -> None:
    plan = Plan(nodes=2, voters=1)
    nodes = lay_out(plan, HOME, ports=range(100, 104))
    voter, other = (properties(node, plan, voters=[nodes[1]]) for node in nodes.values())
    assert voter["process.roles"] == "broker,controller"
    assert voter["listeners"] == "PLAINTEXT://127.0.0.1:100,CONTROLLER://127.0.0.1:101"
    assert other["process.roles"] == "broker"
    assert other["listeners"] == "PLAINTEXT://127.0.0.1:102"
    assert voter["controller.quorum.voters"] == other["controller.quorum.voters"] == "1@127.0.0.1:101"


def test_properties_of_a_node_win_over_those_of_all_and_both_over_the_defaults() -> None:
    given = {"broker.session.timeout.ms": 9000, "log.retention.ms": 1}
    plan = Plan(nodes=1, properties=given, node_properties={1: {"log.retention.ms": 2}})
    found = properties(Node(1, HOME, votes=True, port=1, controller_port=2), plan, voters=[])
    assert found["broker.session.timeout.ms"] == "9000"
    assert found["log.retention.ms"] == "2"
    assert found["broker.heartbeat.interval.ms"] == "500"
    assert found["auto.create.topics.enable"] == "false"


@pytest.mark.parametrize(("nodes", "replication", "in_sync"), [(1, "1", "1"), (2, "2", "2"), (5, "3", "2")])
def test_internal_topics_fit_the_size_of_the_cluster(nodes: int, replication: str, in_sync: str) -> None:
    found = properties(Node(1, HOME, votes=True, port=1, controller_port=2), Plan(nodes=nodes), voters=[])
    for topic in ("transaction.state.log", "share.coordinator.state.topic"):
        assert found[f"{topic}.replication.factor"] == replication
        assert found[f"{topic}.min.isr"] == in_sync


def test_what_java_would_read_otherwise_is_escaped(tmp_path: Path) -> None:
    write_properties(tmp_path / "p", {"pattern": r"\d+", "path": "/h\u00f6me/\U0001f600 x"})
    assert (tmp_path / "p").read_text() == "pattern=\\\\d+\npath=/h\\u00f6me/\\ud83d\\ude00 x\n"
