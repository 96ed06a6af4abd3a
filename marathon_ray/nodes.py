"""The nodes on which a run's workers are: since when and until when one was heard there, and what was said last."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from actors.order import Host

MARKET: Final = "ray.io/market-type"  # the label by which Ray itself tells what a node costs
# By the word of a run: the values of that label that it takes, the first before the second; none: any node will do.
MARKETS: Final[Mapping[str, tuple[str, ...]]] = {"any": (), "spot": ("spot", "on-demand")}
UNKNOWN: Final = "unknown"
_HOUR: Final = 3600.0


@dataclass(slots=True)
class Node:
    """One node, from the round in which a worker was first heard there to the last one (s since the run began); `hosts` are
    the newest words of all seats that were ever there."""

    since: float
    until: float
    hosts: dict[str, Host] = field(default_factory=dict)

    @property
    def hours(self) -> float:
        """So long it had workers."""
        return (self.until - self.since) / _HOUR

    @property
    def kind(self) -> str:
        """What its label says, as "spot" or "on-demand"; empty where it has none."""
        return next((host.labels.get(MARKET, "") for host in self.hosts.values()), "")

    @property
    def processes(self) -> list[Host]:
        """The newest word of each process there: several seats may be in one."""
        newest = sorted(self.hosts.values(), key=lambda host: host.at)
        return list({host.pid: host for host in newest}.values())


Nodes = dict[tuple[str, str], Node]  # by name and address


def heard(nodes: Nodes, hosts: Mapping[str, Host], since: float, until: float) -> None:
    """These seats have answered in the round that lasted so long."""
    for seat, host in hosts.items():
        node = nodes.setdefault((host.node, host.address), Node(since, until))
        node.until = until
        node.hosts[seat] = host


def node_hours(nodes: Iterable[Node]) -> dict[str, float]:
    """By kind; of one without a label it is not known."""
    hours: dict[str, float] = {}
    for node in nodes:
        kind = node.kind or UNKNOWN
        hours[kind] = hours.get(kind, 0.0) + node.hours
    return hours
