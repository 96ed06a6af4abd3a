"""For how long partitions went without an acknowledgement: from the first and last ones of each round."""

from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from actors.tally import Table
from marathon_ray.round import Phase, Round

FLOOR: Final = 1.0  # seconds: what is shorter is a pause between batches
MOST: Final = 200_000  # gaps that are kept; those beyond it are counted
GAPS: Final = np.dtype([("topic", "u2"), ("partition", "u4"), ("since", "f8"), ("until", "f8")])


class Gaps:
    """Folds rounds to gaps of FLOOR seconds and more, in seconds since the run began.

    A topic counts from its first acknowledgement to its last one, and at least to the end of the workload, so that what
    was silent at the end, or always, is a gap too.
    """

    def __init__(self) -> None:
        self._first: dict[int, float] = {}
        self._last: dict[int, NDArray[np.float64]] = {}
        self._measured = 0.0  # until then
        self._kept: list[Table] = []
        self.count = 0  # found so far, kept or not

    def step(self, round_: Round) -> None:
        """One more round."""
        if round_.phase == Phase.WORKLOAD:
            self._measured = round_.until
        began = round_.at - round(round_.until * 1e9)
        for topic in np.unique(round_.acks["topic"]).tolist():
            rows = round_.acks[round_.acks["topic"] == topic]
            self._topic(
                topic, rows["partition"].astype(np.intp), (rows["first"] - began) / 1e9, (rows["last"] - began) / 1e9
            )

    def _topic(
        self, topic: int, partition: NDArray[np.intp], first: NDArray[np.float64], last: NDArray[np.float64]
    ) -> None:
        self._first.setdefault(topic, max(0.0, float(first.min())))
        ends = self._grow(topic, int(partition.max()) + 1)
        firsts = np.full(len(ends), np.inf)
        np.minimum.at(firsts, partition, first)
        self._keep(topic, ends, np.where(np.isinf(firsts), ends, firsts))
        np.maximum.at(ends, partition, last)

    def _grow(self, topic: int, size: int) -> NDArray[np.float64]:
        """The last acknowledgements of at least so many partitions."""
        known = self._last.get(topic, np.zeros(0))
        fresh = np.full(max(0, size - len(known)), self._first[topic])
        self._last[topic] = np.concatenate([known, fresh])
        return self._last[topic]

    def _keep(self, topic: int, since: NDArray[np.float64], until: NDArray[np.float64]) -> None:
        (long,) = np.nonzero(until - since >= FLOOR)
        room = max(0, MOST - self.count)
        self.count += len(long)
        rows = np.zeros(min(len(long), room), GAPS)
        rows["topic"], rows["partition"] = topic, long[:room]
        rows["since"], rows["until"] = since[long[:room]], until[long[:room]]
        if len(rows):
            self._kept.append(rows)

    def finish(self, partitions: Mapping[int, int]) -> Table:
        """GAPS rows, by topic and partition; those that are open end now. `partitions` is how many each topic has, by
        ordinal, so that one is missed that never was acknowledged."""
        for topic in self._last:
            ends = self._grow(topic, partitions.get(topic, 0))
            self._keep(topic, ends, np.full(len(ends), max(self._measured, ends.max())))
        return np.sort(np.concatenate([np.empty(0, GAPS), *self._kept]), order=["topic", "partition", "since"])

    def partitions(self) -> Iterator[tuple[int, int]]:
        """Topics that were written to, and how many partitions each has."""
        return ((topic, len(ends)) for topic, ends in sorted(self._last.items()))
