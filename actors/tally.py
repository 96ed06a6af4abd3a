"""What a worker has done, as columns: the only thing that travels from a worker to the driver.

A tally is a set of numbered parts, each cut at a batch edge. The worker sends every part that is not yet confirmed, so
a lost tally costs nothing and a repeated one changes nothing: parts of a worker are merged by number.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from functools import partial
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

Table: TypeAlias = NDArray[Any]
Counts: TypeAlias = NDArray[np.int64]

_STREAM: Final[list[Any]] = [("client", "u8"), ("partition", "u4"), ("topic", "u2")]


class Outcome(IntEnum):
    """What a producer knows of a record; the numbers are rd_kafka_msg_status_t's."""

    REFUSED = 0  # surely not in the log
    UNKNOWN = 1  # possibly in the log
    ACKNOWLEDGED = 2


class Fate(IntEnum):
    """What became of a transaction, or MAYBE_WRITTEN: of a record of an aborted one that may not be in the log."""

    ABORTED = 0
    UNKNOWN = 1
    COMMITTED = 2
    MAYBE_WRITTEN = 3


class Life(IntEnum):
    """How far a client has come."""

    OPEN = 0
    CLOSED = 1  # nothing more will be attempted or reported: a record that was not reported is unknown for ever


class Kind(IntEnum):
    """What a reader met that is no ordinary record, or what a client was told beside its records."""

    CORRUPT = 1  # the checksum does not fit head, key and value
    SHORT = 2  # too short for a head
    FOREIGN = 3  # a sound record of another run
    MISPLACED = 4  # a sound record of this run, in another topic or partition than its head says
    POISON = 5  # a record of an aborted transaction, given to a read_committed reader
    TRUNCATED = 6  # the log now ends at, or forks from, `offset`; the reader had been at `offset + count`
    EXPIRED = 7  # the log now starts at `offset`; the reader wanted `offset - count`
    FATAL = 8  # the client is dead for ever; `count` is minus the error code
    REWOUND = 9  # within one stint an offset came again or came too low


CLIENTS: Final = np.dtype([("client", "u8"), ("life", "u1")])
# How many sequences a client has handed out in a stream so far (absolute, not a delta).
ATTEMPTS: Final = np.dtype([*_STREAM, ("attempted", "i8")])
# A run of sequences first..last (both included) with one outcome. Offsets are those of the first and the last record
# (-1: acknowledged without one); where last_offset - first_offset == last - first, each record's offset follows by
# arithmetic, else they bound it. since..until: wall clock, ns, of the first and last report.
CLAIMS: Final = np.dtype(
    [
        *_STREAM,
        ("outcome", "u1"),
        ("first", "i8"),
        ("last", "i8"),
        ("first_offset", "i8"),
        ("last_offset", "i8"),
        ("since", "i8"),
        ("until", "i8"),
    ]
)
# A run of sequences first..last read one after the other in a partition, in the order of the log; offsets as above. Two
# rows that share sequences mean that a record was read twice. `epoch` is the leader epoch (-1: not known). A row never
# crosses a border of BLOCK offsets, and after a truncation a reader goes back to the beginning of the block that was cut,
# so what it had found from there on is void as whole rows.
FOUND: Final = np.dtype(
    [
        *_STREAM,
        ("epoch", "i4"),
        ("first", "i8"),
        ("last", "i8"),
        ("first_offset", "i8"),
        ("last_offset", "i8"),
        ("until", "i8"),
    ]
)
# A stretch of offsets read without going back, inside one block of BLOCK offsets, one leader epoch and one stint:
# `count` records and the sum (modulo 2**64) of hash(offset, client, sequence) over them. Whole blocks of two passes
# compare.
SPANS: Final = np.dtype(
    [
        ("topic", "u2"),
        ("partition", "u4"),
        ("stint", "u4"),
        ("epoch", "i4"),
        ("first_offset", "i8"),
        ("last_offset", "i8"),
        ("count", "i8"),
        ("digest", "u8"),
    ]
)
BLOCK: Final = 65_536
# The next offset that a reader will be given; `at_end` says that the log ended there when it looked.
POSITIONS: Final = np.dtype([("topic", "u2"), ("partition", "u4"), ("position", "i8"), ("at_end", "u1")])
# Offsets committed for a group; `stint` is the one that read up to there.
COMMITS: Final = np.dtype([("topic", "u2"), ("partition", "u4"), ("stint", "u4"), ("offset", "i8")])
# What became of the sequences first..last of a stream that one transaction wrote.
FATES: Final = np.dtype(
    [*_STREAM, ("fate", "u1"), ("transaction", "u4"), ("first", "i8"), ("last", "i8"), ("writer", "u8")]
)
INCIDENTS: Final = np.dtype(
    [
        ("kind", "u1"),
        ("topic", "u2"),
        ("partition", "u4"),
        ("client", "u8"),
        ("sequence", "i8"),
        ("offset", "i8"),
        ("count", "i8"),
        ("at", "i8"),
    ]
)


def nothing(layout: np.dtype[Any]) -> Table:
    """An empty table of that layout."""
    return np.empty(0, layout)


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """What one worker did between two cuts.

    `reading` is "first" or "second" (an auditor's pass), a group's name, or "" where nothing is read. `counts`
    are sums (records, bytes), `latencies` histograms of `actors.latency`.
    """

    version: int
    at: int  # wall clock of the cut, ns
    reading: str = ""
    clients: Table = field(default_factory=partial(nothing, CLIENTS))
    attempts: Table = field(default_factory=partial(nothing, ATTEMPTS))
    claims: Table = field(default_factory=partial(nothing, CLAIMS))
    found: Table = field(default_factory=partial(nothing, FOUND))
    spans: Table = field(default_factory=partial(nothing, SPANS))
    positions: Table = field(default_factory=partial(nothing, POSITIONS))
    commits: Table = field(default_factory=partial(nothing, COMMITS))
    fates: Table = field(default_factory=partial(nothing, FATES))
    incidents: Table = field(default_factory=partial(nothing, INCIDENTS))
    counts: Mapping[str, int] = field(default_factory=dict)
    latencies: Mapping[str, tuple[NDArray[np.uint16], Counts]] = field(default_factory=dict)  # sparse

    def __reduce__(self) -> tuple[Any, ...]:
        """It travels as bytes: layouts are known on both sides, and a driver takes a thousand parts a second."""
        tables = {name: rows.tobytes() for name in _LAYOUTS if len(rows := getattr(self, name))}
        latencies = {name: (at.tobytes(), more.tobytes()) for name, (at, more) in self.latencies.items()}
        return _part, (self.version, self.at, self.reading, tables, dict(self.counts), latencies)


_LAYOUTS: Final = {
    "clients": CLIENTS, "attempts": ATTEMPTS, "claims": CLAIMS, "found": FOUND, "spans": SPANS,
    "positions": POSITIONS, "commits": COMMITS, "fates": FATES, "incidents": INCIDENTS,
}  # fmt: skip


def _part(
    version: int, at: int, reading: str, tables: Mapping[str, bytes], counts: Mapping[str, int],
    latencies: Mapping[str, tuple[bytes, bytes]],
) -> Part:  # fmt: skip
    read = {name: np.frombuffer(rows, _LAYOUTS[name]) for name, rows in tables.items()}
    sparse = {
        name: (np.frombuffer(at, np.uint16), np.frombuffer(more, np.int64)) for name, (at, more) in latencies.items()
    }
    return Part(version, at, reading, counts=counts, latencies=sparse, **read)


@dataclass(frozen=True, slots=True, eq=False)
class Tally:
    """Parts of one worker's life (`worker` is unique in a run), by ascending version, without holes between them."""

    worker: str
    parts: tuple[Part, ...] = ()

    @property
    def version(self) -> int:
        """The newest part's number; 0 where there is none."""
        return self.parts[-1].version if self.parts else 0

    def after(self, version: int) -> tuple[Part, ...]:
        """The parts that are newer than `version`."""
        return tuple(part for part in self.parts if part.version > version)


def merge(left: Tally, right: Tally) -> Tally:
    """All parts of both, each once: commutative, associative, idempotent. Raises ValueError on two workers."""
    if left.worker != right.worker:
        raise ValueError(f"tallies of two workers do not merge: {left.worker} and {right.worker}")
    parts = {part.version: part for part in (*left.parts, *right.parts)}
    return Tally(left.worker, tuple(parts[version] for version in sorted(parts)))
