"""A real Kafka cluster on this machine, from Python alone: brokers that can be killed, frozen, wiped and upgraded.

    with LocalKafka(nodes=3, version="4.3") as kafka:
        kafka.kill(1)

The brokers belong to a guardian, not to this process: they are gone, with all their files, at the end of the block,
or seconds after this process has died in whatever way.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, Unpack

import platformdirs

from marathon_ray.kafka import distribution, java, metadata, storage
from marathon_ray.kafka.cluster import KafkaError
from marathon_ray.kafka.distribution import Distribution
from marathon_ray.kafka.guardianship import Guardianship, Renewal, appoint, mark, reclaim
from marathon_ray.kafka.jars import Tell
from marathon_ray.kafka.metadata import Metadata
from marathon_ray.kafka.node import Node, lay_out, properties, write_properties
from marathon_ray.kafka.plan import Options, plan
from marathon_ray.kafka.waiting import wait_until

DISK_A_NODE = 256 * 1024**2  # bytes that must be free for each node


def home_of_clusters() -> Path:
    """Return where local clusters live (``MARATHON_HOME`` overrides it); it exists afterwards."""
    root = Path(os.environ.get("MARATHON_HOME") or platformdirs.user_state_path("marathon-ray")) / "kafka"
    root.mkdir(parents=True, exist_ok=True)
    return root


def _silent(_step: str, _done: float | None) -> None:
    """Say nothing about progress."""


class LocalKafka:
    """A local cluster; see ``Plan`` for the options. It runs from ``up`` (or the start of a block) to ``close``.

    Nodes are numbered from 1. Every method that cannot do what it says raises KafkaError.
    """

    def __init__(self, **options: Unpack[Options]) -> None:
        self.plan = plan(options)
        self.name = self.plan.name or f"k-{secrets.token_hex(4)}"
        self.cluster_id = storage.new_uuid()
        self.nodes: dict[int, Node] = {}
        self._software: dict[int, Distribution] = {}
        self._guardian = Guardianship(home_of_clusters() / self.name)
        self._renewal: Renewal | None = None
        self._wanted: set[int] = set()  # neither killed nor stopped by us: such a node has no reason to be down

    # --- its life ---

    def __enter__(self) -> Self:
        return self.up()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def up(self, tell: Tell = _silent) -> Self:
        """Create and start all nodes; they serve when this returns, or nothing is left of them."""
        self._check_disk()
        reclaim(self.home.parent)
        with distribution.held(distribution.find(self.plan.version), tell) as software:
            pass
        ports = appoint(self.home, ports=self.plan.nodes * self.plan.ports_a_node, first_port=self.plan.port)
        try:
            self._renewal = Renewal(self._guardian)
            self._create(software, ports)
            self.wait_up()
        except BaseException:
            self.close()
            raise
        return self

    def close(self) -> None:
        """End the cluster; no process, port or file of it is left."""
        if self._renewal:
            self._renewal.stop()
        self._guardian.end()

    @property
    def home(self) -> Path:
        """The directory with everything of this cluster."""
        return self._guardian.home

    def _check_disk(self) -> None:
        free, needed = shutil.disk_usage(self.home.parent).free, self.plan.nodes * DISK_A_NODE
        if free < needed:
            raise KafkaError(
                f"{self.home.parent} has {free >> 20} MiB free, {self.plan.nodes} nodes need {needed >> 20}"
            )

    def _create(self, software: Distribution, ports: Sequence[int]) -> None:
        (self.home / "log4j2.properties").write_text(java.LOG4J, encoding="utf-8")
        shutil.copyfile(software.checkpoint, self.home / storage.CHECKPOINT)
        self.nodes = lay_out(self.plan, self.home, ports)
        for node in self.nodes:
            self._software[node] = software
            self._format(node)
        for node in self.nodes:
            self.start(node)

    def _format(self, node: int) -> None:
        directory = self.nodes[node].directory
        directory.mkdir(exist_ok=True)
        write_properties(self.nodes[node].configuration, self._properties(node))
        storage.format_node(self._properties(node), self.cluster_id, self.home / storage.CHECKPOINT)

    def _properties(self, node: int) -> dict[str, str]:
        voters = [each for each in self.nodes.values() if each.votes]
        return properties(self.nodes[node], voters, self.plan)

    # --- where it is ---

    def bootstrap(self, *nodes: int) -> str:
        """Return ``host:port,…`` of the given nodes, of all if none is given."""
        chosen = [self._node(number) for number in nodes or self.nodes]
        return ",".join(f"{host}:{port}" for host, port in (node.address for node in chosen))

    def client_properties(self, *, secure: bool = False) -> dict[str, str]:
        """Return the librdkafka properties that a client needs to connect."""
        if secure:
            raise KafkaError(f"cluster {self.name} has no secure listener")
        return {"bootstrap.servers": self.bootstrap()}

    def _node(self, number: int) -> Node:
        if number not in self.nodes:
            raise KafkaError(f"there is no node {number} in cluster {self.name}: {sorted(self.nodes)}")
        return self.nodes[number]

    # --- what can be done to it ---

    def kill(self, node: int) -> None:
        """End the node's process at once (SIGKILL); it is gone when this returns."""
        self._wanted.discard(node)
        self._signal(node, signal.SIGKILL)
        wait_until(f"the death of node {node}", lambda: self.state(node) == "down", within=10)

    def stop(self, node: int, *, within: float = 60) -> None:
        """Ask the node to end (SIGTERM); it is gone when this returns, at most ``within`` seconds later."""
        self._wanted.discard(node)
        self._signal(node, signal.SIGTERM)
        wait_until(f"the stop of node {node}", lambda: self.state(node) == "down", within=within)

    def pause(self, node: int, *, at_most: float | None = None) -> None:
        """Freeze the node (SIGSTOP) until ``resume``; after ``at_most`` seconds its guardian lets it go on."""
        self._signal(node, signal.SIGSTOP, thaw_after=at_most)

    def resume(self, node: int) -> None:
        """Let the node go on (SIGCONT)."""
        self._signal(node, signal.SIGCONT)

    def start(self, node: int) -> None:
        """Start a node that is down; ``wait_up`` waits until it serves."""
        at = self._node(node)
        options = [
            f"-Xmx{self.plan.heap}",
            mark(self.home),
            f"-Dmarathon.log={at.log}",
            f"-Dlog4j2.configurationFile={self.home / 'log4j2.properties'}",
            *self.plan.jvm,
        ]
        argv = self._software[node].command(java.BROKER, [str(at.configuration)], options=options)
        self._wanted.add(node)
        self._guardian.request("start", node=node, argv=argv, log=str(at.console))

    def _signal(self, node: int, number: signal.Signals, *, thaw_after: float | None = None) -> None:
        state = self.state(node)
        if state == "down":
            raise KafkaError(f"node {node} of cluster {self.name} is down: {number.name} has nobody to meet")
        self._guardian.request("signal", node=node, number=int(number), thaw_after=thaw_after)

    # --- how it is ---

    def _status(self, node: int) -> dict[str, Any]:
        self._node(node)
        found: dict[str, Any] = self._guardian.request("status")["nodes"][str(node)]
        return found

    def state(self, node: int) -> str:
        """Return "up", "paused" or "down"."""
        return str(self._status(node)["state"])

    def pid(self, node: int) -> int:
        """Return the process id of a node that is not down."""
        status = self._status(node)
        if status["state"] == "down":
            raise KafkaError(f"node {node} of cluster {self.name} is down, with exit code {status['exit']}")
        return int(status["pid"])

    def running(self) -> list[int]:
        """Return the ids of the nodes that are up (not paused, not down)."""
        nodes = self._guardian.request("status")["nodes"]
        return [number for number in self.nodes if nodes.get(str(number), {}).get("state") == "up"]

    def logs(self, node: int) -> str:
        """Return what the broker of a node has logged, and what its JVM said beside it."""
        at = self._node(node)
        return "".join(path.read_text(errors="replace") for path in (at.console, at.log) if path.exists())

    def metadata(self, node: int, *topics: str) -> Metadata:
        """Return what this node believes about the brokers and about ``topics``; OSError if it does not answer."""
        return metadata.ask(self._node(node).address, topics)

    def wait_up(self, *, within: float = 60) -> None:
        """Wait until each running node names every running node in its Metadata."""
        wait_until(f"the start of cluster {self.name}", self._is_up, within=within)

    def _is_up(self) -> bool:
        running = self.running()
        for node in self._wanted - set(running):
            if self.state(node) == "down":
                raise KafkaError(f"node {node} of cluster {self.name} has ended by itself: {self._last_words(node)}")
        try:
            return all(set(running) <= set(self.metadata(node).brokers) for node in running)
        except OSError:
            return False

    def _last_words(self, node: int) -> str:
        """Return the line in which a node most likely says why it ended."""
        lines = [line for line in self.logs(node).splitlines() if line.strip()] or ["it said nothing"]
        telling = [line for line in lines if "ERROR" in line or "FATAL" in line or "Exception" in line]
        return (telling or lines)[-1].strip()
