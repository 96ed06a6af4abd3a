"""What really stands in a log, read by a plain client: the other witness of every test of a worker."""

import time
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

import numpy as np
from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

from actors.record import HEAD

_SECONDS: Final = 30.0


class Record(NamedTuple):
    """One record: its head (a row of HEAD), its key, and the bytes behind the head."""

    topic: str
    partition: int
    offset: int
    head: Any
    key: bytes | None
    body: bytes


def records(properties: Mapping[str, str], places: Iterable[tuple[str, int]], **more: str) -> list[Record]:
    """Every record of these partitions up to their present ends (read_uncommitted, unless told otherwise), as they come."""
    listed = [TopicPartition(topic, partition, OFFSET_BEGINNING) for topic, partition in places]
    usual = {"group.id": "witness", "isolation.level": "read_uncommitted", "fetch.wait.max.ms": 10, "log_level": 0}
    plain = Consumer({**properties, **usual, "enable.partition.eof": True, "enable.auto.commit": False, **more})
    plain.assign(listed)
    got: list[Record] = []
    ended, deadline = 0, time.monotonic() + _SECONDS
    while ended < len(listed):
        assert time.monotonic() < deadline, f"{len(listed) - ended} of {len(listed)} partitions have no end"
        for message in plain.consume(10_000, 0.1):
            if message.error():
                ended += 1
            else:
                got.append(_record(message))
    plain.close()
    return got


def _record(message: Any) -> Record:
    value = message.value()
    head = np.frombuffer(value[: HEAD.itemsize], HEAD)[0]
    return Record(message.topic(), message.partition(), message.offset(), head, message.key(), value[HEAD.itemsize :])


def committed(properties: Mapping[str, str], group: str, topic: str, partitions: int) -> list[int]:
    """The group's committed offsets (-1: none), by partition."""
    plain = Consumer({**properties, "group.id": group, "log_level": 0})
    try:
        found = plain.committed([TopicPartition(topic, number) for number in range(partitions)], timeout=_SECONDS)
        return [max(place.offset, -1) for place in found]
    finally:
        plain.close()
