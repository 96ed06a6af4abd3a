"""What stands between a cluster as it is and the topics that are wanted, found before anything is created. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from marathon_ray.kafka.metadata import Partition
from marathon_ray.kafka.topics import Topic, name_mistake
from marathon_ray.kafka.wire import Address


@dataclass(frozen=True, slots=True)
class TopicState:
    """A topic as it is: `id` tells its lives apart, `settings` are all settings in force by Kafka's names."""

    id: str
    partitions: tuple[Partition, ...]
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def replication(self) -> int:
        """How many replicas the partition with the fewest has."""
        return min(len(partition.replicas) for partition in self.partitions)

    @property
    def in_sync(self) -> bool:
        """Whether every partition is led, and all its replicas are in sync."""
        return all(partition.in_sync for partition in self.partitions)


@dataclass(frozen=True, slots=True)
class ClusterState:
    """The live brokers by id, and the topics that were looked at by name; one that does not exist is missing. `racks` are
    those of the brokers that have one."""

    brokers: Mapping[int, Address]
    topics: Mapping[str, TopicState]
    racks: Mapping[int, str] = field(default_factory=dict)

    def zones(self) -> dict[tuple[str, int], str]:
        """Where each partition is led, by the racks that brokers tell; "" where that is not known."""
        return {
            (name, number): self.racks.get(partition.leader, "")
            for name, topic in self.topics.items()
            for number, partition in enumerate(topic.partitions)
        }


def mistakes(state: ClusterState, wanted: Mapping[str, Topic]) -> list[str]:
    """One line for each reason why the wanted topics cannot be had; none where they can be created, or are there.

    A setting that the cluster does not tell (not every Kafka-compatible one knows all) contradicts nothing.
    """
    found = list(_collisions(state.topics, wanted))
    for name, topic in wanted.items():
        if illegal := name_mistake(name):
            found.append(illegal)
        elif name in state.topics:
            found += [f"topic {name} is there with {each}" for each in _differences(state.topics[name], topic)]
        elif topic.replication > len(state.brokers):
            found.append(f"topic {name}: replication {topic.replication}, the cluster has {_brokers(state)}")
    return found


def _brokers(state: ClusterState) -> str:
    return "1 broker" if len(state.brokers) == 1 else f"{len(state.brokers)} brokers"


def _differences(found: TopicState, wanted: Topic) -> Iterator[str]:
    if len(found.partitions) != wanted.partitions:
        yield f"partitions {len(found.partitions)}, wanted {wanted.partitions}"
    if found.replication != wanted.replication:
        yield f"replication {found.replication}, wanted {wanted.replication}"
    for key, value in wanted.settings().items():
        if not _same(found.settings.get(key, value), value):
            yield f"{key} {found.settings[key]}, wanted {value}"


def _same(found: str, wanted: str) -> bool:
    """Whether two values mean the same: lists in any order."""
    return _parts(found) == _parts(wanted)


def _parts(value: str) -> list[str]:
    return sorted(part.strip() for part in value.split(","))


def _collisions(present: Iterable[str], wanted: Iterable[str]) -> Iterator[str]:
    """Kafka refuses two names that differ in '.' and '_' only: their metrics would have one name."""
    taken = {name.replace(".", "_"): name for name in present}
    for name in wanted:
        other = taken.setdefault(name.replace(".", "_"), name)
        if other != name:
            yield f"topic {name}: Kafka takes it for the same as {other} ('.' and '_' are one)"
