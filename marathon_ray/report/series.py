"""What was measured over the time of a run, round by round: one row a value, in Parquet."""

from array import array
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from actors.latency import percentile_of
from actors.tally import Counts
from marathon_ray.report.gaps import Gaps
from marathon_ray.round import Doing, Round

ROUNDS: Final = "rounds.parquet"
SILENT: Final = "silent.parquet"
SHARES: Final = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p99.9": 0.999, "max": 1.0}
_GROUP: Final = 1 << 17  # rows, so that no reader needs all of a long run at once


def values(round_: Round) -> Iterator[tuple[str, str, float]]:
    """All that a round measured as (fleet, name, value); the fleet is "" where it is of the whole run.

    Counts are sums over the round, latencies ("response p99") µs, lags ("lag readers") records.
    """
    for fleet, doing in round_.fleets.items():
        yield from ((fleet, name, value) for name, value in _done(doing))
    for name, behind in round_.lag.items():
        yield "", f"lag {name}", behind
    yield "", "unaudited", round_.unaudited
    yield "", "driver cpu", round_.cpu
    yield "", "full", round_.full
    settled: dict[str, int] = {}
    for place in round_.settled.counts.values():
        for name, count in place.items():
            settled[name] = settled.get(name, 0) + count
    yield from (("", f"settled {name}", count) for name, count in settled.items())


def _done(doing: Doing) -> Iterator[tuple[str, float]]:
    yield from (("workers", doing.workers), ("wanted", doing.wanted), ("busiest", doing.busiest), ("cpu", doing.cpu))
    if doing.offered >= 0:
        yield "offered", doing.offered
    yield from doing.counts.items()
    for name, counts in doing.latencies.items():
        yield from ((f"{name} {share}", value) for share, value in percentiles(counts).items())


def percentiles(counts: Counts) -> Mapping[str, int]:
    """µs by the names of SHARES; empty where nothing was measured."""
    upto = np.cumsum(counts)
    return {name: percentile_of(upto, share) for name, share in SHARES.items()} if upto[-1] else {}


class Series:
    """Takes rounds as they come, and writes them in the end: 16 bytes a value, some 2 MB an hour of an ordinary run."""

    def __init__(self) -> None:
        self._gaps = Gaps()
        self._rounds: list[tuple[float, float, str]] = []
        self._keys: dict[tuple[str, str], int] = {}
        self._round, self._key, self._value = array("I"), array("I"), array("d")

    def add(self, round_: Round) -> None:
        """One more round is in the series."""
        for fleet, name, value in values(round_):
            self._round.append(len(self._rounds))
            self._key.append(self._keys.setdefault((fleet, name), len(self._keys)))
            self._value.append(value)
        self._rounds.append((round_.since, round_.until, str(round_.phase)))
        self._gaps.step(round_)

    def write(self, folder: Path, topics: Mapping[int, tuple[str, int]] | None = None) -> tuple[Path, ...]:
        """ROUNDS and SILENT are in that folder, each whole or not at all. `topics` has the field's name and the number of
        partitions of each topic, by its ordinal."""
        tables = {ROUNDS: self._table(), SILENT: self._silent(topics or {})}
        for name, table in tables.items():
            draft = folder / f"{name}.part"
            pq.write_table(table, draft, compression="zstd", row_group_size=_GROUP)
            draft.replace(folder / name)
        return tuple(folder / name for name in tables)

    def _table(self) -> pa.Table:
        at, key = np.array(self._round, np.int64), np.array(self._key, np.int32)
        since, until = (np.array([each[place] for each in self._rounds], np.float64) for place in (0, 1))
        phases = sorted({phase for *_, phase in self._rounds})
        phase = np.array([phases.index(phase) for *_, phase in self._rounds], np.int32)
        fleets, names = ([one[place] for one in self._keys] for place in (0, 1))
        coded = [(phase[at], phases), (key, fleets), (key, names)]
        texts = [pa.DictionaryArray.from_arrays(codes, pa.array(texts, pa.string())) for codes, texts in coded]
        columns = [since[at], until[at], *(text.cast(pa.string()) for text in texts), np.array(self._value)]
        return pa.table(columns, ["since", "until", "phase", "fleet", "name", "value"])

    def _silent(self, topics: Mapping[int, tuple[str, int]]) -> pa.Table:
        names = {topic: name for topic, (name, _) in topics.items()}
        rows = self._gaps.finish({topic: partitions for topic, (_, partitions) in topics.items()})
        written = {names.get(topic, str(topic)): size for topic, size in self._gaps.partitions()}
        columns = [
            pa.array([names.get(topic, str(topic)) for topic in rows["topic"].tolist()], pa.string()),
            *(np.ascontiguousarray(rows[name]) for name in ("partition", "since", "until")),
        ]
        facts = {"beyond": self._gaps.count - len(rows)} | {f"partitions of {name}": n for name, n in written.items()}
        table = pa.table(columns, ["topic", "partition", "since", "until"])
        return table.replace_schema_metadata({name: str(fact) for name, fact in facts.items()})
