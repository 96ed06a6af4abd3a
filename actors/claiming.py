"""A producer's side of the books: streams, and reports folded into claims."""

import numpy as np

from actors import kernels
from actors.kernels import CLAIMING
from actors.latency import LAYOUT_SIZE
from actors.tally import ATTEMPTS, CLAIMS, Counts, Table

_ROWS = 4_096


class Claiming:
    """Every stream of a worker's clients. `streams` is CLAIMING[n]; the index of a stream is its number in reports."""

    def __init__(self) -> None:
        self._attempted = 0  # since the last cut of the counts
        self.streams: Table = np.zeros(0, CLAIMING)
        self._rows: Table = np.zeros(_ROWS, CLAIMS)
        self._used = 0
        self._full: list[Table] = []
        self.sums: Counts = np.zeros(4, np.int64)
        self.response: Counts = np.zeros(LAYOUT_SIZE, np.int64)
        self.service: Counts = np.zeros(LAYOUT_SIZE, np.int64)

    def open(self, client: int, places: list[tuple[int, int]]) -> list[int]:
        """New streams of a client, one for each (topic ordinal, partition); returns their numbers."""
        added = np.zeros(len(places), CLAIMING)
        added["client"] = client
        added["topic"], added["partition"] = np.array(places, np.int64).reshape(-1, 2).T
        free = np.flatnonzero(
            (self.streams["ended"] == 1) & (self.streams["touched"] == 0) & (self.streams["open"] == 0)
        )
        free = free[: len(places)]
        fresh = np.arange(len(self.streams), len(self.streams) + len(places) - len(free))
        self.streams = np.concatenate([self.streams, np.zeros(len(fresh), CLAIMING)])
        numbers = np.concatenate([free, fresh])
        self.streams[numbers] = added
        listed: list[int] = numbers.tolist()
        return listed

    def close(self, client: int) -> None:
        """That client reports no more: once a cut has told of its streams, their numbers are given out again."""
        self.streams["ended"][self.streams["client"] == client] = 1

    def attempt(self, stream: int, count: int) -> int:
        """`count` more sequences are handed out in a stream; returns the first."""
        row = self.streams[stream]
        first = int(row["attempted"])
        row["attempted"], row["touched"] = first + count, 1
        self._attempted += count
        return first

    def copy(self, stream: int, last: int) -> None:
        """A copy's sequence is its input's: the stream has now been attempted up to `last`."""
        row = self.streams[stream]
        row["attempted"], row["touched"] = max(int(row["attempted"]), last + 1), 1

    def fold(self, reports: Table, count: int, now: int) -> None:
        """Book `count` REPORT rows; `now` is the wall clock, ns."""
        done = 0
        while True:
            done, self._used = kernels.fold_reports(
                reports, done, count, self.streams, self._rows, self._used, self.sums, self.response, self.service, now
            )
            if done == count:
                return
            self._turn()

    def _turn(self) -> None:
        self._full.append(self._rows[: self._used].copy())
        self._used = 0

    def cut_counts(self) -> dict[str, int]:
        """Records attempted, records by outcome, and bytes acknowledged, since the last call."""
        names = {"acknowledged": kernels.ACKNOWLEDGED, "refused": kernels.REFUSED, "unknown": kernels.UNKNOWN}
        counts = {name: int(self.sums[place]) for name, place in {**names, "bytes": kernels.BYTES}.items()}
        self.sums[:] = 0
        counts["attempted"], self._attempted = self._attempted, 0
        return counts

    def cut(self) -> tuple[Table, Table]:
        """ATTEMPTS and CLAIMS since the last cut; every open run is closed by it."""
        done = 0
        while True:
            done, self._used = kernels.close_claims(self.streams, done, self._rows, self._used)
            if done == len(self.streams):
                break
            self._turn()
        self._turn()
        claims = np.concatenate(self._full)
        self._full.clear()
        touched = self.streams[self.streams["touched"] == 1]
        attempts = np.zeros(len(touched), ATTEMPTS)
        for name in ATTEMPTS.names or ():
            attempts[name] = touched[name]
        self.streams["touched"] = 0
        return attempts, claims
