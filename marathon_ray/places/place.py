"""The contract of the places where workers live: on a Ray cluster, or in this process.

A seat holds one worker. It is born idle and knows nothing; whatever it shall do is in the order that every ask carries,
so that one that came back to life after a loss is told all by the next ask. An ask is also the collect: one call a round.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from actors.spec import WorkerSpec
from actors.tally import Tally
from actors.target import Target


@dataclass(frozen=True, slots=True)
class Order:
    """What a worker shall do: its name (unique in the run), where, and its slice of a fleet's spec."""

    worker: str
    target: Target
    revision: int
    spec: WorkerSpec
    stop: bool = False  # come to the end in good order


@dataclass(frozen=True, slots=True)
class Ask:
    """`incarnation` is the life that is meant ("": whichever there is): another one does nothing but say who it is.
    `confirmed` is the newest part that has arrived of that life's worker."""

    incarnation: str = ""
    order: Order | None = None
    confirmed: int = 0


@dataclass(frozen=True, slots=True)
class Host:
    """Where a seat is, and how busy: CPU seconds of its process so far, its resident bytes, and the share of all the
    machine's processors (0 to 1) that was in use."""

    node: str = ""
    address: str = ""
    pid: int = 0
    cpu_seconds: float = 0.0
    resident: int = 0
    machine: float = 0.0
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What one life of a seat says. `ended` says that its worker has stopped, with `error` if that was not asked for."""

    incarnation: str
    host: Host
    tally: Tally | None = None
    ended: bool = False
    error: str = ""


@dataclass(frozen=True, slots=True)
class Broken:
    """The call failed: that life is gone (`preempted`: its node was told to go)."""

    why: str
    preempted: bool = False


@dataclass(frozen=True, slots=True)
class Silent:
    """No answer within the limit, or the seat has not come to life yet; it is not asked again before it has answered."""


Reply: TypeAlias = Answer | Broken | Silent


class Places(Protocol):
    """Where seats are. A seat is known by its name, which is never used twice."""

    def open(self, seat: str, *, fleet: str) -> None:
        """Ask for a seat of that fleet; it comes to life when it can, and answers then."""

    async def ask(self, asks: Mapping[str, Ask], *, within: float) -> Mapping[str, Reply]:
        """Ask each of these seats at once; one that hangs costs no other its answer."""

    def close(self, seat: str) -> None:
        """The seat is gone, with whatever works in it; nothing is waited for."""

    async def shut(self) -> None:
        """All seats are gone, and what the places themselves have made."""
