"""Whom a fault befalls, named by what they do; who that is, is asked when the fault is injected."""

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from actors.units import parse_share, share_text
from marathon_ray.faults.fault import Eyes, Role
from marathon_ray.kafka.cluster import KafkaError

V = TypeVar("V")


def leader_of(topic: str, partition: int = 0) -> Role:
    """The broker that leads that partition of a topic (a field of the scenario)."""
    return LeaderOf(topic, partition)


def follower_of(topic: str, partition: int = 0) -> Role:
    """A live broker that has a replica of that partition and does not lead it."""
    return FollowerOf(topic, partition)


def active_controller() -> Role:
    """The leader of the controller quorum."""
    return ActiveController()


def group_coordinator(group: str) -> Role:
    """The broker that coordinates a group, which a fleet's field may name."""
    return GroupCoordinator(group)


def transaction_coordinator(transactional_id: str) -> Role:
    """The broker that coordinates the transactions of that id; by the field of a fleet of transactors, of its first worker."""
    return TransactionCoordinator(transactional_id)


def any_broker() -> Role:
    """Some live broker."""
    return AnyBroker()


def broker(node: int) -> Role:
    """The broker of that id."""
    return OneBroker(node)


def share_of_brokers(share: str | float) -> Role:
    """So many of the live brokers, at most: "34 %" of three is one. Raises ValueError on what is no share, or none."""
    found = parse_share(share)
    if not found:
        raise ValueError(f"share {share!r}: a fault befalls more than nobody")
    return ShareOfBrokers(found)


@dataclass(frozen=True, slots=True)
class LeaderOf:
    """See `leader_of`."""

    topic: str
    partition: int = 0

    def nodes(self, eyes: Eyes, draw: int) -> tuple[int, ...]:  # noqa: ARG002 - there is one
        """The leader."""
        leader = _of(eyes.leaders(self.topic), self.topic, self.partition)
        if leader < 0:
            raise KafkaError(f"nobody leads partition {self.partition} of topic {self.topic}")
        return (leader,)

    def __str__(self) -> str:
        return f"leader of {self.topic}-{self.partition}"


@dataclass(frozen=True, slots=True)
class FollowerOf:
    """See `follower_of`."""

    topic: str
    partition: int = 0

    def nodes(self, eyes: Eyes, draw: int) -> tuple[int, ...]:
        """One of those that follow."""
        leader = _of(eyes.leaders(self.topic), self.topic, self.partition)
        replicas = set(_of(eyes.replicas(self.topic), self.topic, self.partition))
        following = sorted(replicas & set(eyes.brokers()) - {leader})
        return _one(following, draw, f"no live broker follows partition {self.partition} of topic {self.topic}")

    def __str__(self) -> str:
        return f"follower of {self.topic}-{self.partition}"


@dataclass(frozen=True, slots=True)
class ActiveController:
    """See `active_controller`."""

    def nodes(self, eyes: Eyes, draw: int) -> tuple[int, ...]:  # noqa: ARG002 - there is one
        """The controller."""
        return (eyes.controller(),)

    def __str__(self) -> str:
        return "active controller"


@dataclass(frozen=True, slots=True)
class GroupCoordinator:
    """See `group_coordinator`."""

    group: str

    def nodes(self, eyes: Eyes, draw: int) -> tuple[int, ...]:  # noqa: ARG002 - there is one
        """The coordinator."""
        return (eyes.coordinator(group=self.group),)

    def __str__(self) -> str:
        return f"coordinator of group {self.group}"


@dataclass(frozen=True, slots=True)
class TransactionCoordinator:
    """See `transaction_coordinator`."""

    transactional_id: str

    def nodes(self, eyes: Eyes, draw: int) -> tuple[int, ...]:  # noqa: ARG002 - there is one
        """The coordinator."""
        return (eyes.coordinator(transaction=self.transactional_id),)

    def __str__(self) -> str:
        return f"coordinator of transactions of {self.transactional_id}"


@dataclass(frozen=True, slots=True)
class AnyBroker:
    """See `any_broker`."""

    def nodes(self, eyes: Eyes, draw: int) -> tuple[int, ...]:
        """The one that is drawn."""
        return _one(sorted(eyes.brokers()), draw, "no broker lives")

    def __str__(self) -> str:
        return "any broker"


@dataclass(frozen=True, slots=True)
class OneBroker:
    """See `broker`."""

    node: int

    def nodes(self, eyes: Eyes, draw: int) -> tuple[int, ...]:  # noqa: ARG002 - there is one
        """That one, whether it lives or not."""
        return (self.node,)

    def __str__(self) -> str:
        return f"broker {self.node}"


@dataclass(frozen=True, slots=True)
class ShareOfBrokers:
    """See `share_of_brokers`."""

    share: float

    def nodes(self, eyes: Eyes, draw: int) -> tuple[int, ...]:
        """Those that are drawn, ascending."""
        brokers = sorted(eyes.brokers())
        count = math.floor(round(self.share * len(brokers), 6))  # 0.7 of 10 is a little less than 7 for a float
        if not count:
            raise KafkaError(f"{share_text(self.share)} of {len(brokers)} live brokers is none")
        return tuple(sorted(random.Random(draw).sample(brokers, count)))  # noqa: S311 - drawn again by the same seed

    def __str__(self) -> str:
        return f"{share_text(self.share)} of brokers"


def _of(partitions: Mapping[int, V], topic: str, partition: int) -> V:
    """What is said of that partition. Raises ValueError where there is none: a mistake of the scenario."""
    if partition not in partitions:
        raise ValueError(f"topic {topic} has no partition {partition}, only {len(partitions)} of them")
    return partitions[partition]


def _one(nodes: Sequence[int], draw: int, otherwise: str) -> tuple[int, ...]:
    if not nodes:
        raise KafkaError(otherwise)
    return (nodes[draw % len(nodes)],)
