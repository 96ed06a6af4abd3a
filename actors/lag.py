"""How late a writer begins its records for want of time of its own: whether the bench itself was fast enough."""

from typing import Final

from actors import latency
from actors.bucketing import bucket

_PATIENCE: Final = 10_000_000_000  # ns to make up for what was owed: that of `actors.pace`


class Lag:
    """A histogram of how long records were due before they were begun.

    A time in which nothing might be written, for first records were on their way (`actors.rotation`), is the cluster's, not
    the writer's: by how much the lag grew in it is excused until that is made up for, ten seconds at most.
    """

    def __init__(self) -> None:
        self.counts = latency.empty()
        self._held = False
        self._last = self._excused = 0  # ns
        self._until = 0  # monotonic, ns

    def excuse(self, now: int) -> None:
        """Nothing may be written, at `now` (monotonic, ns)."""
        self._held, self._until = True, now + _PATIENCE

    def add(self, lag: int, count: int, now: int) -> None:
        """So many records are begun, so late (ns)."""
        grown = max(0, lag - self._last) if self._held else 0
        self._excused = min(self._excused + grown, lag) if now < self._until else 0
        self._held, self._last = False, lag
        self.counts[bucket((lag - self._excused) // 1000)] += count
