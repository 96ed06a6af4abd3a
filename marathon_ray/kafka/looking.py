"""What a cluster says of its brokers and topics, asked through one connection; who does not know of something is named."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Future
from typing import Final, NamedTuple, TypeAlias

from confluent_kafka import (
    ConsumerGroupState,
    IsolationLevel,
    KafkaException,
    Node,
    TopicCollection,
    TopicPartition,
    TopicPartitionInfo,
)
from confluent_kafka import KafkaError as Refusal
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # they are its public names, without an __all__
    ConfigEntry,
    ConfigResource,
    DescribeClusterResult,
    OffsetSpec,
    ResourceType,
    TopicDescription,
)

from marathon_ray.kafka.comparison import TopicState
from marathon_ray.kafka.connection import Connection
from marathon_ray.kafka.metadata import Partition
from marathon_ray.kafka.topics import name_mistake
from marathon_ray.kafka.wire import Address

Place: TypeAlias = tuple[str, int]  # topic, partition
_Settings: TypeAlias = dict[str, Future[dict[str, ConfigEntry]]]
_UNCOMMITTED: Final = IsolationLevel.READ_UNCOMMITTED
ABSENT: Final = Refusal.UNKNOWN_TOPIC_OR_PART


class LogEnd(NamedTuple):
    """The next offset that a partition's log will be given, and up to where its transactions had ended a moment later."""

    end: int
    stable: int


def brokers(connection: Connection) -> dict[int, Address]:
    """The brokers that live, by id."""
    return {node.id: (node.host, node.port) for node in _nodes(connection)}


def identity(connection: Connection) -> str:
    """The cluster's own id; empty where it has none."""
    return str(_described(connection).cluster_id or "")


def racks(connection: Connection) -> dict[int, str]:
    """Those of the brokers that have one, by id."""
    return {node.id: node.rack for node in _nodes(connection) if node.rack}


def _nodes(connection: Connection) -> list[Node]:
    return list(_described(connection).nodes)


def _described(connection: Connection) -> DescribeClusterResult:
    future = connection.client.describe_cluster(request_timeout=connection.left)
    described: DescribeClusterResult = connection.answer("describe the cluster", future)
    return described


def names(connection: Connection) -> list[str]:
    """The names of all topics that this client may see."""
    try:
        return sorted(connection.client.list_topics(timeout=connection.left).topics)
    except KafkaException as error:
        raise connection.refused("list the topics", error.args[0]) from None


def described(connection: Connection, topics: Iterable[str]) -> dict[str, TopicDescription]:
    """What those of the topics are like that exist; a name that no topic can have belongs to none."""
    legal = [name for name in topics if name_mistake(name) is None]
    futures = connection.client.describe_topics(TopicCollection(legal), request_timeout=connection.left)
    answers, refusals = connection.answers("describe topics", futures)
    for name, refusal in refusals.items():
        if refusal.code() != ABSENT:
            raise connection.refused(f"describe topic {name}", refusal)
    return answers


def states(connection: Connection, topics: Iterable[str]) -> dict[str, TopicState]:
    """Ids, partitions and settings of those of the topics that exist."""
    found = described(connection, topics)
    settings = _settings(connection, found)
    return {
        name: TopicState(str(found[name].topic_id), tuple(map(_partition, found[name].partitions)), of_it)
        for name, of_it in settings.items()
    }


def _partition(found: TopicPartitionInfo) -> Partition:
    leader = found.leader.id if found.leader else -1
    return Partition(leader, tuple(node.id for node in found.replicas), tuple(node.id for node in found.isr), error=0)


def partitions(connection: Connection, topic: str) -> tuple[Partition, ...]:
    """The partitions of a topic, by number. KafkaError if it is not there."""
    for found in described(connection, [topic]).values():
        return tuple(map(_partition, found.partitions))
    raise connection.error(f"topic {topic} is not there")


def group_coordinator(connection: Connection, group: str) -> int:
    """The broker that coordinates a group. KafkaError if there is no such group."""
    future = connection.client.describe_consumer_groups([group], request_timeout=connection.left)[group]
    found = connection.answer(f"describe group {group}", future)
    if found.state == ConsumerGroupState.DEAD or found.coordinator is None:  # so they call one that never was, too
        raise connection.error(f"group {group} is not there")
    return int(found.coordinator.id)


def _settings(connection: Connection, topics: Iterable[str]) -> dict[str, dict[str, str]]:
    """All settings of the topics; one that was deleted since is missing."""
    answers, refusals = connection.answers("read settings", _ask_settings(connection, topics))
    for name, refusal in refusals.items():
        if refusal.code() != ABSENT:
            raise connection.refused(f"read the settings of topic {name}", refusal)
    return {
        name: {key: each.value for key, each in found.items() if each.value is not None}
        for name, found in answers.items()
    }


def known(connection: Connection, topics: Iterable[str]) -> dict[tuple[int, str], bool]:
    """Whether the broker knows the topic, in its own words, for each broker that lives and each of the topics."""
    wanted = list(topics)
    futures = {
        (broker, name): future
        for broker in brokers(connection)
        for name, future in _ask_settings(connection, wanted, broker=broker).items()
    }
    answers, refusals = connection.answers("ask every broker for the topics", futures)
    for (broker, name), refusal in refusals.items():
        if refusal.code() != ABSENT:
            raise connection.refused(f"ask broker {broker} for topic {name}", refusal)
    return dict.fromkeys(answers, True) | dict.fromkeys(refusals, False)


def _ask_settings(connection: Connection, topics: Iterable[str], *, broker: int | None = None) -> _Settings:
    """One question for the settings of all the topics; if it includes a broker's own, it goes to just that broker."""
    asked = {name: ConfigResource(ResourceType.TOPIC, name) for name in topics}
    if not asked:
        return {}
    whose = [] if broker is None else [ConfigResource(ResourceType.BROKER, str(broker))]
    futures = connection.client.describe_configs([*whose, *asked.values()], request_timeout=connection.left)
    return {name: futures[resource] for name, resource in asked.items()}


def starts(connection: Connection, places: Iterable[Place]) -> tuple[dict[Place, int], dict[Place, Refusal]]:
    """The earliest offset of each partition, as its leader knows it, and why others have none."""
    return _offsets(connection, places, OffsetSpec.earliest(), "read where logs start")  # type: ignore[no-untyped-call]


def ends(connection: Connection, places: Iterable[Place]) -> tuple[dict[Place, LogEnd], dict[Place, Refusal]]:
    """Where the log of each partition ends, as its leader knows it, and why others have no end.

    What is written between the two questions must not look as if it were not stable, so the end is asked for first.
    """
    latest, wanted = OffsetSpec.latest(), list(places)  # type: ignore[no-untyped-call]
    ended, refusals = _offsets(connection, wanted, latest, "read where logs end")
    stable, unstable = _offsets(
        connection, ended, latest, "read up to where logs are stable", IsolationLevel.READ_COMMITTED
    )
    return {place: LogEnd(ended[place], offset) for place, offset in stable.items()}, refusals | unstable


def _offsets(
    connection: Connection, places: Iterable[Place], which: OffsetSpec, what: str, level: IsolationLevel = _UNCOMMITTED
) -> tuple[dict[Place, int], dict[Place, Refusal]]:
    asked = {TopicPartition(*place): which for place in places}
    if not asked:
        return {}, {}
    futures = connection.client.list_offsets(asked, isolation_level=level, request_timeout=connection.left)
    named = {(at.topic, at.partition): future for at, future in futures.items()}
    answers, refusals = connection.answers(what, named)
    return {place: found.offset for place, found in answers.items()}, refusals


def unready(connection: Connection, topics: Iterable[str]) -> str | None:
    """The first reason why the topics cannot be used by every client at once; None where there is none."""
    wanted = list(topics)
    for (broker, name), is_known in known(connection, wanted).items():
        if not is_known:
            return f"broker {broker} does not know topic {name}"
    places = []
    for name, found in described(connection, wanted).items():
        for number, partition in enumerate(map(_partition, found.partitions)):
            if not partition.in_sync:
                return f"partition {number} of topic {name}: {_lack(partition)}"
            places.append((name, number))
    return next((_unstarted(*each) for each in starts(connection, places)[1].items()), None)


def _lack(partition: Partition) -> str:
    if partition.leader < 0:
        return "no leader"
    return f"{len(partition.isr)} of {len(partition.replicas)} replicas in sync"


def _unstarted(place: Place, refusal: Refusal) -> str:
    return f"partition {place[1]} of topic {place[0]}: its leader is not ready ({refusal.str()})"
