"""Which cluster it is, and which Kafka, as far as it tells."""

from collections.abc import Mapping
from typing import Any, Final

from marathon_ray.kafka import looking, officers
from marathon_ray.kafka.cluster import Cluster, KafkaError, TellsReleases
from marathon_ray.kafka.connection import Connection

_WITHIN: Final = 5.0  # s for each question
# The last metadata.version of each release, by `kafka-storage.sh version-mapping` of 4.3.1. A broker supports those up to
# that of its own release, whichever is in force.
_LAST: Final = {
    7: "3.3", 8: "3.4", 11: "3.5", 14: "3.6", 19: "3.7", 20: "3.8", 21: "3.9", 25: "4.0", 27: "4.1", 29: "4.2", 30: "4.3",
}  # fmt: skip


def release(level: int) -> str:
    """The release whose brokers support metadata.version up to `level`; empty where there is none."""
    newest = max(_LAST)
    if level > newest:
        return f"newer than {_LAST[newest]}"
    return next((name for last, name in _LAST.items() if min(_LAST) <= level <= last), "")


def identity(properties: Mapping[str, str]) -> str:
    """The cluster's own id; `properties` are librdkafka's. Raises KafkaError where it says none in time."""
    with Connection(properties, within=_WITHIN) as connection:
        return looking.identity(connection)


def running(cluster: TellsReleases) -> str:
    """What its nodes run, in words."""
    return ", ".join(sorted(cluster.releases()))


def facts(cluster: Cluster) -> dict[str, str]:
    """The cluster's own `id` and the `version` of its brokers, where they are told."""
    found: dict[str, str] = {}
    properties = cluster.client_properties()
    try:
        found["id"] = identity(properties)
        found["version"] = _version(cluster, properties)
    except KafkaError:  # a run that may not ask this may do all the rest
        pass
    return {name: value for name, value in found.items() if value}


def _version(cluster: Cluster, properties: Mapping[str, str]) -> str:
    if isinstance(cluster, TellsReleases):
        return running(cluster)

    def ask(client: Any) -> int:  # noqa: ANN401 - kafka-python has no types
        supported = client.describe_features().get("metadata.version", {}).get("supported", (0, 0))
        return int(supported[1])

    return release(officers.asked(properties, "which Kafka it is", ask, within=_WITHIN))
