"""The peers in Python: confluent-kafka's own calls, which check nothing, over the same librdkafka and settings."""

import os
import time
from collections.abc import Callable, Iterator
from typing import Any, Final

from confluent_kafka import Consumer, TopicPartition
from confluent_kafka import Producer as Client

from actors.reader import _ALWAYS as READING  # the same settings on both sides
from actors.writer import _ALWAYS as WRITING
from benchmarks.job import IN_FLIGHT, Job, Sample
from benchmarks.meter import Meter

_SLICE: Final = 1_000  # as many records to a partition at a time as ours has
_WAIT: Final = 0.005
_END_WITHIN: Final = 240.0


class _Acknowledged:
    """Counts delivery reports; a failed one ends the measurement."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, error: object, _message: object) -> None:
        if error is not None:
            raise RuntimeError(f"a record was not acknowledged: {error}")
        self.count += 1


def _slices(job: Job) -> Iterator[tuple[int, int]]:
    """(partition, records) in turn."""
    for number, begin in enumerate(range(0, job.records, _SLICE)):
        yield number % job.partitions, min(_SLICE, job.records - begin)


def _produce(job: Job, send: Callable[[Client, int, int, _Acknowledged], None]) -> Sample:
    asked = {"bootstrap.servers": job.bootstrap, "acks": "all", "enable.idempotence": job.idempotent}
    client = Client({**WRITING, **job.properties, **asked})
    acknowledged = _Acknowledged()
    send(client, 0, _SLICE, acknowledged)
    client.flush(_END_WITHIN)
    meter, before = Meter(), acknowledged.count
    for partition, count in _slices(job):
        send(client, partition, count, acknowledged)
        client.poll(0)
        while len(client) > IN_FLIGHT:
            client.poll(_WAIT)
    client.flush(_END_WITHIN)
    return meter.sample(acknowledged.count - before)


def produce_batch(job: Job) -> Sample:
    """`produce_batch()` with a callback a record; every record has the same value."""
    value = os.urandom(job.size)

    def send(client: Client, partition: int, count: int, acknowledged: _Acknowledged) -> None:
        messages = [{"value": value} for _ in range(count)]
        taken = client.produce_batch(job.topic, messages, partition=partition, on_delivery=acknowledged)
        if taken != count:
            raise RuntimeError(f"produce_batch took {taken} of {count} records")

    return _produce(job, send)


def produce(job: Job) -> Sample:
    """`produce()` with a callback a record; every record has the same value."""
    value = os.urandom(job.size)

    def send(client: Client, partition: int, count: int, acknowledged: _Acknowledged) -> None:
        for _ in range(count):
            client.produce(job.topic, value, partition=partition, on_delivery=acknowledged)

    return _produce(job, send)


def _consume(job: Job, take: Callable[[Any], int]) -> Sample:
    _drain(job.of(1), take)
    meter = Meter()
    return meter.sample(_drain(job, take))


def _drain(job: Job, take: Callable[[Any], int]) -> int:
    asked = {"bootstrap.servers": job.bootstrap, "group.id": "unused", "enable.partition.eof": False}
    client = Consumer({**READING, **job.properties, **asked})
    client.assign([TopicPartition(job.topic, partition, 0) for partition in range(job.partitions)])
    deadline, count = time.monotonic() + _END_WITHIN, 0
    while count < job.records:
        got = take(client)
        count += got
        if not got and time.monotonic() > deadline:
            raise TimeoutError(f"{count} of {job.records} records within {_END_WITHIN:g} s")
    client.close()
    return count


def consume(job: Job) -> Sample:
    """`Consumer.consume(10000)`, and count."""
    return _consume(job, lambda client: len(client.consume(10_000, 0.1)))


def poll(job: Job) -> Sample:
    """`Consumer.poll()`, and count."""
    return _consume(job, lambda client: client.poll(0.1) is not None)
