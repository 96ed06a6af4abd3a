"""Keeps back what a slow partition may not be sent yet, as librdkafka would, but without its thread's turning.

Of an idempotent client librdkafka (2.16, `rd_kafka_toppar_producer_serve`) sends no more to a partition of which five
records or more are unanswered. Once the linger of those behind is over, its thread asks again and again whether they may go,
without a pause: up to a core for nothing, which a cluster on the same machine then lacks, so that its answers take longer
still. What waits here goes, in its partition's order, as soon as the answer is there; it then lingers once more. Where
answers come within the linger, librdkafka does not turn, and nothing is kept back.
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
_QUICK, _SLOW = 0.004, 0.010  # s beyond two lingers: what is answered sooner than the one, what later than the other


@dataclass(frozen=True, slots=True)
class Slice:
    """Records first..first+count of a partition's stream, and when they were due."""

    turn: Turn
    first: int
    count: int
    times: Times


class Deferral:
    """What is kept back of one client's streams, of which it gets no more; nothing unless it is `on`.

    A partition is slow from an answer on that came later than two lingers (s) and 10 ms, until one that came within two
    lingers and 4 ms.
    """

    def __init__(self, claiming: Claiming, linger: float, *, on: bool) -> None:
        self._claiming, self._on = claiming, on
        self._quick_below, self._slow_above = (round((2 * linger + more) * 1e9) for more in (_QUICK, _SLOW))
        self._joins = round(linger / 2 * 1e9)  # ns in which a batch surely is not on its way yet
        self._kept: dict[int, deque[Slice]] = {}
        streams = len(claiming.streams)
        self._behind = np.zeros(streams, np.int64)  # records kept back of each
        self._slow = np.zeros(streams, bool)
        self._until = np.zeros(streams, np.int64)  # how many records must be reported, so that the answer is there
        self._since = np.zeros(streams, np.int64)  # monotonic ns when the last of them was written; 0: no answer is due
        self.count = 0  # records kept back

    def keeps(self, piece: Slice, now: int) -> bool:
        """Whether it must wait, at `now` (monotonic, ns); then it is kept, behind what waits for the same partition."""
        stream = piece.turn.stream
        if stream not in self._kept:
            if not self._slow[stream] or now - self._since[stream] < self._joins:
                return False
            if piece.first - self._claiming.streams["reported"][stream] < _WINDOW:
                return False
        self._kept.setdefault(stream, deque()).append(piece)
        self._behind[stream] += piece.count
        self.count += piece.count
        return True

    def written(self, piece: Slice, now: int) -> None:
        """It was written, at `now` (monotonic, ns)."""
        stream = piece.turn.stream
        if self._on and not self._since[stream]:
            self._until[stream], self._since[stream] = piece.first + piece.count, now

    def hear(self, now: int) -> Iterator[Slice]:
        """Look who has answered, at `now` (monotonic, ns); what may go now, the oldest of each partition first."""
        if not self._on:
            return iter(())
        rows, took = self._claiming.streams, now - self._since
        due = self._since > 0
        answered = due & (rows["reported"] >= self._until)
        self._slow |= due & (took > self._slow_above)
        self._slow &= ~(answered & (took < self._quick_below))
        self._since[answered] = 0
        if not self._kept:
            return iter(())
        waits = self._slow & (rows["attempted"] - self._behind - rows["reported"] >= _WINDOW)
        return self._release([stream for stream in self._kept if not waits[stream]])

    def rest(self) -> Iterator[Slice]:
        """All that is kept back."""
        return self._release(list(self._kept))

    def _release(self, streams: list[int]) -> Iterator[Slice]:
        for stream in streams:
            for piece in self._kept.pop(stream):
                self._behind[stream] -= piece.count
                self.count -= piece.count
                yield piece
