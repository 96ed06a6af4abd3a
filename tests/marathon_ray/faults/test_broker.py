"""Faults on a cluster that is made up: what is done, again after it was cut short, and what a cluster cannot suffer."""

from dataclasses import dataclass, field

import pytest

from marathon_ray.faults.broker import Kill, Pause, Restart, Stop
from marathon_ray.faults.fault import Fault, missing
from marathon_ray.faults.roles import any_broker, leader_of
from marathon_ray.kafka.cluster import KafkaError
from marathon_ray.kafka.existing import Existing

WHOM = any_broker()
FAULTS = (Kill(WHOM), Stop(WHOM), Restart(WHOM), Pause(WHOM))


@dataclass
class Nodes:
    """Does what it is told, says no as a real one does, and remembers all."""

    states: dict[int, str] = field(default_factory=lambda: dict.fromkeys((1, 2, 3), "up"))
    done: list[tuple[str, int]] = field(default_factory=list)
    limits: list[float | None] = field(default_factory=list)
    sees: bool = True
    revived: int = 0  # who comes back between the look and the start

    def bootstrap(self, *nodes: int) -> str:
        return ""

    def client_properties(self, *, secure: bool = False) -> dict[str, str]:
        return {}

    def state(self, node: int) -> str:
        return self.states[node]

    def _become(self, word: str, node: int, state: str) -> None:
        self.states[node] = state
        self.done.append((word, node))

    def kill(self, node: int, *, at_most: float | None = None) -> None:
        self._require(node)
        self.limits.append(at_most)
        self._become("kill", node, "down")

    def stop(self, node: int, *, within: float = 60, at_most: float | None = None) -> None:
        self._require(node)
        self.limits.append(at_most)
        self._become("stop", node, "down")

    def pause(self, node: int, *, at_most: float | None = None) -> None:
        self._require(node)
        self.limits.append(at_most)
        self._become("pause", node, "paused")

    def resume(self, node: int) -> None:
        self._require(node)
        self._become("resume", node, "up")

    def start(self, node: int) -> None:
        if self.revived == node:
            self.states[node] = "up"
        if self.states[node] != "down":
            raise KafkaError(f"node {node} is running already")
        self._become("start", node, "up")

    def wait_up(self, *, within: float = 60) -> None:
        if not self.sees:
            raise KafkaError("not all see each other")

    def _require(self, node: int) -> None:
        if self.states[node] == "down":
            raise KafkaError(f"node {node} is down")


@pytest.mark.parametrize(
    ("fault", "injected", "healed"),
    [
        (Kill(WHOM), [("kill", 1), ("kill", 3)], [("start", 1), ("start", 3)]),
        (Stop(WHOM), [("stop", 1), ("stop", 3)], [("start", 1), ("start", 3)]),
        (Restart(WHOM), [("stop", 1), ("start", 1), ("stop", 3), ("start", 3)], []),
        (Pause(WHOM), [("pause", 1), ("pause", 3)], [("resume", 1), ("resume", 3)]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_fault_befalls_its_nodes_and_healing_twice_is_healing_once(
    fault: Fault, injected: list[tuple[str, int]], healed: list[tuple[str, int]]
) -> None:
    nodes = Nodes()
    assert fault.healed(nodes, (1, 3))
    fault.inject(nodes, (1, 3), at_most=9.0)
    assert (nodes.done, nodes.limits) == (injected, [9.0, 9.0])
    assert fault.healed(nodes, (1, 3)) is isinstance(fault, Restart)
    fault.heal(nodes, (1, 3))
    fault.heal(nodes, (1, 3))
    assert nodes.done == injected + healed
    assert fault.healed(nodes, (1, 3))


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_healing_what_was_never_on_does_nothing(fault: Fault) -> None:
    nodes = Nodes()
    fault.heal(nodes, (1, 2))
    assert (nodes.done, nodes.states[3]) == ([], "up")


@pytest.mark.parametrize("fault", [Kill(WHOM), Stop(WHOM)], ids=str)
def test_an_injection_that_was_cut_short_can_be_finished_or_healed(fault: Fault) -> None:
    half = Nodes(states={1: "down", 2: "up"})
    fault.heal(half, (1, 2))
    assert half.done == [("start", 1)]
    half = Nodes(states={1: "down", 2: "up"})
    fault.inject(half, (1, 2), at_most=1)
    assert (half.states, len(half.done)) == ({1: "down", 2: "down"}, 1)


@pytest.mark.parametrize("fault", [Kill(WHOM), Stop(WHOM), Restart(WHOM)], ids=str)
def test_one_that_has_come_back_by_itself_meanwhile_is_healed(fault: Fault) -> None:
    nodes = Nodes(states={1: "down"}, revived=1)
    fault.heal(nodes, (1,))
    assert (nodes.states, nodes.done) == ({1: "up"}, [])


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_a_node_that_lives_but_is_not_known_to_all_is_not_healed(fault: Fault) -> None:
    assert not fault.healed(Nodes(sees=False), (1,))


def test_a_start_that_fails_is_told() -> None:
    nodes = Nodes(states={1: "down"})
    nodes.start = lambda node: (_ for _ in ()).throw(KafkaError("no memory"))  # type: ignore[method-assign]
    with pytest.raises(KafkaError, match="no memory"):
        Kill(WHOM).heal(nodes, (1,))


def test_faults_say_what_they_do_to_whom() -> None:
    faults = (Kill(leader_of("orders")), Stop(WHOM), Restart(WHOM), Pause(WHOM))
    words = ["kill leader of orders-0", "stop any broker", "restart any broker", "pause any broker"]
    assert [str(fault) for fault in faults] == words


def test_what_a_cluster_cannot_suffer_is_told_in_a_sentence_for_each_fault() -> None:
    anothers = Existing({"bootstrap.servers": "a:1"})
    assert missing((Kill, Stop, Restart, Pause), Nodes()) == []
    assert missing((), anothers) == []
    assert missing((Kill, Pause), anothers) == [
        "Kill: its nodes cannot be killed or started again",
        "Pause: its nodes cannot be paused",
    ]
