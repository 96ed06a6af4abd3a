"""The head of a Ray cluster: whether one is at an address, and whether there is room for what a run needs, on which nodes."""

import os
import re
import socket
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import ray
from ray._private.state import available_resources_per_node, state
from ray.autoscaler.sdk import request_resources

from actors.near import ZONE
from marathon_ray.nodes import MARKET as MARKET  # noqa: PLC0414 - they are words of ours, too
from marathon_ray.nodes import MARKETS as MARKETS  # noqa: PLC0414
from marathon_ray.places.notices import draining

_OWN: Final = "ray.io/node-id"  # a label that every node has to itself
_SHOWN: Final = 6  # labels
_REACH_SECONDS: Final = 5.0
_LAST_PORT: Final = 65_535
_HEARSAY_SECONDS: Final = 2.0
_LOOK_SECONDS: Final = 0.1
_HELLO: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))  # with a frame of no settings
_SETTINGS: Final = 4  # the kind of frame with which every server of HTTP/2 begins
_VERSIONS: Final = re.compile(r"Version mismatch.*?Ray: (\S+)\s+Python: (\S+).*?Ray: (\S+)\s+Python: (\S+)", re.DOTALL)


class Room(NamedTuple):
    """CPUs of a Ray cluster: in all, free, and those that it can grow to where it grows by itself."""

    whole: float
    free: float
    reach: float | None

    def lacking(self, workers: int, *, cpus: float) -> str:
        """Why so many workers of that size would not all come to life; empty where they would. Others may leave a cluster
        that grows by itself, so there its greatest size is what counts."""
        needed = round(workers * cpus, 3)
        if needed <= (self.free if self.reach is None else self.reach) + 1e-6:
            return ""
        has = f"{self.free:g} free of {self.whole:g}" if self.reach is None else f"{self.reach:g} at its greatest"
        return (
            f"{workers} workers of {cpus:g} CPU ({needed:g}) are needed, it has {has}: add nodes or use fewer workers"
        )


class Node(NamedTuple):
    """A node of a Ray cluster: CPUs in all and free, and its labels."""

    whole: float
    free: float
    labels: Mapping[str, str]


def mislabelled(nodes: Sequence[Node], words: str) -> str:
    """Why no seat would ever come to life on `words` nodes of these (a word of MARKETS); empty where one would, and where no
    node is there that could tell."""
    markets = MARKETS[words]
    if not (markets and nodes) or any(node.labels.get(MARKET) in markets for node in nodes):
        return ""
    there = sorted({f"{name}={value}" for node in nodes for name, value in node.labels.items() if name != _OWN})
    more = [f"{len(there) - _SHOWN} more"] if len(there) > _SHOWN else []
    return (
        f"{words} nodes are asked for, and of {len(nodes)} that have CPUs none has the label {MARKET}="
        f"{' or '.join(markets)}; labels that there are: {', '.join([*there[:_SHOWN], *more]) or 'none'}"
    )


def lacking(workers: int, *, cpus: float, nodes: str = "any") -> str:
    """What `Room` says of the cluster that this process drives, or that it has no such nodes; it may take a moment to hear
    of all that is free. What labels a cluster that grows would give to nodes that are not there is not known."""
    deadline = time.monotonic() + _HEARSAY_SECONDS
    while (found := _lacking(workers, cpus, nodes)) and time.monotonic() < deadline:
        time.sleep(_LOOK_SECONDS)
    return found


def _lacking(workers: int, cpus: float, nodes: str) -> str:
    there = room(nodes)
    unfit = "" if there.reach is not None else mislabelled(_nodes(), nodes)
    return unfit or there.lacking(workers, cpus=cpus)


def room(nodes: str = "any") -> Room:
    """Of such nodes of the cluster that this process drives; it can grow to `reach` with all kinds of nodes."""
    fit = _fit(nodes)
    most = state.get_max_resources_from_cluster_config()
    reach = None if most is None else float(most.get("CPU", 0))
    return Room(sum(node.whole for node in fit), sum(node.free for node in fit), reach)


def zones(nodes: str = "any") -> frozenset[str]:
    """Of such nodes of the cluster that this process drives, as far as they are labelled."""
    return frozenset(node.labels[ZONE] for node in _fit(nodes) if ZONE in node.labels)


def _fit(nodes: str) -> list[Node]:
    markets = MARKETS[nodes]
    return [node for node in _nodes() if not markets or node.labels.get(MARKET) in markets]


def _nodes() -> list[Node]:
    """Those that live, have CPUs and will not be taken away: no new seat ever comes to another."""
    leave = draining()
    free: Mapping[str, Mapping[str, float]] = available_resources_per_node()  # type: ignore[no-untyped-call]
    known: Sequence[Mapping[str, Any]] = ray.nodes()  # type: ignore[no-untyped-call]
    return [
        Node(whole, free.get(one["NodeID"], {}).get("CPU", 0.0), one["Labels"])
        for one in known
        if one["Alive"] and one["NodeID"] not in leave and (whole := one["Resources"].get("CPU", 0.0))
    ]


def ask_for(workers: int, *, cpus: float) -> None:
    """A cluster that grows by itself shall have that much in all, until it is asked for something else; 0: it may shrink.
    Nothing is said of labels: for seats that want spot Ray launches spot nodes alone, even while there are none to be had;
    for this it goes on to other kinds. Whoever asks last is heard, whichever program it is."""
    request_resources(bundles=[{"CPU": cpus}] * workers)


def reach(address: str) -> None:
    """A head may be there: Ray itself tries for minutes. Raises ConnectionError of one line where none can be."""
    host, _, port = address.rpartition(":")
    if "://" in address:
        raise ConnectionError(f"Ray at {address}: give HOST:PORT of the head; calls through a proxy cost too much")
    if not port.isdecimal():
        return
    if not 1 <= int(port) <= _LAST_PORT:
        raise ConnectionError(f"Ray at {address}: a port is a number from 1 to {_LAST_PORT}")
    try:
        with socket.create_connection((host, int(port)), _REACH_SECONDS) as link:
            greeted = os.environ.get("RAY_USE_TLS") == "1" or _greets(link)
    except OSError as error:
        raise ConnectionError(f"Ray at {address}: {error.strerror or error}") from None
    if not greeted:
        raise ConnectionError(f"Ray at {address}: what listens there is no head of Ray")


def _greets(link: socket.socket) -> bool:
    """Whether the other end speaks as a head does, within the time that it had for the connection."""
    link.sendall(_HELLO)
    try:
        begin = link.recv(4, socket.MSG_WAITALL)
    except OSError:  # silent, or gone
        return False
    return begin[3:4] == bytes((_SETTINGS,))


def told(error: BaseException) -> str:
    """What Ray says of a connection that failed, in one line: of two versions which is where."""
    if versions := _VERSIONS.search(str(error)):
        theirs, its_python, ours, our_python = versions.groups()
        return f"it has Ray {theirs} and Python {its_python}, this process has Ray {ours} and Python {our_python}"
    return f"{type(error).__name__}: {(str(error).strip().splitlines() or [''])[0]}"
