"""The truth beside the verdict: what a plain consumer finds in a log, and what producers were told, as identities."""

import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from confluent_kafka import Consumer, KafkaError, Message, TopicPartition

from actors.record import HEAD
from actors.tally import Outcome, Part
from marathon_ray.finding import Finding, FindingKind

Identity: TypeAlias = tuple[int, int, int]  # partition, client, sequence
Identities: TypeAlias = frozenset[Identity]
_READ_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class Log:
    """Every record of a topic: the identities of each partition in the order of its log."""

    records: Mapping[int, tuple[Identity, ...]]

    @property
    def present(self) -> Identities:
        """All identities."""
        return frozenset(identity for some in self.records.values() for identity in some)

    def copies(self) -> Counter[Identity]:
        """Identities that are there more than once, with the number of those beyond the first."""
        counts = Counter(identity for some in self.records.values() for identity in some)
        return Counter({identity: count - 1 for identity, count in counts.items() if count > 1})

    def late(self) -> Identities:
        """Identities that first came behind a later sequence of their client and partition."""
        late: set[Identity] = set()
        for some in self.records.values():
            peaks: dict[int, int] = {}
            for identity in dict.fromkeys(some):
                _, client, sequence = identity
                if sequence < peaks.get(client, -1):
                    late.add(identity)
                peaks[client] = max(sequence, peaks.get(client, -1))
        return frozenset(late)


def read(properties: Mapping[str, str], topic: str, partitions: int) -> Log:
    """Read the topic from its first offsets to its ends, committed or not. Fails after a minute, and on any error."""
    plain = Consumer(
        {
            **properties,
            "group.id": "truth",
            "isolation.level": "read_uncommitted",
            "auto.offset.reset": "error",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "log_level": 0,
        }
    )
    try:
        plain.assign([TopicPartition(topic, partition, 0) for partition in range(partitions)])
        return Log(_decode(_to_the_ends(plain, partitions)))
    finally:
        plain.close()


def _to_the_ends(plain: Consumer, partitions: int) -> list[Message]:
    messages: list[Message] = []
    ended: set[int] = set()
    deadline = time.monotonic() + _READ_SECONDS
    while len(ended) < partitions:
        assert time.monotonic() < deadline, f"only partitions {ended} were read to their ends"
        for message in plain.consume(5_000, 0.2):
            if error := message.error():
                assert error.code() == KafkaError._PARTITION_EOF, error
                ended.add(_place(message))
            else:
                messages.append(message)
    return messages


def _place(message: Message) -> int:
    partition = message.partition()
    assert partition is not None
    return partition


def _decode(messages: list[Message]) -> dict[int, tuple[Identity, ...]]:
    heads = np.frombuffer(b"".join((message.value() or b"")[: HEAD.itemsize] for message in messages), HEAD)
    columns = (heads["partition"].tolist(), heads["client"].tolist(), heads["sequence"].tolist())
    records: dict[int, list[Identity]] = {}
    for message, identity in zip(messages, zip(*columns, strict=True), strict=True):
        records.setdefault(_place(message), []).append(identity)
    return {partition: tuple(some) for partition, some in records.items()}


def offsets(parts: Iterable[Part]) -> dict[Identity, tuple[int, int]]:
    """Between which offsets each acknowledged record was said to be: one and the same, where its claim is exact."""
    rows = [row for part in parts for row in part.claims[part.claims["outcome"] == Outcome.ACKNOWLEDGED].tolist()]
    found: dict[Identity, tuple[int, int]] = {}
    for client, partition, _, _, first, last, low, high, *_ in rows:
        dense = high - low == last - first
        for sequence in range(first, last + 1):
            at = low + sequence - first
            found[partition, client, sequence] = (at, at) if dense else (low, high)
    return found


def told(parts: Iterable[Part], outcome: Outcome) -> Identities:
    """The records of which producers were told that outcome."""
    rows = [row for part in parts for row in part.claims[part.claims["outcome"] == outcome].tolist()]
    return frozenset(
        (partition, client, sequence)
        for client, partition, _, _, first, last, *_ in rows
        for sequence in range(first, last + 1)
    )


def attempted(parts: Iterable[Part]) -> dict[tuple[int, int], int]:
    """How many sequences each (partition, client) said that it had handed out."""
    rows = [row for part in parts for row in part.attempts.tolist()]
    return {(partition, client): count for client, partition, _, count in rows}


def named(findings: Iterable[Finding], *kinds: FindingKind) -> Identities:
    """The records that findings of these kinds name."""
    return frozenset(
        (finding.partition, finding.client, sequence)
        for finding in findings
        if finding.kind in kinds
        for sequence in range(finding.first, finding.last + 1)
    )


def runs(identities: Iterable[Identity]) -> list[tuple[int, int, int, int]]:
    """The same records as (partition, client, first, last): few where neighbours belong together, and fit to read."""
    found: list[tuple[int, int, int, int]] = []
    for partition, client, sequence in sorted(identities):
        if found and found[-1] == (partition, client, found[-1][2], sequence - 1):
            found[-1] = (partition, client, found[-1][2], sequence)
        else:
            found.append((partition, client, sequence, sequence))
    return found
