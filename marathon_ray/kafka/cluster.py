"""The contract of a cluster under test: where it is, and what it can be made to suffer.

Each capability is a protocol of its own: a scenario asks for what it needs and is skipped where it is missing.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable


class KafkaError(Exception):
    """One line that names the thing, the value and the limit."""


class Cluster(Protocol):
    """A Kafka cluster that clients can reach."""

    def bootstrap(self, *nodes: int) -> str:
        """Return ``host:port,…`` of the given nodes, of all if none is given."""

    def client_properties(self, *, secure: bool = False) -> dict[str, str]:
        """Return the librdkafka properties that a client needs to connect."""


@runtime_checkable
class TellsReleases(Protocol):
    """Which Kafka its nodes run is known."""

    def releases(self) -> set[str]:
        """Return each release that a node runs."""


@runtime_checkable
class CanTell(Protocol):
    """How the nodes' processes are can be told."""

    def state(self, node: int) -> str:
        """Return "up", "paused" or "down"."""

    def wait_up(self, *, within: float = 60) -> None:
        """Wait until each running node names every running node in its Metadata."""


@runtime_checkable
class CanKill(CanTell, Protocol):
    """A node can be ended without warning."""

    def kill(self, node: int, *, at_most: float | None = None) -> None:
        """End the node's process at once (SIGKILL), for ``at_most`` seconds or until ``start``."""


@runtime_checkable
class CanStop(CanTell, Protocol):
    """A node can be asked to leave in good order."""

    def stop(self, node: int, *, within: float = 60, at_most: float | None = None) -> None:
        """Ask the node to end (SIGTERM), for ``at_most`` seconds or until ``start``.

        It is gone when this returns, at most ``within`` seconds later.
        """


@runtime_checkable
class CanStart(CanTell, Protocol):
    """A node that is down can be started again."""

    def start(self, node: int) -> None:
        """Start the node's process; use ``wait_up`` to wait until it serves."""


@runtime_checkable
class CanPause(CanTell, Protocol):
    """A node can be frozen and thawed."""

    def pause(self, node: int, *, at_most: float | None = None) -> None:
        """Freeze the node (SIGSTOP), for ``at_most`` seconds or until ``resume``."""

    def resume(self, node: int) -> None:
        """Let the node go on (SIGCONT)."""


@runtime_checkable
class CanWipe(Protocol):
    """A node's disk can be swapped for an empty one."""

    def wipe(self, node: int) -> None:
        """Delete all data of a node that is down; it keeps its id and comes back empty."""


@runtime_checkable
class CanGrow(Protocol):
    """Brokers can be added and removed."""

    def add(self) -> int:
        """Start one more broker and return its id; it holds no partition yet."""

    def remove(self, node: int) -> None:
        """Take an added broker away for good: stopped, unregistered, its data deleted."""


@runtime_checkable
class CanUpgrade(TellsReleases, Protocol):
    """A node can be moved to newer software."""

    def offers(self, *, max_age: float | None = None) -> list[str]:
        """Return the releases that all nodes can be moved to, oldest first; KafkaError if nobody can say.

        What is told may be old, but for ``max_age`` seconds at most where that is given.
        """

    def fetch(self, version: str) -> None:
        """Have that release at hand, so that an upgrade takes no longer than a restart."""

    def upgrade(self, node: int, version: str, *, at_most: float | None = None) -> None:
        """Stop the node in good order and start it with ``version``; it serves when this returns.

        It is started so after ``at_most`` seconds, too, if the caller is gone by then.
        """

    def finalize(self, version: str) -> None:
        """Put the features of ``version`` in force; there is no way back to an older one afterwards."""
