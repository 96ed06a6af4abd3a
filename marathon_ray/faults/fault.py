"""The contract of a fault: whom it befalls is resolved when it is injected, and healing bears a half-done injection."""

from collections.abc import Iterable, Mapping
from typing import ClassVar, Final, Protocol

from marathon_ray.kafka.cluster import CanKill, CanPause, CanStart, CanStop, CanUpgrade, Cluster

_SUFFERED: Final[Mapping[type, str]] = {
    CanKill: "killed",
    CanStop: "stopped",
    CanStart: "started again",
    CanPause: "paused",
    CanUpgrade: "upgraded",
}


class Eyes(Protocol):
    """How the cluster is now, asked of the cluster itself. Topics go by the scenario's names. Calls block and raise
    KafkaError where nobody answers."""

    def brokers(self) -> tuple[int, ...]:
        """The live ones."""

    def leaders(self, topic: str) -> Mapping[int, int]:
        """By partition; -1 where nobody leads."""

    def replicas(self, topic: str) -> Mapping[int, tuple[int, ...]]:
        """By partition, the leader's first."""

    def in_sync(self, topic: str) -> Mapping[int, tuple[int, ...]]:
        """By partition."""

    def controller(self) -> int:
        """The active one of the quorum."""

    def coordinator(self, *, group: str = "", transaction: str = "") -> int:
        """Of a group, or of a transactional id; a fleet's field may name it."""


class Role(Protocol):
    """Whom a fault befalls, by what they do."""

    def nodes(self, eyes: Eyes, draw: int) -> tuple[int, ...]:
        """Those who do it now; `draw` (from the run's seed) decides where several would do. Raises KafkaError if nobody
        does."""


class Fault(Protocol):
    """Something that breaks and is mended. `needs` are the cluster's capabilities without which it cannot be.

    All three block; each may be called again after it was cut short.
    """

    needs: ClassVar[tuple[type, ...]]

    @property
    def whom(self) -> Role:
        """Resolved anew for each injection."""

    def inject(self, cluster: Cluster, nodes: tuple[int, ...], *, at_most: float) -> None:
        """It is on; after `at_most` seconds it ends by itself where the cluster can see to it, whatever becomes of us."""

    def heal(self, cluster: Cluster, nodes: tuple[int, ...]) -> None:
        """It is over, or will be soon; also where it was never on."""

    def healed(self, cluster: Cluster, nodes: tuple[int, ...]) -> bool:
        """Whether nothing is left of it."""


def missing(faults: Iterable[type[Fault]], cluster: Cluster) -> list[str]:
    """What the cluster cannot suffer of that, a sentence for each fault; it may be one that is not made yet."""
    lacks = {fault: [need for need in fault.needs if not isinstance(cluster, need)] for fault in faults}
    return [f"{fault.__name__}: its nodes cannot be {_listed(needs)}" for fault, needs in lacks.items() if needs]


def _listed(needs: Iterable[type]) -> str:
    return " or ".join(_SUFFERED.get(need, need.__name__) for need in needs)
