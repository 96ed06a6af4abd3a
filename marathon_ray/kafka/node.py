"""One node of a local cluster: its place, its ports, and the properties file that follows from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from marathon_ray.kafka.plan import Plan, Properties
from marathon_ray.kafka.wire import Address

HOST = "127.0.0.1"


@dataclass(frozen=True)
class Node:
    """Where a node lives; ``secure_port`` is None without the second listener."""

    id: int
    directory: Path
    votes: bool
    port: int
    controller_port: int
    secure_port: int | None = None

    @property
    def address(self) -> Address:
        """Where plain clients reach it."""
        return HOST, self.port

    @property
    def ports(self) -> tuple[int, ...]:
        """All its ports."""
        return tuple(port for port in (self.port, self.controller_port, self.secure_port) if port is not None)

    @property
    def configuration(self) -> Path:
        """Its properties file."""
        return self.directory / "node.properties"

    @property
    def log(self) -> Path:
        """What the broker logs."""
        return self.directory / "broker.log"

    @property
    def console(self) -> Path:
        """What its JVM says outside the log: a crash, a warning of Java's."""
        return self.directory / "console.log"


def lay_out(plan: Plan, home: Path, *, ports: Sequence[int]) -> dict[int, Node]:
    """Return the nodes of a plan by id, 1 to n; ``ports`` are as many as ``ports_a_node`` times the nodes."""
    nodes = {}
    for number in range(1, plan.nodes + 1):
        own = ports[(number - 1) * plan.ports_a_node : number * plan.ports_a_node]
        nodes[number] = Node(number, home / f"node-{number}", number <= plan.controllers, *own)
    return nodes


def properties(node: Node, plan: Plan, *, voters: Sequence[Node]) -> dict[str, str]:
    """Return a node's properties: what identifies it, over what the plan sets, over the defaults of a test."""
    given = {**plan.properties, **plan.node_properties.get(node.id, {})}
    merged: dict[str, object] = {**defaults(plan), "log.dirs": node.directory / "data", **given}
    merged |= identity(node, voters)
    return {key: as_text(value) for key, value in merged.items()}


def identity(node: Node, voters: Sequence[Node]) -> dict[str, str]:
    """Return what makes a node this node of this cluster."""
    listeners = [f"PLAINTEXT://{HOST}:{node.port}"]
    if node.votes:
        listeners.append(f"CONTROLLER://{HOST}:{node.controller_port}")
    if node.secure_port:
        listeners.append(f"SECURE://{HOST}:{node.secure_port}")
    return {
        "node.id": str(node.id),
        "process.roles": "broker,controller" if node.votes else "broker",
        "controller.quorum.voters": ",".join(f"{voter.id}@{HOST}:{voter.controller_port}" for voter in voters),
        "controller.listener.names": "CONTROLLER",
        "listeners": ",".join(listeners),
        "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SECURE:SASL_SSL",
        "inter.broker.listener.name": "PLAINTEXT",
    }


def defaults(plan: Plan) -> Properties:
    """Return what suits a test: failures are noticed in 3 s, internal topics are small, groups start at once."""
    replication = min(3, plan.nodes)
    in_sync = min(2, replication)
    return {
        "broker.session.timeout.ms": 3000,
        "broker.heartbeat.interval.ms": 500,
        "offsets.topic.replication.factor": replication,
        "offsets.topic.num.partitions": 4,
        "transaction.state.log.replication.factor": replication,
        "transaction.state.log.min.isr": in_sync,
        "transaction.state.log.num.partitions": 4,
        "transaction.abort.timed.out.transaction.cleanup.interval.ms": 1000,
        "share.coordinator.state.topic.replication.factor": replication,
        "share.coordinator.state.topic.min.isr": in_sync,
        "share.coordinator.state.topic.num.partitions": 4,
        "group.initial.rebalance.delay.ms": 0,
        "auto.create.topics.enable": False,
    }


def as_text(value: object) -> str:
    """Write a value as Kafka reads it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def write_properties(path: Path, given: Mapping[str, str]) -> None:
    """Write a Java properties file: plain ASCII, all else escaped as Java reads it back."""
    lines = [f"{key}={escape(value)}\n" for key, value in given.items()]
    path.write_text("".join(lines), encoding="ascii")


def escape(value: str) -> str:
    """Double each backslash, and write what is not ASCII as the UTF-16 units that Java knows."""
    units = memoryview(value.replace("\\", "\\\\").encode("utf-16-le")).cast("H")
    return "".join(chr(unit) if unit < 128 else f"\\u{unit:04x}" for unit in units)
