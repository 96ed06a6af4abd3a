"""The head of a Ray cluster: whether one is at an address, and whether there is room for what a run needs."""

import os
import re
import socket
import time
from typing import Final, NamedTuple

import ray
from ray._private.state import state

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


def lacking(workers: int, *, cpus: float) -> str:
    """What `Room` says of the cluster that this process drives; it may take a moment to hear of all that is free."""
    deadline = time.monotonic() + _HEARSAY_SECONDS
    while (found := room().lacking(workers, cpus=cpus)) and time.monotonic() < deadline:
        time.sleep(_LOOK_SECONDS)
    return found


def room() -> Room:
    """Of the cluster that this process drives."""
    whole, free = ray.cluster_resources(), ray.available_resources()  # type: ignore[no-untyped-call]
    most = state.get_max_resources_from_cluster_config()
    reach = None if most is None else float(most.get("CPU", 0))
    return Room(whole.get("CPU", 0.0), free.get("CPU", 0.0), reach)


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
