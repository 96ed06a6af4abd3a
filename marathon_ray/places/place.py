"""The contract of the places where workers live: on a Ray cluster, or in this process.

A seat holds one worker. It is born idle and knows nothing; whatever it shall do is in the order that asks carry until it
has answered to it. One that came back to life after a loss says so, and is told all. An ask is also the collect: one call
a round.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias

from actors.order import Answer, Ask

CPUS: Final = 0.1  # of a seat on Ray: its bookkeeping, not a limit


@dataclass(frozen=True, slots=True)
class Broken:
    """The call failed: that life is gone (`preempted`: its node was told to go)."""

    why: str
    preempted: bool = False


@dataclass(frozen=True, slots=True)
class Silent:
    """No answer within the limit, or the seat has not come to life yet; it is not asked again before it has answered."""


Reply: TypeAlias = Answer | Broken | Silent


@dataclass(frozen=True, slots=True)
class Vacancy:
    """Whether one more seat would find room, and what a seat needs and how much there is, in words."""

    free: bool
    words: str


class Places(Protocol):
    """Where seats are. A seat is known by its name, which is never used twice."""

    def open(self, seat: str, zone: str = "") -> None:
        """Ask for a seat, in that zone if it has room; it comes to life when it can, and answers then."""

    async def zones(self) -> frozenset[str]:
        """Those in which there are nodes for seats, as far as nodes tell."""

    async def ask(self, asks: Mapping[str, Ask], *, within: float) -> Mapping[str, Reply]:
        """Ask each of these seats at once; one that hangs costs no other its answer."""

    async def notices(self) -> Mapping[str, float]:
        """Nodes that will be taken away, by the name that hosts tell: when, in monotonic seconds (infinite: nobody said
        when). What is known within a moment: a later word is told the next time."""

    async def room(self) -> Vacancy:
        """Where a seat does not come to life, this may be why."""

    def close(self, seat: str) -> None:
        """The seat is gone, with whatever works in it; nothing is waited for."""

    async def shut(self) -> None:
        """All seats are gone, and what the places themselves have made."""
