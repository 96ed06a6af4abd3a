"""The series of a run read back, as lines of few enough points to be drawn."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from marathon_ray.report.series import ROUNDS, SILENT

POINTS: Final = 600  # of a line
_SHORTEST: Final = 0.8  # seconds of a stretch
Floats: TypeAlias = NDArray[np.float64]
Key: TypeAlias = tuple[str, str]  # fleet, name


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """One value over the rounds that measured it; times are in seconds since the run began."""

    since: Floats
    until: Floats
    value: Floats

    def drawn(self, how: Literal["rate", "worst", "last"]) -> tuple[Floats, Floats]:
        """Ends of at most some POINTS stretches of neighbouring rounds, none much shorter than a second, and of each the
        rate a second, the highest, or the last."""
        starts = self._stretches()
        ends = np.append(starts[1:], len(self.until)) - 1
        if how == "last":
            return self.until[ends], self.value[ends]
        if how == "worst":
            return self.until[ends], np.maximum.reduceat(self.value, starts)
        seconds = np.add.reduceat(self.until - self.since, starts)
        return self.until[ends], np.add.reduceat(self.value, starts) / np.maximum(seconds, 1e-9)

    def _stretches(self) -> NDArray[np.intp]:
        """Where each begins: a round that was called early tells no rate of its own."""
        shortest = max(_SHORTEST, (self.until[-1] - self.since[0]) / POINTS)
        starts, length = [0], 0.0
        for number, seconds in enumerate((self.until - self.since).tolist()):
            if length >= shortest:
                starts.append(number)
                length = 0.0
            length += seconds
        if length < shortest and len(starts) > 1:
            starts.pop()
        return np.array(starts)


@dataclass(frozen=True, slots=True, eq=False)
class Silence:
    """How long partitions of one topic went without an acknowledgement, a row each; `partitions` were written to."""

    partitions: int
    partition: NDArray[np.int64]
    since: Floats
    until: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """All lines by fleet and name, silences by topic; `beyond` silences were too many to be kept."""

    lines: Mapping[Key, Line] = field(default_factory=dict)
    silences: Mapping[str, Silence] = field(default_factory=dict)
    beyond: int = 0

    def named(self, name: str) -> dict[str, Line]:
        """The lines of that name, by fleet."""
        return {fleet: line for (fleet, each), line in self.lines.items() if each == name}


def measured(folder: Path) -> Measured:
    """What the folder's series have; nothing where there are none."""
    if not (folder / ROUNDS).exists() or not (folder / SILENT).exists():
        return Measured()
    silences, beyond = _silences(folder / SILENT)
    return Measured(_lines(folder / ROUNDS), silences, beyond)


def _lines(path: Path) -> dict[Key, Line]:
    """Read group by group: a run of hours has millions of rows."""
    pieces: dict[Key, list[Line]] = {}
    file = pq.ParquetFile(path)
    for group in range(file.num_row_groups):
        table = file.read_row_group(group)
        fleets, names = (_coded(table[name]) for name in ("fleet", "name"))
        since, until, value = (table[name].to_numpy() for name in ("since", "until", "value"))
        keys = fleets[0].astype(np.int64) * len(names[1]) + names[0]
        for key in np.unique(keys).tolist():
            rows = keys == key
            found = fleets[1][key // len(names[1])], names[1][key % len(names[1])]
            pieces.setdefault(found, []).append(Line(since[rows], until[rows], value[rows]))
    return {key: _joined(lines) for key, lines in pieces.items()}


def _coded(column: pa.ChunkedArray) -> tuple[NDArray[np.int32], list[str]]:
    """A column of texts as numbers, and the text of each number."""
    coded = column.combine_chunks().dictionary_encode()
    return coded.indices.to_numpy(), coded.dictionary.to_pylist()


def _joined(lines: list[Line]) -> Line:
    return Line(*(np.concatenate([getattr(line, name) for line in lines]) for name in ("since", "until", "value")))


def _silences(path: Path) -> tuple[dict[str, Silence], int]:
    table = pq.read_table(path)
    facts = {key.decode(): value.decode() for key, value in (table.schema.metadata or {}).items()}
    head = "partitions of "
    topics = {key.removeprefix(head): int(size) for key, size in facts.items() if key.startswith(head)}
    silences = {}
    for topic, size in topics.items():
        rows = table.filter(pc.equal(table["topic"], topic))
        partition, since, until = (rows[name].to_numpy() for name in ("partition", "since", "until"))
        silences[topic] = Silence(size, partition.astype(np.int64), since, until)
    return silences, int(facts.get("beyond", 0))
