"""Workers without Kafka: their log is a file a partition, their tallies are as full as those of real ones.

A row of such a file is a run of records with one writer. Appending one is a single call of the kernel, so that it is
whole whatever becomes of its writer, and writers of one partition may live in any processes of this machine.
"""

import os
import threading
import time
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np

from actors import latency
from actors.pace import Clock
from actors.spec import Auditors, Producers
from actors.tally import (
    ATTEMPTS,
    BLOCK,
    CLAIMS,
    FOUND,
    POSITIONS,
    SPANS,
    Life,
    Outcome,
    Part,
    Table,
    Tally,
    nothing,
)
from actors.target import Target, new_client
from actors.worker import Books
from marathon_ray.stretch import together

FOLDER: Final = "log.folder"  # the one property of a stub's target
_ROW: Final = np.dtype([("client", "u8"), ("first", "i8"), ("count", "i8"), ("offset", "i8"), ("at", "i8")])
_SAMPLES: Final = 10_000
_NAMES: Final = ("response", "service", "lag")


class Log:
    """One partition, as far as it was read here; offsets go by the order of the rows."""

    def __init__(self, folder: str, topic: str, partition: int) -> None:
        path = Path(folder, f"{topic}-{partition}")
        self._file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        self._read = 0  # bytes
        self.end = 0  # offset behind what was read

    def append(self, client: int, first: int, count: int, at: int) -> int:
        """One more run of records; returns its first offset."""
        os.write(self._file, np.array([(client, first, count, 0, at)], _ROW).tobytes())
        self.read(os.lseek(self._file, 0, os.SEEK_CUR))
        return self.end - count

    def read(self, until: int | None = None) -> Table:
        """The rows behind what was read before, with their offsets."""
        size = (os.fstat(self._file).st_size if until is None else until) - self._read
        rows: Table = np.frombuffer(os.pread(self._file, size, self._read), _ROW).copy()
        self._read += size
        ends = self.end + np.cumsum(rows["count"])
        rows["offset"] = ends - rows["count"]
        self.end = int(ends[-1]) if len(ends) else self.end
        return rows

    def close(self) -> None:
        """Nothing more is read or written here."""
        os.close(self._file)


def ends(folder: str, topic: str, partitions: int) -> list[int]:
    """Where the logs of a topic end."""
    found = []
    for partition in range(partitions):
        log = Log(folder, topic, partition)
        log.read()
        log.close()
        found.append(log.end)
    return found


@cache
def _latencies(seed: int) -> latency.Sparse:
    """What ten thousand latencies around 10 ms look like."""
    drawn = np.random.default_rng(seed).lognormal(np.log(10_000), 0.6, _SAMPLES).astype(np.int64)
    return latency.sparse(np.bincount(latency.buckets(drawn), minlength=latency.LAYOUT_SIZE))


@dataclass(slots=True)
class _Stream:
    log: Log
    topic: int
    partition: int
    attempted: int = 0
    open: list[tuple[int, int, int]] = field(default_factory=list)  # first, last and first offset of what is unreported


class StubProducer:
    """Writes what its schedule asks for whenever it is asked, and is told of it by the next time."""

    def __init__(self, name: str, target: Target) -> None:
        self._target = target
        self._books = Books(name, Clock())
        self._end = threading.Event()
        self._client = new_client()
        self._streams: dict[tuple[str, int], _Stream] = {}
        self._rate = 0.0  # records a second and stream
        self._began = 0.0
        self._latencies = {name: _latencies(seed) for seed, name in enumerate(_NAMES)}

        self._books.life(self._client, Life.OPEN)

    def run(self) -> None:
        """Until stopped; what is unreported then is told by the last tally."""
        self._end.wait()
        self._books.life(self._client, Life.CLOSED)

    def apply(self, revision: int, spec: Producers) -> None:  # noqa: ARG002 - a slice is given once
        """Begin with that slice."""
        folder = self._target.properties[FOLDER]
        for topic, partitions in spec.partitions.items():
            ordinal = self._target.topics[topic].ordinal
            for partition in partitions:
                self._streams[topic, partition] = _Stream(Log(folder, topic, partition), ordinal, partition)
        self._rate = float(spec.rate.records(spec.size.mean) or 0) / max(1, len(self._streams))
        self._began = time.monotonic()

    def collect(self, confirmed: int) -> Tally:
        """Every part after `confirmed`, the newest cut now."""
        return self._books.collect(confirmed, self._cut)

    def stop(self) -> None:
        """Nothing more is written."""
        self._end.set()

    def _cut(self, at: int) -> list[Part]:
        claims = np.array([self._claim(one, run, at) for one in self._streams.values() for run in one.open], CLAIMS)
        due = 0 if self._end.is_set() else int((time.monotonic() - self._began) * self._rate)
        wrote = [one for one in self._streams.values() if self._write(one, due, at)]
        attempts = np.array([(self._client, one.partition, one.topic, one.attempted) for one in wrote], ATTEMPTS)
        acknowledged = int((claims["last"] - claims["first"] + 1).sum())
        counts = {
            "attempted": sum(last - first + 1 for one in wrote for first, last, _ in one.open),
            "acknowledged": acknowledged, "bytes": 100 * acknowledged, "refused": 0, "unknown": 0, "not offered": 0,
        }  # fmt: skip
        return [Part(0, at, attempts=attempts, claims=claims, counts=counts, latencies=self._latencies)]

    def _claim(self, stream: _Stream, run: tuple[int, int, int], at: int) -> tuple[int, ...]:
        first, last, offset = run
        place = self._client, stream.partition, stream.topic, int(Outcome.ACKNOWLEDGED)
        return *place, first, last, offset, offset + last - first, at - 900_000_000, at

    def _write(self, stream: _Stream, due: int, at: int) -> bool:
        first, stream.open = stream.attempted, []
        if due > first:
            offset = stream.log.append(self._client, first, due - first, at)
            stream.open, stream.attempted = [(first, due - 1, offset)], due
        return due > first


class _Pass:
    """One reading of the partitions of a slice."""

    def __init__(self, name: str, target: Target, spec: Auditors) -> None:
        self.name = name
        second = name == "second"
        self._seconds = spec.trailing if second else 0.0
        self._logs: list[tuple[int, int, Log]] = []
        self._from: list[int] = []  # what lies below was read by another
        self._ahead: list[Table] = []  # read from the file, not yet old enough
        for topic, partitions in spec.partitions.items():
            for partition in partitions:
                both = spec.begin.get(topic, {}).get(partition, ((0, -1), (0, -1)))
                ordinal = target.topics[topic].ordinal
                self._logs.append((ordinal, partition, Log(target.properties[FOLDER], topic, partition)))
                self._from.append(max(0, both[second][0]))
                self._ahead.append(nothing(_ROW))

    def follow(self, spec: Auditors) -> None:
        """The same partitions, with that distance."""
        self._seconds = spec.trailing if self.name == "second" else 0.0

    def cut(self, at: int) -> Part:
        """What there is to read since the last cut."""
        found, spans = [nothing(FOUND)], [nothing(SPANS)]
        positions = np.zeros(len(self._logs), POSITIONS)
        for index, (topic, partition, log) in enumerate(self._logs):
            rows = self._taken(index, at)
            end = log.end - int(self._ahead[index]["count"].sum())
            positions[index] = topic, partition, end, not len(self._ahead[index])
            if len(rows):
                found.append(_found(rows, topic, partition, at))
                spans.append(_spans(int(rows["offset"][0]), end, topic, partition))
        read = sum(int((rows["last"] - rows["first"] + 1).sum()) for rows in found)
        counts = {"read": read, "read bytes": 100 * read, "incidents beyond": 0}
        latencies = {f"end to end {self.name}": _latencies(9)} if read else {}
        tables: dict[str, Any] = {"found": together(found), "spans": together(spans), "positions": positions}
        return Part(0, at, self.name, counts=counts, latencies=latencies, **tables)

    def _taken(self, index: int, at: int) -> Table:
        rows = together([self._ahead[index], self._logs[index][2].read()])
        old = int(np.searchsorted(rows["at"], at - self._seconds * 1e9, side="right")) if self._seconds else len(rows)
        self._ahead[index] = rows[old:]
        return rows[:old][rows["offset"][:old] >= self._from[index]]


def _found(rows: Table, topic: int, partition: int, at: int) -> Table:
    """FOUND rows, each inside one block."""
    blocks = (rows["offset"] + rows["count"] - 1) // BLOCK - rows["offset"] // BLOCK + 1
    part = np.arange(blocks.sum()) - np.repeat(np.cumsum(blocks) - blocks, blocks)
    rows = rows[np.repeat(np.arange(len(rows)), blocks)]
    found = np.zeros(len(rows), FOUND)
    found["first_offset"] = np.maximum(rows["offset"], (rows["offset"] // BLOCK + part) * BLOCK * (part > 0))
    found["last_offset"] = np.minimum(
        rows["offset"] + rows["count"], (rows["offset"] // BLOCK + part + 1) * BLOCK
    ) - 1  # fmt: skip
    for name in ("first", "last"):
        found[name] = rows["first"] + found[f"{name}_offset"] - rows["offset"]
    found["client"], found["topic"], found["partition"], found["until"] = rows["client"], topic, partition, at
    return found


def _spans(start: int, end: int, topic: int, partition: int) -> Table:
    """SPANS of these offsets; in place of a digest, what adds up alike."""
    edges = [start, *range((start // BLOCK + 1) * BLOCK, end, BLOCK), end]
    return np.array(
        [(topic, partition, 0, 0, first, last - 1, last - first, last - first) for first, last in pairwise(edges)],
        SPANS,
    )


class StubAuditor:
    """Reads every log twice, whenever it is asked."""

    def __init__(self, name: str, target: Target) -> None:
        self._target = target
        self._books = Books(name, Clock())
        self._end = threading.Event()
        self._passes: list[_Pass] = []

    def run(self) -> None:
        """Until stopped."""
        self._end.wait()

    def apply(self, revision: int, spec: Auditors) -> None:  # noqa: ARG002 - partitions are given once
        """Read that slice; the same partitions with another `trailing` are read on."""
        if not self._passes:
            self._passes = [_Pass(name, self._target, spec) for name in ("first", "second")]
        for one in self._passes:
            one.follow(spec)

    def collect(self, confirmed: int) -> Tally:
        """Every part after `confirmed`; the newest two, one for each pass, are cut now."""
        return self._books.collect(confirmed, lambda at: [one.cut(at) for one in self._passes])

    def stop(self) -> None:
        """Nothing more is read."""
        self._end.set()
