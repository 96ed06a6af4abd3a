"""The peers in Python: confluent-kafka's own calls, which check nothing, over the same librdkafka and settings."""

import itertools
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


def _producer(job: Job) -> Client:
    asked = {"bootstrap.servers": job.bootstrap, "acks": "all", "enable.idempotence": job.idempotent}
    return Client({**WRITING, **job.properties, **asked})


def _produce(job: Job, send: Callable[[Client, int, int, _Acknowledged], None]) -> Sample:
    client, acknowledged = _producer(job), _Acknowledged()
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


def _consumer(job: Job) -> Consumer:
    asked = {"bootstrap.servers": job.bootstrap, "group.id": "unused", "enable.partition.eof": False}
    client = Consumer({**READING, **job.properties, **asked})
    client.assign([TopicPartition(job.topic, partition, 0) for partition in range(job.partitions)])
    return client


def _drain(job: Job, take: Callable[[Any], int]) -> int:
    client = _consumer(job)
    deadline, count = time.monotonic() + _END_WITHIN, 0
    while count < job.records:
        got = take(client)
        count += got
        if not got and time.monotonic() > deadline:
            raise TimeoutError(f"{count} of {job.records} records within {_END_WITHIN:g} s")
    client.close()
    return count


def produce_batch_for(job: Job) -> Sample:
    """`produce_batch()` for a window of time; where it is paced, what is due is sent every five milliseconds."""
    client, value, acknowledged = _producer(job), os.urandom(job.size), _Acknowledged()
    began, sent, partitions = time.monotonic(), 0, itertools.cycle(range(job.partitions))

    def send_until(end: float) -> None:
        nonlocal sent
        while (now := time.monotonic()) < end:
            count = min(_SLICE, round((now - began) * job.rate) - sent) if job.rate else _SLICE
            messages = [{"value": value} for _ in range(count)]
            if messages:
                sent += client.produce_batch(job.topic, messages, partition=next(partitions), on_delivery=acknowledged)
            client.poll(0)
            while len(client) > IN_FLIGHT or (job.rate and time.monotonic() < now + _WAIT):
                client.poll(_WAIT)

    send_until(began + job.warm)
    meter, before = Meter(), acknowledged.count
    send_until(began + job.warm + job.seconds)
    sample = meter.sample(acknowledged.count - before)
    client.flush(_END_WITHIN)
    return sample


def consume_for(job: Job) -> Sample:
    """`Consumer.consume(10000)` for a window of time, and count."""
    client, began, count = _consumer(job), time.monotonic(), 0
    while time.monotonic() - began < job.warm:
        client.consume(10_000, 0.1)
    meter = Meter()
    while time.monotonic() - began < job.warm + job.seconds:
        count += len(client.consume(10_000, 0.1))
    sample = meter.sample(count)
    client.close()
    return sample


def consume(job: Job) -> Sample:
    """`Consumer.consume(10000)`, and count."""
    return _consume(job, lambda client: len(client.consume(10_000, 0.1)))


def poll(job: Job) -> Sample:
    """`Consumer.poll()`, and count."""
    return _consume(job, lambda client: client.poll(0.1) is not None)
