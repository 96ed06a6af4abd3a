"""Where a recipe is played: a cluster that may be broken, a topic of its own, writers that load it, auditors that read."""

import contextlib
import os
from collections.abc import Callable
from types import TracebackType
from typing import Any, Final, Self

from actors.consumer import Consumer
from actors.producer import Producer
from actors.spec import Consumers, Producers
from marathon_ray.kafka.local import LocalKafka
from marathon_ray.kafka.metadata import Partition
from marathon_ray.terms import GroupTerms
from tests.rig import Rig, create

_LATE: Final = 3_600.0  # a second pass that trails by an hour begins when it is drained: after the healing
_NOBODY: Final = Partition(leader=-1, replicas=(), isr=(), error=0)
_BEGUN: Final = 300  # records that a writer has acknowledged when it counts as begun
_TURN_SECONDS: Final = 60.0


class Stage:
    """A topic on a cluster, heard by two courts: the second pass of one reads live (`trailing` seconds behind), that of
    the other after the healing. All workers end with the block."""

    def __init__(
        self, kafka: LocalKafka, topic: str, *, group: str = "", trailing: float = 0.0, **options: Any
    ) -> None:
        self.kafka, self.topic, self.partitions = kafka, topic, int(options["num_partitions"])
        create(kafka.client_properties(), topic, **options)
        kafka.wait_in_sync(topic)
        groups = {group: GroupTerms()} if group else {}
        self.rig = Rig(kafka.client_properties(), {topic: self.partitions}, groups=groups, courts=2)
        self.auditors = [self.rig.audit(topic, trailing=each, court=at) for at, each in enumerate((trailing, _LATE))]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.rig.abandon()

    # Who works

    def write(self, name: str = "writer", **options: Any) -> Producer:
        """A writer has begun to write to all of the topic."""
        writer: Producer = self.rig.start(Producer(name, self.rig.target), Producers(to=(self.topic,), **options))
        self.write_on(_BEGUN)
        return writer

    def read_as(self, group: str) -> Consumer:
        """The only member of a group reads the topic."""
        spec = Consumers(of=(self.topic,), group=group, isolation="read_uncommitted")
        consumer: Consumer = self.rig.start(Consumer("reader", self.rig.target), spec)
        return consumer

    # How it is

    def now(self, partition: int = 0) -> Partition:
        """What the first running node that answers believes of the partition."""
        for node in self.kafka.running():
            with contextlib.suppress(OSError, KeyError):
                return self.kafka.metadata(node, self.topic).partitions[self.topic, partition]
        return _NOBODY

    def roles(self) -> tuple[int, list[int]]:
        """The leader of partition 0, and its followers."""
        now = self.now()
        return now.leader, [node for node in now.replicas if node != now.leader]

    def in_sync(self) -> bool:
        """Whether all nodes run and every partition has all its replicas in sync."""
        everywhere = len(self.kafka.running()) == len(self.kafka.nodes)
        return everywhere and all(self.now(partition).in_sync for partition in range(self.partitions))

    # What is waited for, while the load goes on

    def until(self, what: str, holds: Callable[[], bool]) -> None:
        """Wait until that holds."""
        self.rig.until(holds, within=_TURN_SECONDS, what=what)

    def write_on(self, count: int) -> None:
        """Wait until so many more records are acknowledged."""
        goal = self.rig.counts["acknowledged"] + count
        self.until(f"acknowledging {count} more records", lambda: self.rig.counts["acknowledged"] >= goal)

    def until_alone(self, node: int) -> None:
        """Wait until that node is the only one in sync."""
        self.until(f"node {node} alone in sync", lambda: self.now().isr == (node,))

    def until_led_by(self, node: int) -> None:
        """Wait until that node leads."""
        self.until(f"node {node} leading", lambda: self.now().leader == node)

    # What is done to the cluster

    def power_failure(self) -> None:
        """All nodes die, and the last third of the topic never reached their disks."""
        for node in self.kafka.nodes:
            self.kafka.kill(node)
        for node in self.kafka.nodes:
            for partition in range(self.partitions):
                for segment in self.kafka.segments(self.topic, partition, node=node)[-1:]:
                    os.truncate(segment, segment.stat().st_size * 2 // 3)

    def heal(self) -> None:
        """Every node is up, and the topic in sync."""
        mend(self.kafka)
        self.kafka.wait_up()
        self.kafka.wait_in_sync(self.topic)


def mend(kafka: LocalKafka) -> None:
    """Every node is told to run."""
    for node in kafka.nodes:
        state = kafka.state(node)
        if state == "paused":
            kafka.resume(node)
        elif state == "down":
            kafka.start(node)
