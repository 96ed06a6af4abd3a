"""How far the transactions in a log have ended: its last stable offset, and where that is stuck."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from marathon_ray.finding import Finding, FindingKind
from marathon_ray.totals import place_of

# ns; beyond its time-out a transaction lives until its coordinator looks next (every 10 s by default) and has had markers
# written to all its partitions, some of which may just be without a leader.
GRACE: Final = 60 * 10**9


@dataclass(frozen=True, slots=True)
class _Stall:
    """A log that is stable up to `stable` only and ends at `end`; so it was first seen at `since`, and last at `at`."""

    stable: int
    end: int
    since: int
    at: int
    told: bool = False

    def finding(self, place: int) -> Finding:
        topic, partition = place_of(place)
        return Finding(
            kind=FindingKind.STUCK, topic=topic, partition=partition, first_offset=self.stable, last_offset=self.end - 1,
            since=self.since, until=self.at, count=self.end - self.stable,
        )  # fmt: skip


class StableEnds:
    """The partitions whose log was last seen to be stable up to below its end: there a transaction is open.

    Open transactions are no fault while the stable end moves. One that did not move for longer than a transaction may
    stay open is stuck, and that stands even if it moves later: so long no read_committed group was given anything.
    """

    def __init__(self) -> None:
        self._stalls: dict[int, _Stall] = {}

    def note(self, place: int, *, end: int, stable: int, at: int, limit: int) -> list[Finding]:
        """So that log was seen at `at`; returns what is stuck for longer than `limit` (ns) and was not said to be so."""
        before = self._stalls.pop(place, None)
        if stable >= end:
            return []
        stall = _Stall(stable, end, at, at)
        if before and before.stable == stable:
            stall = replace(before, end=end, at=at)
        overdue = stall.at - stall.since > limit
        self._stalls[place] = replace(stall, told=stall.told or overdue)
        return [stall.finding(place)] if overdue and not stall.told else []

    def finish(self) -> Iterator[Finding]:
        """Nobody writes any more: what is not stable now is stuck, unless that was said before."""
        yield from (stall.finding(place) for place, stall in self._stalls.items() if not stall.told)

    def close(self, topic: int) -> None:
        """That topic is another one now."""
        self._stalls = {place: stall for place, stall in self._stalls.items() if place >> 20 != topic}

    def below_end(self) -> Iterator[tuple[int, int]]:
        """(place, stable end) of each of the partitions."""
        yield from ((place, stall.stable) for place, stall in self._stalls.items())
