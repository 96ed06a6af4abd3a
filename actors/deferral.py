"""Keeps back what a partition is to get while it is slow to answer, as librdkafka would, but without its thread's turning.

Of an idempotent client librdkafka (2.16, `rd_kafka_toppar_producer_serve`) sends no more to a partition of which five
records or more are unanswered. Once the linger of those behind is over, its thread asks again and again whether they may go,
without a pause: up to a core for nothing, which a cluster on the same machine then lacks, so that its answers take longer
still. What waits here costs nothing, is not in doubt when its worker dies, and goes, in its partition's order, as soon as the
answer is there. Where answers come within the linger, librdkafka does not turn, and nothing is kept back: batches fill there.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from actors.claiming import Claiming
from actors.composer import Times
from actors.rotation import Turn

_WINDOW: Final = 5  # unanswered records of a partition behind which none is sent (RD_KAFKA_IDEMP_MAX_INFLIGHT)
_MORE: Final = 0.005  # s beyond the linger of what is written and of what comes behind it: such an answer is slow


@dataclass(frozen=True, slots=True)
class Slice:
    """So many records for one partition, and when they were due."""

    turn: Turn
    count: int
    times: Times


class Deferral:
    """What is kept back of one client's streams; nothing unless it is `on`. Made anew when the client gets more streams.

    An answer is slow that comes later than twice the `linger` (s) and 5 ms.
    """

    def __init__(self, claiming: Claiming, linger: float, *, on: bool) -> None:
        self._claiming, self._on = claiming, on
        self._limit = round((2 * linger + _MORE) * 1e9)
        self._kept: dict[int, deque[Slice]] = {}
        self.count = 0  # records kept back
        streams = len(claiming.streams)
        self._slow = np.zeros(streams, bool)
        self._until = np.zeros(streams, np.int64)  # how many records must be reported, so that the answer is there
        self._since = np.zeros(streams, np.int64)  # monotonic ns when the last of them was written; 0: no answer is due

    def keeps(self, stream: int) -> bool:
        """Whether the next slice of that stream must wait."""
        return stream in self._kept or self._waits(stream)

    def keep(self, piece: Slice) -> None:
        """It waits, behind what waits for the same partition."""
        self._kept.setdefault(piece.turn.stream, deque()).append(piece)
        self.count += piece.count

    def written(self, stream: int, now: int) -> None:
        """Records were written to that stream, at `now` (monotonic, ns)."""
        if self._on and not self._since[stream]:
            self._until[stream], self._since[stream] = self._claiming.streams["attempted"][stream], now

    def hear(self, now: int) -> Iterator[Slice]:
        """Look who has answered, at `now` (monotonic, ns); what may go now, the oldest of each partition first."""
        if not self._on:
            return iter(())
        due = self._since > 0
        answered = due & (self._claiming.streams["reported"] >= self._until)
        late = due & (now - self._since > self._limit)
        self._slow = np.where(answered, late, self._slow | late)
        self._since[answered] = 0
        return self._release([stream for stream in self._kept if not self._waits(stream)])

    def rest(self) -> Iterator[Slice]:
        """All that is kept back."""
        return self._release(list(self._kept))

    def _waits(self, stream: int) -> bool:
        rows = self._claiming.streams
        return bool(self._slow[stream]) and bool(rows["attempted"][stream] - rows["reported"][stream] >= _WINDOW)

    def _release(self, streams: list[int]) -> Iterator[Slice]:
        for stream in streams:
            for piece in self._kept.pop(stream):
                self.count -= piece.count
                yield piece
