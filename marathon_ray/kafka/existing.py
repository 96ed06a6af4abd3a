"""A cluster that is somebody else's: known by the properties that a client needs, and nothing can be done to its nodes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from marathon_ray.kafka import looking, security
from marathon_ray.kafka.cluster import KafkaError
from marathon_ray.kafka.connection import Connection

_WITHIN: Final = 15.0  # seconds for the first answer


@dataclass(frozen=True, slots=True)
class Existing:
    """`properties` are librdkafka's. Raises KafkaError where they contradict each other."""

    properties: Mapping[str, str] = field(repr=False)  # there may be a password in it

    def __post_init__(self) -> None:
        security.check(self.properties)

    def bootstrap(self, *nodes: int) -> str:
        """Return where clients begin; KafkaError if single nodes are asked for."""
        if nodes:
            raise KafkaError(f"nodes {list(nodes)}: where single nodes are is not known of a cluster that is not ours")
        return self.properties.get("bootstrap.servers") or self.properties["metadata.broker.list"]

    def client_properties(self, *, secure: bool = False) -> dict[str, str]:  # noqa: ARG002 - it has one way in
        """Return the librdkafka properties that a client needs to connect; how secure that is stands in them."""
        return dict(self.properties)

    def require_answer(self, *, within: float = _WITHIN) -> None:
        """Raise KafkaError, in one line, where the cluster does not let us in or does not answer in so many seconds."""
        with Connection(self.properties, within=within) as connection:
            looking.brokers(connection)
