"""One run that loses load machines in its middle: what is done to it, and what came of it."""

import asyncio
import math
import os
import random
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass as plain
from functools import partial
from pathlib import Path
from typing import ClassVar, Final, Literal

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from actors.order import Host
from actors.spec import Auditors, Consumers, Producers
from benchmarks.losses_result import RATE
from benchmarks.ray_nodes import RayNodes, kill
from marathon_ray.blocking import blocking
from marathon_ray.clusters import Opened
from marathon_ray.kafka.local import LocalKafka
from marathon_ray.kafka.topics import Topic
from marathon_ray.promises.integrity import Integrity
from marathon_ray.promises.promise import Declared, Ending, Promise, Verdict, state_of
from marathon_ray.report.report import Report
from marathon_ray.round import Phase, Round
from marathon_ray.running import run
from marathon_ray.scenario import Scenario
from marathon_ray.toolkit import Toolkit

Kind = Literal["worker", "node", "drain"]
_BACK: Final = 0.9  # of the rate: it is back
_AWAY: Final = 4.0  # s that a lost node is missed before another one comes
_LOOK: Final = 0.05
_TIMES: Final = 3  # as long as workers lacked a run goes on, so that a quarter of it at most is in the dark
# Of brokers: what is lost are load machines, and those that start for them delay a broker on the same machine. None shall be
# taken for dead for that, nor its controller: once, right after such a start, no partition could be written for a minute.
PATIENT: Final = {"broker.session.timeout.ms": "60000", "controller.quorum.fetch.timeout.ms": "60000"}
_NOTICE: Final = 60  # s; a node that is drained is taken away when it was left, or after that time


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Conserved:
    """Every record that was attempted stands in exactly one place of the balance, and none waits."""

    safety: ClassVar[bool] = True

    def mistakes(self, declared: Declared) -> Iterator[str]:  # noqa: ARG002 - it names nothing
        """None."""
        return iter(())

    def begin(self, declared: Declared, ordinals: Mapping[str, int]) -> None:
        """It looks at the end alone."""

    def step(self, state: None, round_: Round) -> None:
        """Nothing changes."""

    def verdict(self, state: None, ending: Ending) -> Verdict:  # noqa: ARG002 - it has none
        """By the balance of the moment; what still waits where nobody read to the end says nothing."""
        faults = tuple(ending.balance.faults())
        waits = tuple(name for name in ("pending", "unaudited") if ending.balance.total(name))
        kept = False if faults or (waits and ending.drained) else None if waits else True
        return Verdict(
            promise="Conserved", demanded="every record stands in one place", found="; ".join([*faults, *waits]) or "it does",
            state=state_of(kept), safety=True,
        )  # fmt: skip


class Losing(Scenario):
    """Whoever of its writers, readers and auditors is lost: all that was acknowledged is there."""

    orders: Topic = Topic(partitions=6, replication=3, min_insync=2)
    writers: Producers = Producers(to="orders", rate=f"{RATE} records/s", size="200 B", workers=2)
    readers: Consumers = Consumers(of="orders", group="live", workers=2, properties={"session.timeout.ms": "8000"})
    auditors: Auditors = Auditors(of="orders", trailing="2 s", workers=2)
    lose: Callable[[Toolkit], Awaitable[None]] = Field(exclude=True)

    def promises(self) -> Iterator[Promise]:
        yield Integrity("orders", dark="25 %")  # a short run, and whole nodes are lost
        yield Conserved()

    async def workload(self, kit: Toolkit) -> None:
        await self.lose(kit)


class Loser:
    """Takes a worker or a node away in the middle of a run, gives room back, and watches the rounds as its audience."""

    def __init__(self, nodes: RayNodes, kind: Kind, seed: int) -> None:
        self._nodes, self._kind, self._draw = nodes, kind, random.Random(seed)
        self.victims: tuple[str, ...] = ()  # seats
        self.load = 0.0  # of the machine at the loss
        self.struck = self.room = 0.0  # monotonic seconds: of the loss, and from when on there was room for all again
        self.noticed: float | None = None
        self.heard: float | None = None  # seconds from when Ray was told until a successor was asked for
        self.back: float | None = None
        self.slow = 0.0  # when the rate was last less than it should be
        self.short = 0.0  # seconds in which it was
        self._before = 0, 0.0  # records and seconds of the round before
        self._left: Callable[[], bool] = lambda: False

    async def __call__(self, kit: Toolkit) -> None:
        await kit.steady(self._draw.uniform(2.0, 6.0))
        hosts = await blocking(self._nodes.seats)
        one = self._draw.choice(sorted(hosts))
        self.load = os.getloadavg()[0]
        self.struck = self.room = time.monotonic()
        if self._kind == "worker":
            self.victims = (one,)
            kill(hosts[one])
        else:
            self.victims = _on(hosts, hosts[one].node)
            await self._take(kit, hosts[one].node)
        await kit.until(self.is_back, within="60 s")
        lacked = 0.0 if self._kind == "drain" or self.back is None else self.back - self.struck
        await kit.steady(2.0 + _TIMES * lacked)

    async def _take(self, kit: Toolkit, node: str) -> None:
        """That node is gone, and another one is there some seconds later."""
        if self._kind == "drain":
            before = await blocking(self._nodes.named)
            await blocking(self._nodes.notify, node, seconds=_NOTICE)
            self.heard = await self._hear(before)
        else:
            await blocking(self._nodes.kill, node)
        await kit.steady(_AWAY)
        await blocking(self._nodes.add)
        self.room = time.monotonic()
        if self._kind == "drain":
            self._left = partial(self._nodes.is_left, node)
            await kit.until(self.is_left, within=f"{_NOTICE} s")
            await blocking(self._nodes.kill, node)

    async def _hear(self, before: frozenset[str]) -> float:
        """Seconds until there is a seat beside these; infinite where none comes in time."""
        began = time.monotonic()
        while not (await blocking(self._nodes.named) - before):
            if time.monotonic() - began > _AWAY:
                return math.inf
            await asyncio.sleep(_LOOK)
        return time.monotonic() - began

    def is_left(self, view: object) -> bool:  # noqa: ARG002 - Ray tells it
        """Whether no seat is on the node that will be taken away."""
        return self._left()

    def is_back(self, view: object) -> bool:  # noqa: ARG002 - the rounds tell it
        """Whether all work again at their rate."""
        return self.back is not None

    def round(self, round_: Round, verdicts: Sequence[Verdict]) -> None:  # noqa: ARG002 - of the end alone
        """One more round. The rate is taken over two: tallies of one second may be told in the next."""
        counts = round_.fleets["writers"].counts if "writers" in round_.fleets else {}
        now, before = (counts.get("acknowledged", 0), round_.seconds), self._before
        self._before = now
        if not self.struck or round_.phase is not Phase.WORKLOAD:
            return
        lacks = any(doing.lost for doing in round_.fleets.values())
        whole = not lacks and all(doing.workers == doing.wanted for doing in round_.fleets.values())
        if not whole:
            self.noticed, self.back = self.noticed or time.monotonic(), None
        rate = (now[0] + before[0]) / (now[1] + before[1])
        if rate < _BACK * RATE:
            self.slow = time.monotonic()
            self.short += round_.seconds
        elif self.back is None and self.noticed and whole:
            self.back = time.monotonic()

    def note(self, text: str) -> None:
        """Nobody hears it."""


def _on(hosts: Mapping[str, Host], node: str) -> tuple[str, ...]:
    return tuple(sorted(seat for seat, host in hosts.items() if host.node == node))


@plain(frozen=True, slots=True)
class Lost:
    """One such run. Times are seconds: from the loss until it was `noticed` (from the notice until the first moved), and from when there was room again until all
    were `back` at their rate (None: never), and until the rate alone was `rated` for good; in so many since the loss it was `short`. `load` is the
    machine's at the loss, averaged over a minute. Of a notice, `heard` is when a successor was asked for (infinite: not in time)."""

    kind: Kind
    victims: tuple[str, ...]
    noticed: float | None
    back: float | None
    rated: float
    short: float
    load: float
    report: Report
    heard: float | None = None

    @property
    def deaths(self) -> int:
        """Workers of all fleets that were lost."""
        return sum(crew.deaths for crew in self.report.fleets)

    @property
    def moved(self) -> int:
        """Workers of all fleets that had left before their node was gone."""
        return sum(crew.moved for crew in self.report.fleets)

    @property
    def unheard(self) -> int:
        """The bound of what the lost ones did and nobody heard of."""
        return sum(tail.unheard for crew in self.report.fleets for tail in crew.tails)

    @property
    def exact(self) -> bool:
        """Whether every record stands in one place."""
        return any(one.promise == "Conserved" and one.state == "passed" for one in self.report.verdicts)

    @property
    def true(self) -> bool:
        """Whether nothing is lost but a tail: on a Kafka that is well, all that was acknowledged is found."""
        total = self.report.total
        return self.exact and not total("lost") and total("found") == total("acknowledged") > 0


def lose(nodes: RayNodes, kafka: LocalKafka, folder: Path, *, kind: Kind, seed: int) -> Lost:
    """A run on that cluster and these nodes, of which a worker or a node is lost, or a node is taken away with notice."""
    loser = Loser(nodes, kind, seed)
    opened = Opened(kafka.name, ours=False, cluster=kafka, begin=lambda: None, end=lambda: None)
    report = asyncio.run(run(Losing(lose=loser), cluster=opened, results=folder, seed=seed, tell=loser))
    noticed, back = (
        None if at is None else at - since for at, since in ((loser.noticed, loser.struck), (loser.back, loser.room))
    )
    rated = max(0.0, loser.slow - loser.room)
    return Lost(kind, loser.victims, noticed, back, rated, loser.short, loser.load, report, loser.heard)
