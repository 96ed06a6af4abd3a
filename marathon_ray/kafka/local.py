"""A real Kafka cluster on this machine, from Python alone: brokers that can be killed, frozen, wiped and upgraded.

    with LocalKafka(nodes=3, version="4.3") as kafka:
        kafka.kill(1)

The brokers belong to a guardian, not to this process: they are gone, with all their files, at the end of the block,
or seconds after this process has died in whatever way.
"""

from __future__ import annotations

import contextlib
import secrets
import shutil
import signal
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, Unpack

from marathon_ray.kafka import certificate, distribution, homes, jars, metadata, state, storage, versions
from marathon_ray.kafka.cluster import KafkaError
from marathon_ray.kafka.distribution import Distribution, finalize
from marathon_ray.kafka.formation import command_of, form, form_node, properties_of
from marathon_ray.kafka.guardianship import Guardianship, Renewal, appoint, reclaim
from marathon_ray.kafka.jars import Tell
from marathon_ray.kafka.metadata import Metadata
from marathon_ray.kafka.node import Node
from marathon_ray.kafka.plan import Options, plan
from marathon_ray.kafka.registration import unregister
from marathon_ray.kafka.waiting import wait_until

DISK_A_NODE = 256 * 1024**2  # bytes that must be free for each node


def silent(_step: str, _done: float | None) -> None:
    """Say nothing about progress."""


class LocalKafka:
    """A local cluster; see ``Plan`` for the options. It runs from ``up`` (or the start of a block) to ``close``.

    Nodes are numbered from 1. Every method that cannot do what it says raises KafkaError.
    """

    def __init__(self, **options: Unpack[Options]) -> None:
        wanted = plan(options)
        self.name = wanted.name or f"k-{secrets.token_hex(4)}"
        self._guardian = Guardianship(homes.root() / self.name)
        identity, password = storage.new_uuid(), secrets.token_hex(16)
        self._state = state.State(home=self._guardian.home, plan=wanted, cluster_id=identity, password=password)
        self._renewal: Renewal | None = None
        self._wanted: set[int] = set()  # neither killed nor stopped by us: such a node has no reason to be down

    @classmethod
    def attach(cls, name: str) -> Self:
        """Take hold of a cluster that runs already, without its lease: it ends when it would have ended anyway."""
        kafka = cls(name=name)
        kafka._state = state.load(kafka.home)
        kafka._wanted = set(kafka.running())
        return kafka

    # --- its life ---

    def __enter__(self) -> Self:
        return self.up()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def up(self, tell: Tell = silent) -> Self:
        """Create and start all nodes; they serve when this returns, or nothing is left of them."""
        homes.require_space(self._state.plan.nodes * DISK_A_NODE)
        reclaim(self.home.parent)
        return self.boot(distribution.ready(self._state.plan.version, train, tell=tell), tell)

    def boot(self, software: Distribution, tell: Tell = silent) -> Self:
        """Do as ``up`` with software that is at hand."""
        tell(f"Kafka {software.version}: {self._state.plan.nodes} nodes", None)
        ports = self._appoint()
        try:
            form(self._state, software, ports=ports)
            for node in self.nodes:
                self.start(node)
            self.wait_up()
        except BaseException:
            self.close()
            raise
        return self

    def _appoint(self) -> tuple[int, ...]:
        """Have a guardian take the name and the ports; a cluster that has the name already is not touched."""
        plan = self._state.plan
        if self.home.exists():
            raise KafkaError(f"there is a cluster {self.name} in {self.home.parent} already")
        try:
            ports = appoint(self.home, ports=plan.nodes * plan.ports_a_node, lease=plan.lease, first_port=plan.port)
            self._renewal = Renewal(self._guardian, lease=plan.lease)
        except KeyboardInterrupt:
            self.close()
            raise
        return ports

    def hand_over(self, seconds: float) -> None:
        """Leave the cluster to its guardian alone, which ends it in so many seconds; this process may end."""
        if self._renewal:
            self._renewal.stop()
        self._guardian.request("renew", seconds=seconds)

    def close(self) -> None:
        """End the cluster; no process, port or file of it is left."""
        if self._renewal:
            self._renewal.stop()
        self._guardian.end()

    @property
    def home(self) -> Path:
        """The directory with everything of this cluster."""
        return self._guardian.home

    @property
    def nodes(self) -> tuple[int, ...]:
        """The ids of all nodes, whether they run or not."""
        return tuple(self._state.nodes)

    # --- where it is ---

    def bootstrap(self, *nodes: int) -> str:
        """Return ``host:port,…`` of the given nodes, of all if none is given."""
        return ",".join(f"{host}:{port}" for host, port in (self._node(node).address for node in nodes or self.nodes))

    def client_properties(self, *, secure: bool = False) -> dict[str, str]:
        """Return the librdkafka properties that a client needs to connect, by TLS and SCRAM if ``secure``."""
        if not secure:
            return {"bootstrap.servers": self.bootstrap()}
        if not self._state.plan.secure:
            raise KafkaError(f"cluster {self.name} has no secure listener: it was not started with secure=True")
        servers = ",".join(f"{node.address[0]}:{node.secure_port}" for node in self._state.nodes.values())
        return {"bootstrap.servers": servers, **certificate.client_properties(self.home, self._state.password)}

    def segments(self, topic: str, partition: int, *, node: int) -> list[Path]:
        """Return the segment files of a partition on a node, oldest first; none if it has no replica there."""
        return storage.segments(properties_of(self._state, self._node(node)), topic, partition=partition)

    def _node(self, number: int) -> Node:
        found = self._state.nodes.get(number)
        if found is None:
            raise KafkaError(f"there is no node {number} in cluster {self.name}, only {list(self.nodes)}")
        return found

    # --- what can be done to it ---

    def kill(self, node: int, *, at_most: float | None = None) -> None:
        """End the node's process at once (SIGKILL); it is gone when this returns.

        After ``at_most`` seconds its guardian starts it again, unless somebody has before.
        """
        self._end(node, signal.SIGKILL, within=10, at_most=at_most)

    def stop(self, node: int, *, within: float = 60, at_most: float | None = None) -> None:
        """Ask the node to end (SIGTERM); it is gone when this returns, at most ``within`` seconds later.

        ``at_most`` seconds after the asking its guardian starts it again, unless somebody has before.
        """
        self._leave(node, within=within, at_most=at_most)

    def pause(self, node: int, *, at_most: float | None = None) -> None:
        """Freeze the node (SIGSTOP) until ``resume``; after ``at_most`` seconds its guardian lets it go on."""
        self._signal(node, signal.SIGSTOP, revive_after=at_most)

    def resume(self, node: int) -> None:
        """Let the node go on (SIGCONT)."""
        self._signal(node, signal.SIGCONT)

    def start(self, node: int) -> None:
        """Start a node that is down; ``wait_up`` waits until it serves."""
        at = self._node(node)
        argv = command_of(self._state, at, self._state.versions[node])
        self._guardian.request("start", node=node, argv=argv, log=str(at.console))
        self._wanted.add(node)

    def wipe(self, node: int) -> None:
        """Delete all data of a node that is down; it keeps its id and comes back empty."""
        self._require_down(node)
        storage.wipe_node(properties_of(self._state, self._node(node)))
        form_node(self._state, self._node(node))

    def add(self) -> int:
        """Start one more broker, which does not vote, and return its id; it serves and holds no partition yet."""
        ports = self._guardian.request("reserve", count=self._state.plan.ports_a_node)["ports"]
        number = max(self.nodes) + 1
        node = Node(number, self.home / f"node-{number}", False, *ports)  # noqa: FBT003  the order of the ports
        self._state.nodes[number] = node
        self._state.versions[number] = self._state.versions[min(self.nodes)]
        self._state.save()
        form_node(self._state, node)
        self.start(number)
        self.wait_up()
        return number

    def remove(self, node: int) -> None:
        """Take a broker that does not vote away for good: stopped, unregistered, its data deleted."""
        at = self._node(node)
        if at.votes:
            raise KafkaError(f"node {node} of cluster {self.name} votes in the controller quorum: it cannot be removed")
        if self.state(node) != "down":
            self.stop(node)
        unregister(self._node(self._other_than(node)).address, node)
        self._guardian.request("forget", node=node, ports=at.ports)
        storage.wipe_node(properties_of(self._state, at))
        shutil.rmtree(at.directory)
        del self._state.nodes[node], self._state.versions[node]
        self._state.save()

    def offers(self, *, max_age: float | None = None) -> list[str]:
        """Return the releases that all nodes (as they are, or will be made) can be moved to, oldest first."""
        runs = self.releases() or {distribution.find(self._state.plan.version)}
        return versions.newer(jars.served(distribution.cache(), max_age=max_age), runs)

    def fetch(self, version: str, *, tell: Tell = silent) -> None:
        """Have that release at hand, so that an upgrade takes no longer than a restart."""
        distribution.ready(version, train, tell=tell)

    def upgrade(self, node: int, version: str, *, at_most: float | None = None, tell: Tell = silent) -> None:
        """Stop the node in good order if it runs, and start it with ``version``; it serves when this returns.

        Its guardian starts it so ``at_most`` seconds after the stop, unless somebody has before. The guardian knows first,
        so what is written down may be older than what a node runs, never newer: who goes on upgrades it once more. A node
        that ends by itself with the newer release serves with the older one again, and KafkaError says why.
        """
        software, older = distribution.ready(version, train, tell=tell), self.version(node)
        if self.state(node) != "down":
            argv = command_of(self._state, self._node(node), software.version)
            self._leave(node, within=60, at_most=at_most, argv=argv)
        try:
            self._come_back(node, software.version)
        except KafkaError as error:
            if self.state(node) != "down":
                raise
            self._come_back(node, older)
            raise KafkaError(f"Kafka {software.version} does not start, so {older} does again: {error}") from error

    def _come_back(self, node: int, version: str) -> None:
        self._state.versions[node] = version
        self._state.save()
        if self.state(node) == "down":
            self.start(node)
        self.wait_up()

    def finalize(self, version: str) -> None:
        """Put the features of ``version`` in force, as its own tool does; no older one can read the metadata then."""
        finalize(distribution.cached(distribution.find(version)), self.bootstrap(*self.running()))

    def _leave(self, node: int, *, within: float, at_most: float | None, argv: Sequence[str] = ()) -> None:
        if self.state(node) == "paused":
            raise KafkaError(f"node {node} of cluster {self.name} is paused and cannot hear SIGTERM: resume it first")
        self._end(node, signal.SIGTERM, within=within, at_most=at_most, argv=argv)

    def _end(
        self, node: int, number: signal.Signals, *, within: float, at_most: float | None, argv: Sequence[str] = ()
    ) -> None:
        before = self._signal(node, number, revive_after=at_most, argv=argv)
        self._wanted.discard(node)

        def ended() -> bool:
            now = self._status(node)
            return bool(now["state"] == "down" or now["pid"] != before)  # it may be revived already

        wait_until(f"the end of node {node} by {number.name}", ended, within=within)

    def _signal(
        self, node: int, number: signal.Signals, *, revive_after: float | None = None, argv: Sequence[str] = ()
    ) -> int:
        """Return the process id of whom the signal met; ``argv`` is what it is to be when it is revived, if not the same."""
        if self.state(node) == "down":
            raise KafkaError(f"node {node} of cluster {self.name} is down: {number.name} has nobody to meet")
        answer = self._guardian.request("signal", node=node, number=int(number), revive_after=revive_after, argv=argv)
        return int(answer["nodes"][str(node)]["pid"])

    def _require_down(self, node: int) -> None:
        if self.state(node) != "down":
            raise KafkaError(f"node {node} of cluster {self.name} is {self.state(node)}; it must be down for that")

    # --- how it is ---

    def state(self, node: int) -> str:
        """Return "up", "paused" or "down"."""
        return str(self._status(node)["state"])

    def pid(self, node: int) -> int:
        """Return the process id of a node that is not down."""
        status = self._status(node)
        if status["state"] == "down":
            raise KafkaError(f"node {node} of cluster {self.name} is down, with exit code {status['exit']}")
        return int(status["pid"])

    def version(self, node: int) -> str:
        """Return which Kafka the node runs."""
        self._node(node)
        return self._state.versions[node]

    def releases(self) -> set[str]:
        """Return each release that a node runs."""
        return {self.version(node) for node in self.nodes}

    def running(self) -> list[int]:
        """Return the ids of the nodes that are up (not paused, not down)."""
        nodes = self._guardian.request("status")["nodes"]
        return [number for number in self.nodes if nodes.get(str(number), {}).get("state") == "up"]

    def ends_in(self) -> float:
        """Return the seconds until the guardian ends the cluster, unless the lease is renewed."""
        return float(self._guardian.request("status")["lease"])

    def logs(self, node: int) -> str:
        """Return what the broker of a node has logged, and before it what its JVM said beside the log."""
        at = self._node(node)
        return "".join(path.read_text(errors="replace") for path in (at.console, at.log) if path.exists())

    def metadata(self, node: int, *topics: str) -> Metadata:
        """Return what this node believes about the brokers and about ``topics``; OSError if it does not answer."""
        return metadata.ask(self._node(node).address, topics)

    def leader(self, topic: str, partition: int = 0, *, seen_by: int | None = None) -> int:
        """Return the id of the leader (-1: none) as ``seen_by``, or else the first node that answers, believes."""
        nodes = [seen_by] if seen_by else self.running()
        for node in nodes:
            with contextlib.suppress(OSError):
                return self.metadata(node, topic).leader(topic, partition)
        raise KafkaError(f"nobody says who leads {topic}-{partition} on cluster {self.name}: asked {nodes}")

    def wait_up(self, *, within: float = 60) -> None:
        """Wait until each running node names every running node in its Metadata."""
        wait_until(f"the start of cluster {self.name}", self._is_up, within=within)

    def wait_in_sync(self, topic: str, *, within: float = 60) -> None:
        """Wait until, in the eyes of each running node, every partition is led and all its replicas are in sync."""
        wait_until(f"{topic} in sync on cluster {self.name}", lambda: self._in_sync(topic), within=within)

    def _status(self, node: int) -> dict[str, Any]:
        self._node(node)
        nodes = self._guardian.request("status")["nodes"]
        found: dict[str, Any] = nodes.get(str(node), {"state": "down", "exit": None})
        return found

    def _other_than(self, node: int) -> int:
        others = [each for each in self.running() if each != node]
        if not others:
            raise KafkaError(f"no node of cluster {self.name} but {node} is running")
        return others[0]

    def _is_up(self) -> bool:
        running = self.running()
        for node in self._wanted - set(running):
            if self.state(node) == "down":
                raise KafkaError(f"node {node} of cluster {self.name} has ended by itself: {self._last_words(node)}")
        return metadata.all_see({node: self._node(node).address for node in running})

    def _in_sync(self, topic: str) -> bool:
        return metadata.all_in_sync([self._node(node).address for node in self.running()], topic)

    def _last_words(self, node: int) -> str:
        """Return the line in which a node most likely says why it ended."""
        lines = [line for line in self.logs(node).splitlines() if line.strip()] or ["it said nothing"]
        telling = [line for line in lines if "ERROR" in line or "FATAL" in line or "Exception" in line]
        return (telling or lines)[-1].strip()


def train(software: Distribution) -> None:
    """Boot one node that writes down which classes it loaded, so that later ones start in two thirds of the time."""
    target = software.aot.with_suffix(".new")
    kafka = LocalKafka(nodes=1, version=software.version, jvm=(f"-XX:AOTCacheOutput={target}",))
    try:
        kafka.boot(software).stop(1)
    finally:
        kafka.close()
    target.replace(software.aot)
