"""How a cluster is now, asked of the cluster itself, by a new client each time: what an old one knows may be over."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from marathon_ray.kafka import looking, officers
from marathon_ray.kafka.connection import Connection
from marathon_ray.kafka.metadata import Partition

_PATIENCE: Final = {  # with one broker: one that is frozen takes connections, and the next one shall have its turn
    "socket.connection.setup.timeout.ms": "2000",
    "api.version.request.timeout.ms": "2000",
}
_INTERNAL: Final = "__"


@dataclass(frozen=True, slots=True)
class ClusterEyes:
    """`properties` are a client's; `names` has Kafka's name of each topic and each group that goes by a scenario's field.

    Every call ends within about `within` seconds: KafkaError where nobody answers or nobody has that role. A topic that
    is no field is a mistake of the scenario: ValueError. Kafka's own topics and any group go by their own names, too.
    """

    properties: Mapping[str, str] = field(repr=False)
    names: Mapping[str, str]
    within: float = 10.0

    def brokers(self) -> tuple[int, ...]:
        """The live ones, ascending."""
        with self._connection() as connection:
            return tuple(sorted(looking.brokers(connection)))

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
        """Of a group, or of a transactional id."""
        if transaction:
            return officers.transaction_coordinator(self.properties, transaction, within=self.within)
        with self._connection() as connection:
            return looking.group_coordinator(connection, self.names.get(group, group))

    def _partitions(self, topic: str) -> tuple[Partition, ...]:
        name = self._name(topic)
        with self._connection() as connection:
            return looking.partitions(connection, name)

    def _connection(self) -> Connection:
        return Connection({**_PATIENCE, **self.properties}, within=self.within)

    def _name(self, topic: str) -> str:
        if topic in self.names or topic.startswith(_INTERNAL):
            return self.names.get(topic, topic)
        raise ValueError(f"topic {topic!r} is no field of the scenario; it has {', '.join(self.names) or 'none'}")
