"""The way of a cluster to a newer Kafka: broker by broker, and at last its features. Nobody goes back by himself."""

from dataclasses import dataclass
from typing import ClassVar, cast

from marathon_ray.faults.broker import Stop
from marathon_ray.faults.fault import Role
from marathon_ray.kafka.cluster import CanStart, CanUpgrade, Cluster, KafkaError
from marathon_ray.kafka.versions import NEWEST, covers
from marathon_ray.scenario import UnfitError


@dataclass(frozen=True, slots=True)
class Upgrade:
    """Each in turn leaves in good order (SIGTERM) and comes back with the release `to`; healed, it stays so."""

    whom: Role
    to: str = ""
    needs: ClassVar[tuple[type, ...]] = (CanUpgrade, CanStart)

    def inject(self, cluster: Cluster, nodes: tuple[int, ...], *, at_most: float) -> None:
        """All of them serve with the newer release when this returns. One that is left down is started so `at_most` seconds
        after its stop."""
        for node in nodes:
            cast("CanUpgrade", cluster).upgrade(node, self.to, at_most=at_most)

    def heal(self, cluster: Cluster, nodes: tuple[int, ...]) -> None:
        """They serve, with whichever release they have come to."""
        Stop(self.whom).heal(cluster, nodes)

    def healed(self, cluster: Cluster, nodes: tuple[int, ...]) -> bool:
        """Whether they live, and all that live know each other."""
        return Stop(self.whom).healed(cluster, nodes)

    def __str__(self) -> str:
        return f"upgrade {self.whom} to {self.to}"


@dataclass(frozen=True, slots=True)
class Finalize:
    """The features of the release `to` are put in force, once all brokers run it: none can go back to an older one."""

    whom: Role
    to: str = ""
    needs: ClassVar[tuple[type, ...]] = (CanUpgrade,)

    def inject(self, cluster: Cluster, nodes: tuple[int, ...], *, at_most: float) -> None:  # noqa: ARG002
        """They are in force when this returns. Raises KafkaError where the cluster refuses, as with a broker that is older."""
        cast("CanUpgrade", cluster).finalize(self.to)

    def heal(self, cluster: Cluster, nodes: tuple[int, ...]) -> None:
        """Nothing: features do not go back."""

    def healed(self, cluster: Cluster, nodes: tuple[int, ...]) -> bool:  # noqa: ARG002
        """Nothing is to be healed."""
        return True

    def __str__(self) -> str:
        return f"finalize {self.to} on {self.whom}"


def newer_release(cluster: Cluster, name: str = NEWEST) -> str:
    """The newest release of that name that the cluster can be moved to; it is at hand when this returns.

    Blocks, for minutes where it must be downloaded. Raises KafkaError where nothing newer has that name, and UnfitError
    where the newest is asked for and there is nothing newer.
    """
    able = cast("CanUpgrade", cluster)
    offers = able.offers()
    named = [version for version in offers if covers(name, version)]
    if not named and name == NEWEST:
        raise UnfitError("no Kafka is offered that is newer than what the cluster runs")
    if not named:
        raise KafkaError(
            f"Kafka {name}: none is offered that is newer than what the cluster runs; there are {_listed(offers)}"
        )
    able.fetch(named[-1])
    return named[-1]


def _listed(offers: list[str]) -> str:
    return ", ".join(offers) or "none"
