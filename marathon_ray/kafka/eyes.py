"""How a cluster is now, asked of the cluster itself, by a new client each time: what an old one knows may be over."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeVar

from actors.spec import transactional_id
from marathon_ray.kafka import looking, officers
from marathon_ray.kafka.cluster import KafkaError
from marathon_ray.kafka.connection import Connection
from marathon_ray.kafka.metadata import Partition

V = TypeVar("V")

_PATIENCE: Final = {  # with one broker: one that is frozen takes connections, and the next one shall have its turn
    "socket.connection.setup.timeout.ms": "2000",
    "api.version.request.timeout.ms": "2000",
}
_FIRST: Final = 1.5  # seconds for the first try; each one after it has twice the time
_RESERVE: Final = 0.2  # seconds: with less left than that, a try has come to its end
_INTERNAL: Final = "__"


@dataclass(frozen=True, slots=True)
class ClusterEyes:
    """`properties` are a client's; `names` has Kafka's name of each topic and each group that goes by a scenario's field,
    `copiers` that of the groups of transactors.

    Every call ends within about `within` seconds: KafkaError where nobody answers or nobody has that role. A topic that
    is no field is a mistake of the scenario: ValueError. Kafka's own topics and any group go by their own names, too.
    """

    properties: Mapping[str, str] = field(repr=False)
    names: Mapping[str, str]
    copiers: Mapping[str, str] = field(default_factory=dict)
    within: float = 15.0

    def brokers(self) -> tuple[int, ...]:
        """The live ones, ascending."""
        return tuple(sorted(self._ask(looking.brokers)))

    def leaders(self, topic: str) -> dict[int, int]:
        """By partition; -1 where nobody leads."""
        return {number: partition.leader for number, partition in enumerate(self._partitions(topic))}

    def replicas(self, topic: str) -> dict[int, tuple[int, ...]]:
        """By partition, the preferred leader first."""
        return {number: partition.replicas for number, partition in enumerate(self._partitions(topic))}

    def in_sync(self, topic: str) -> dict[int, tuple[int, ...]]:
        """By partition."""
        return {number: partition.isr for number, partition in enumerate(self._partitions(topic))}

    def controller(self) -> int:
        """The active one of the quorum."""
        return officers.active_controller(self.properties, within=self.within)

    def coordinator(self, *, group: str = "", transaction: str = "") -> int:
        """Of a group, or of a transactional id; by the field of a fleet of transactors, of its first worker's."""
        if transaction:
            if transaction in self.names and transaction not in self.copiers:
                raise ValueError(
                    f"{transaction} is no fleet of transactors; there are {', '.join(self.copiers) or 'none'}"
                )
            one = transactional_id(self.copiers[transaction], 0) if transaction in self.copiers else transaction
            return officers.transaction_coordinator(self.properties, one, within=self.within)
        name = self.names.get(group, group)
        return self._ask(lambda connection: looking.group_coordinator(connection, name))

    def _partitions(self, topic: str) -> tuple[Partition, ...]:
        name = self._name(topic)
        return self._ask(lambda connection: looking.partitions(connection, name))

    def _ask(self, question: Callable[[Connection], V]) -> V:
        """The first answer. librdkafka asks one broker that it draws when it begins, and stays with it if that is frozen."""
        deadline, seconds = time.monotonic() + self.within, _FIRST
        while True:
            left = deadline - time.monotonic()
            with Connection({**_PATIENCE, **self.properties}, within=min(seconds, left)) as connection:
                try:
                    return question(connection)
                except KafkaError:
                    if connection.left > _RESERVE or time.monotonic() + _RESERVE > deadline:
                        raise  # it is an answer, or the time is over
            seconds *= 2

    def _name(self, topic: str) -> str:
        if topic in self.names or topic.startswith(_INTERNAL):
            return self.names.get(topic, topic)
        raise ValueError(f"topic {topic!r} is no field of the scenario; it has {', '.join(self.names) or 'none'}")
