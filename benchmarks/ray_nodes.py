"""A Ray cluster of several nodes on this machine, which may lose one. Its head holds no seat: the driver is not lost."""

import os
import signal
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import ray
from ray._private.state import actors
from ray.cluster_utils import Cluster
from ray.exceptions import RayError

from actors.order import Ask, Host
from marathon_ray.places.on_ray import connect, disconnect
from marathon_ray.rotation.inbox import NAMESPACE
from marathon_ray.spot import Notice, drain

NODES: Final = 2  # beside the head
_ROOM: Final = 0.4  # CPUs of a node that are free for seats
_STARTS: Final = 3  # Ray gives its own start 30 s, which a busy machine may need more than once
_ANSWER_SECONDS: Final = 10.0
_NOBODY: Final = Ask("nobody")  # asks for a life that there is not: a seat says where it is, and does nothing
# A node whose raylet is gone is dead to Ray after three seconds instead of fourteen.
_HEALTH: Final = {"health_check_period_ms": 1000, "health_check_timeout_ms": 2000, "health_check_failure_threshold": 3}
_QUIET: Final = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}


class RayNodes:
    """A context in which this process drives such a cluster. A node has room for four seats and no more, so that one
    alone cannot hold what two did."""

    def __init__(self) -> None:
        self._cluster = Cluster()
        self._nodes: dict[str, Any] = {}
        self._number = 0

    def __enter__(self) -> Self:
        # A working directory would be unpacked by every node into one and the same folder of this machine.
        os.environ["PYTHONPATH"] = str(Path(__file__).parents[1])
        for name, value in _QUIET.items():
            os.environ.setdefault(name, value)
        self._start(num_cpus=0, include_dashboard=False, _system_config=_HEALTH)
        # Ray would set a handler of a signal, which only a main thread may. Without their head nodes go by themselves.
        self._cluster._shutdown_at_exit = False  # noqa: SLF001
        connect(self._cluster.address)
        for _ in range(NODES):
            self.add()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        disconnect()
        self._cluster.shutdown()  # type: ignore[no-untyped-call]

    def _start(self, **options: Any) -> Any:  # noqa: ANN401 - Ray's own, which it does not tell
        for _ in range(_STARTS - 1):
            with suppress(Exception):  # Ray raises what its parts raise, Exception itself among them
                return self._cluster.add_node(**options)
        return self._cluster.add_node(**options)

    def add(self, **labels: str) -> str:
        """One more node; returns its id."""
        self._number += 1
        mark = f"node-{self._number}"
        node = self._start(num_cpus=1, resources={mark: 1}, labels=labels)
        known = ray.nodes()  # type: ignore[no-untyped-call]
        name = next(str(one["NodeID"]) for one in known if mark in one["Resources"])
        self._nodes[name] = node
        ray.util.placement_group([{"CPU": 1 - _ROOM, mark: 1}])
        return name

    @property
    def address(self) -> str:
        """Where another process can drive it, too."""
        return str(self._cluster.address)

    def names(self) -> list[str]:
        """Of all there are, a node each."""
        return list(self._nodes)

    def named(self) -> frozenset[str]:
        """Every seat that was asked for and is not gone, whether it has come to life or not."""
        return frozenset(name for name, _ in _named())

    def seats(self) -> dict[str, Host]:
        """Where every seat is that answers, whichever process drives it."""
        asked: dict[Any, str] = {}
        for name, namespace in _named():
            with suppress(ValueError):  # it has gone since
                asked[ray.get_actor(name, namespace).ask.remote(_NOBODY)] = name
        done, _ = ray.wait(list(asked), num_returns=len(asked), timeout=_ANSWER_SECONDS) if asked else ([], [])
        hosts = {}
        for ref in done:
            with suppress(RayError):  # it is about to go
                hosts[asked[ref]] = ray.get(ref).host
        return hosts

    def is_left(self, node: str) -> bool:
        """Whether no seat is on that node any more."""
        known = actors().values()
        return not any(one["Address"]["NodeID"] == node and one["State"] == "ALIVE" for one in known)

    def notify(self, node: str, *, seconds: int) -> None:
        """Ray is told that this node will be taken away so many seconds from now. Nobody takes it: that is for `kill`."""
        drain(
            Notice(datetime.now(UTC) + timedelta(seconds=seconds), "it was asked for"), node=node, address=self.address
        )

    def kill(self, node: str) -> None:
        """That node is gone without a word, and what ran on it."""
        self._cluster.remove_node(self._nodes.pop(node), allow_graceful=False)


def _named() -> list[tuple[str, str]]:
    """Of seats their names and namespaces."""
    known = ray.util.list_named_actors(all_namespaces=True)
    return [(one["name"], one["namespace"]) for one in known if one["namespace"] != NAMESPACE]


def kill(host: Host) -> None:
    """The process of that seat is gone without a word."""
    os.kill(host.pid, signal.SIGKILL)
