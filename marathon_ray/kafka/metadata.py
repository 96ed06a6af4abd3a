"""What one chosen broker believes about the cluster: leaders, replicas, who is in sync (Metadata, version 1).

Brokers may disagree: an isolated one goes on naming itself leader. So the broker is always chosen by the caller.
"""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from marathon_ray.kafka.wire import Address, Reader, exchange, header, string

_METADATA = 3


@dataclass(frozen=True)
class Partition:
    """One partition; ``leader`` is -1 while it has none, ``error`` is Kafka's code (0: none)."""

    leader: int
    replicas: tuple[int, ...]
    isr: tuple[int, ...]
    error: int

    @property
    def in_sync(self) -> bool:
        """Whether it has a leader and every replica is in sync."""
        return self.leader >= 0 and set(self.isr) == set(self.replicas)


@dataclass(frozen=True)
class Metadata:
    """One broker's view: the brokers by id, and the partitions of the topics that were asked for."""

    brokers: Mapping[int, Address]
    partitions: Mapping[tuple[str, int], Partition]

    def leader(self, topic: str, partition: int) -> int:
        """Return the id of the leader, -1 if there is none or the partition is not known."""
        found = self.partitions.get((topic, partition))
        return found.leader if found else -1


def ask(address: Address, topics: Sequence[str] = (), *, timeout: float = 1.0) -> Metadata:
    """Ask the broker at ``address`` about its peers and about ``topics`` (none: brokers only).

    Raises OSError if it does not answer within ``timeout`` seconds. Never creates a topic that auto-creation forbids.
    """
    body = struct.pack(">i", len(topics)) + b"".join(map(string, topics))
    answer = exchange(address, header(_METADATA, 1) + body, timeout=timeout)
    brokers = dict(_broker(answer) for _ in range(answer.int32()))
    answer.int32()  # the controller id: in KRaft a random live broker, of no use
    partitions = dict(pair for _ in range(answer.int32()) for pair in _topic(answer))
    return Metadata(brokers, partitions)


def _broker(answer: Reader) -> tuple[int, Address]:
    node, host, port = answer.int32(), answer.text() or "", answer.int32()
    answer.text()  # rack
    return node, (host, port)


def _topic(answer: Reader) -> list[tuple[tuple[str, int], Partition]]:
    answer.int16()  # an unknown topic has an error here and no partitions below
    name = answer.text() or ""
    answer.int8()  # whether it is internal
    return [_partition(name, answer) for _ in range(answer.int32())]


def _partition(topic: str, answer: Reader) -> tuple[tuple[str, int], Partition]:
    error, index, leader = answer.int16(), answer.int32(), answer.int32()
    replicas, isr = answer.ints(), answer.ints()
    return (topic, index), Partition(leader, replicas, isr, error)


def all_see(addresses: Mapping[int, Address]) -> bool:
    """Whether each of these brokers answers and names all of them."""
    with contextlib.suppress(OSError):
        return all(addresses.keys() <= ask(address).brokers.keys() for address in addresses.values())
    return False


def all_in_sync(addresses: Iterable[Address], topic: str) -> bool:
    """Whether each of these brokers answers, knows the topic, and holds every partition of it for in sync."""
    with contextlib.suppress(OSError):
        views = [ask(address, [topic]).partitions.values() for address in addresses]
        return all(view and all(partition.in_sync for partition in view) for view in views)
    return False
