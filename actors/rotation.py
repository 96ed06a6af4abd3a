"""Which partition is written next: by turns, but nothing behind a first record before that one is known to be there.

A broker that has nothing of an idempotent client in a partition takes whatever sequence comes first. So where the client's
first batch is refused (the broker has just become the leader) and its second, on its way by then, is taken, nobody notices
the gap; and librdkafka tells of the first that it was acknowledged, for the broker could not have taken a later one without
it. That is a record which is lost and which no broker ever had (confluent-kafka-go, issue 921; seen with Kafka 4.3 and
librdkafka 2.16). Where the broker has one record of the client, it refuses a gap.
"""

from collections.abc import Iterable
from itertools import cycle
from typing import Final, NamedTuple

from actors.claiming import Claiming
from actors.tally import Outcome

MANY: Final = 1 << 62
_PATIENCE: Final = 500_000_000  # ns that those that are begun wait for the others, so that all have the same share


class Turn(NamedTuple):
    """One partition of a client, and the number of its stream."""

    topic: str
    partition: int
    stream: int


class Rotation:
    """The partitions of one client. One that is not `careful`, since its client is not idempotent, has them all begun."""

    def __init__(self, claiming: Claiming, *, careful: bool) -> None:
        self._claiming, self._careful = claiming, careful
        self._begun: set[int] = set()  # streams of which a record was acknowledged
        self._waiting: set[int] = set()  # streams whose first record is on its way
        self._patient, self._until = False, 0  # whether the others wait for them, and to when (monotonic, ns)
        self.set(())

    def set(self, turns: Iterable[Turn]) -> None:
        """These partitions from now on; what is known of them is kept."""
        turns = tuple(turns)
        self._mine = {turn.stream for turn in turns}
        self._turns = cycle(turns)
        if not self._careful:
            self._begun |= self._mine

    @property
    def room(self) -> int:
        """How many records may be written now."""
        if self._patient or self._mine.isdisjoint(self._begun):
            return len(self._mine - self._waiting - self._begun)
        return MANY

    def next(self, most: int) -> tuple[Turn, int]:
        """Who is next, and how many records it may have, of so many. There is `room`."""
        passed = self._waiting | self._begun if self._patient else self._waiting
        turn = next(turn for turn in self._turns if turn.stream not in passed)
        if turn.stream in self._begun:
            return turn, most
        self._waiting.add(turn.stream)
        return turn, 1

    def hear(self, now: int, *, idle: bool) -> None:
        """Look what became of first records, at `now` (monotonic, ns); where the client is `idle`, none is on its way."""
        if not self._waiting:
            return
        for stream in tuple(self._waiting):
            row = self._claiming.streams[stream]
            if idle or row["reported"] == row["attempted"]:
                self._waiting.remove(stream)
                if row["reported"] and row["outcome"] == Outcome.ACKNOWLEDGED:
                    self._begun.add(stream)
        self._until = (self._until or now + _PATIENCE) if self._waiting else 0
        self._patient = now < self._until
