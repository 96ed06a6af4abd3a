"""What one round brings from the workers of a fleet: each part counts once, when it is new."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from actors import latency
from actors.order import Host
from actors.tally import CLAIMS, Counts, Outcome, Part, Table, nothing
from marathon_ray.finding import Tail
from marathon_ray.round import ACKS, Doing
from marathon_ray.stretch import together
from marathon_ray.told import Row

_NAMED: Final = 3


@dataclass(frozen=True, slots=True)
class Loss:
    """A worker that is gone: why, and what it leaves in the dark. `announced`: that its node would be taken away was said
    before."""

    seat: str
    worker: str
    why: str
    announced: bool
    tail: Tail


def mourned(fleet: str, losses: Sequence[Loss]) -> str:
    """Of whom a fleet lost at once, and why, a sentence; the first of many stand for all."""
    named, reasons = [loss.worker for loss in losses], Counter(loss.why for loss in losses)
    more = f" and {len(named) - _NAMED} more" if len(named) > _NAMED else ""
    others = "; and other reasons" if len(reasons) > _NAMED else ""
    whys = "; ".join(f"{why} ({count})" if len(reasons) > 1 else why for why, count in reasons.most_common(_NAMED))
    return f"{fleet} lost {', '.join(named[:_NAMED])}{more}: {whys}{others}"


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a fleet cannot become what is wanted, a sentence; and whether room is all that it lacks."""

    what: str
    no_room: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Answered:
    """One round of a fleet. `acks` is ACKS[n], `positions` are in the order in which they were told, `moved` are workers
    that have left a node in good order before it is taken away, `hosts` go by the seats' names."""

    doing: Doing
    acks: Table
    positions: Sequence[Row] = ()
    losses: tuple[Loss, ...] = ()
    moved: tuple[str, ...] = ()
    hosts: Mapping[str, Host] = field(default_factory=dict)
    trouble: Trouble | None = None

    @property
    def tails(self) -> tuple[Tail, ...]:
        """Of all that were lost."""
        return tuple(loss.tail for loss in self.losses)


class Gathering:
    """Sums over the parts that are new in this round."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.cpu = 0.0  # seconds
        self._latencies: dict[str, list[latency.Sparse]] = {}
        self.positions: list[Row] = []
        self._claims: list[Table] = [nothing(CLAIMS)]

    def add(self, parts: Iterable[Part]) -> None:
        """Parts that were not added before."""
        for part in parts:
            self.counts.update(part.counts)
            self._claims.append(part.claims)
            for name, wire in part.latencies.items():
                self._latencies.setdefault(name, []).append(wire)
            if len(part.positions):
                rows = part.positions[["topic", "partition", "position", "at_end"]].tolist()
                self.positions += [(part.reading, *place, at, bool(at_end)) for *place, at, at_end in rows]

    def latencies(self) -> dict[str, Counts]:
        """The merged histograms."""
        return {name: latency.merged(wires) for name, wires in self._latencies.items()}

    def acks(self) -> Table:
        """When acknowledgements came: ACKS, a row for each partition where there were any."""
        return acks(together(self._claims))


def acks(claims: Table) -> Table:
    """ACKS of these CLAIMS, a row for each partition that has an acknowledged one."""
    mine = claims[claims["outcome"] == Outcome.ACKNOWLEDGED]
    places = mine["topic"].astype(np.int64) << 32 | mine["partition"]
    known, row = np.unique(places, return_inverse=True)
    table = np.zeros(len(known), ACKS)
    table["topic"], table["partition"] = known >> 32, known & 0xFFFFFFFF
    table["first"] = np.iinfo(np.int64).max
    np.minimum.at(table["first"], row, mine["since"])
    np.maximum.at(table["last"], row, mine["until"])
    np.add.at(table["count"], row, mine["last"] - mine["first"] + 1)
    return table
