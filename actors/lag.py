"""How late a writer begins its records for want of time of its own: whether the bench itself was fast enough."""

from actors import latency
from actors.bucketing import bucket


class Lag:
    """A histogram of how long records were due before they were begun.

    A time in which nothing might be written, for first records were on their way (`actors.rotation`), is the cluster's, not
    the writer's: what was owed at its end is excused until it is made up for.
    """

    def __init__(self) -> None:
        self.counts = latency.empty()
        self._held = False
        self._excused = 0  # ns

    def excuse(self) -> None:
        """Nothing may be written now."""
        self._held = True

    def add(self, lag: int, count: int) -> None:
        """So many records are begun, so late (ns)."""
        self._excused = lag if self._held else min(self._excused, lag)
        self._held = False
        self.counts[bucket((lag - self._excused) // 1000)] += count
