"""The network of the lab: one bridge in its own namespace, and for each pod a namespace with an address on that bridge."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

GATEWAY: Final = "10.99.0.1"  # where API server, names and Kafka are
_BRIDGE: Final = "pods"


def lay() -> None:
    """There is a bridge, and a place for the names of namespaces. Only to be called where all of that is private."""
    _run("mount -t tmpfs tmpfs /run")
    _run("ip link set lo up")
    _run(f"ip link add {_BRIDGE} type bridge")
    _run(f"ip addr add {GATEWAY}/16 dev {_BRIDGE}")
    _run(f"ip link set {_BRIDGE} up")


@contextmanager
def joined(number: int) -> Iterator[str]:
    """A namespace of that name is on the bridge within the block; its address is told."""
    address = f"10.99.{1 + number // 250}.{1 + number % 250}"
    _run(f"ip netns add {number}")
    try:
        _run(f"ip link add pod{number} type veth peer name eth0 netns {number}")
        _run(f"ip link set pod{number} master {_BRIDGE} up")
        for command in (f"addr add {address}/16 dev eth0", "link set eth0 up", "link set lo up"):
            _run(f"ip -n {number} {command}")
        _run(f"ip -n {number} route add default via {GATEWAY}")
        yield address
    finally:
        _run(f"ip netns del {number}")


def _run(command: str) -> None:
    subprocess.run(command.split(), check=True)
