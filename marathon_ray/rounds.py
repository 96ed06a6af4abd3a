"""The heartbeat of a run: once a second all fleets are asked, the accounts settle, and the round goes to whoever folds."""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from actors.spec import Consumers, Producers, Transactors
from actors.tally import Table, nothing
from marathon_ray.accounts import Accounts
from marathon_ray.finding import Window
from marathon_ray.fleet import Fleet
from marathon_ray.gathering import Answered, Loss, Trouble
from marathon_ray.nodes import Nodes, heard
from marathon_ray.promises.promise import Shade
from marathon_ray.round import ACKS, Doing, Phase, Round
from marathon_ray.shortage import Shortage
from marathon_ray.stops import InterruptionError
from marathon_ray.strain import Strain
from marathon_ray.told import Place, Told

SECONDS: Final = 1.0
Sink = Callable[[Round], None]


class BenchError(Exception):
    """The bench cannot go on: it proves nothing from here. One sentence."""


class NoRoomError(InterruptionError):
    """The bench cannot go on since its workers have no room, though it was waited for: nobody's mistake. One sentence."""


class Rounds:
    """Goes round until cancelled. `phase` and `shades` are set by whoever knows."""

    def __init__(self, fleets: Mapping[str, Fleet], accounts: Accounts, sinks: Sequence[Sink], *, began: float) -> None:
        self.fleets, self.accounts, self.told = fleets, accounts, Told()
        self.phase = Phase.PREPARE
        self.shades: list[Shade] = []
        self.losses: dict[str, list[Loss]] = {name: [] for name in fleets}
        self.moved: Counter[str] = Counter()  # workers that left a node before it was taken away, by fleet
        self.most: Counter[str] = Counter()  # workers at once, by fleet
        self.worked: dict[str, float] = dict.fromkeys(fleets, 0.0)  # worker-seconds, by fleet
        self.nodes: Nodes = {}  # on which somebody ever answered
        self.written: Counter[int] = Counter()  # by topic's ordinal, bytes of values acknowledged
        self.last = Round(0.0, 0.0, 0, Phase.PREPARE)
        self._sinks = sinks
        self._shortage = Shortage()
        self.short: list[tuple[tuple[str, ...], float, float]] = []  # which fleets lacked workers, since and until when
        self._began, self._last, self._cpu = began, time.monotonic(), time.process_time()
        self._strain = Strain()
        self._hurry = asyncio.Event()
        self._turned = asyncio.Condition()
        self._lock = asyncio.Lock()

    @property
    def now(self) -> float:
        """Seconds since the run began."""
        return time.monotonic() - self._began

    def hurry(self) -> None:
        """The next round begins at once, or as soon as the one that goes on is over: that one may have asked already."""
        self._hurry.set()

    async def run(self) -> None:
        """Until cancelled. Raises BenchError where a fleet cannot work, NoRoomError where it only has no room."""
        while True:
            began = time.monotonic()
            self._hurry.clear()
            await self._whole(self.turn())
            rest = max(0.05, began + SECONDS - time.monotonic())
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(rest):  # and not wait_for, which loses a cancellation before Python 3.12
                    await self._hurry.wait()

    async def _whole(self, turn: Coroutine[None, None, Round]) -> None:
        """To its end, also when cancelled meanwhile: what a round saw of its workers is told."""
        going = asyncio.ensure_future(turn)
        try:
            await asyncio.shield(going)
        except asyncio.CancelledError:
            await going
            raise

    async def until(self, holds: Callable[[], bool], *, within: float) -> bool:
        """Whether that held after a round, at most so many seconds from now."""
        deadline = time.monotonic() + within
        while not holds():
            if time.monotonic() >= deadline:
                return False
            await self.next(deadline - time.monotonic() + 0.01)
        return True

    async def settle(self, fleets: Sequence[Fleet]) -> None:
        """They have become what is wanted, within the time that their limits give. Raises what `run` does where that takes
        longer."""
        self.hurry()
        within = max((fleet.limits.settle for fleet in fleets), default=0.0)
        if not await self.until(lambda: all(fleet.settled for fleet in fleets), within=within):
            raise _error([await fleet.late(within) for fleet in fleets if not fleet.settled])

    async def next(self, within: float) -> None:
        """A round has ended, or so many seconds are over."""
        async with self._turned:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(within):
                    await self._turned.wait()

    async def turn(self) -> Round:
        """One round."""
        async with self._lock:
            since = self._last - self._began
            answers = await self._ask()
            if troubles := [answered.trouble for answered in answers.values() if answered.trouble]:
                raise _error(troubles)
            shares = self._strain.look(host for answered in answers.values() for host in answered.hosts.values())
            doings = {name: _with_strain(answered, shares) for name, answered in answers.items()}
            acks = np.concatenate([nothing(ACKS), *(answered.acks for answered in answers.values())])
            round_ = self._close(since, doings, acks, self.accounts.settle())
        async with self._turned:
            self._turned.notify_all()
        return round_

    async def _ask(self) -> dict[str, Answered]:
        """All fleets at once: where one waits for its workers, the others do not. Each books what its own workers tell
        without giving way, and the accounts do not mind whose tallies come first."""
        async with asyncio.TaskGroup() as group:
            now = time.monotonic()
            asks = {name: group.create_task(self._ask_fleet(name, now)) for name in self.fleets}
        return {name: ask.result() for name, ask in asks.items()}

    async def _ask_fleet(self, name: str, now: float) -> Answered:
        """Noted at once: a round that is cancelled keeps what was answered by then."""
        answered = await self.fleets[name].round(self.accounts, now)
        self._note_written(self.fleets[name], answered.acks)
        self._note_workers(name, answered)
        self.told.take(answered.positions)
        return answered

    def finish(self) -> Round:
        """The last round: all that is left is judged."""
        return self._close(self._last - self._began, {}, nothing(ACKS), self.accounts.finish())

    def _close(self, since: float, doings: Mapping[str, Doing], acks: Table, settled: Window) -> Round:
        self._last, cpu = time.monotonic(), time.process_time() - self._cpu
        self._cpu += cpu
        until = self._last - self._began
        on = tuple(shade.fault for shade in self.shades if shade.until is None or shade.until >= since)
        unaudited = self.accounts.balance().total("unaudited")
        lag = {name: self.lag(name) for name, fleet in self.fleets.items() if _group(fleet)}
        lacked, self._shortage = self._shortage, self._shortage.after(doings, self._behind(lag, acks))
        round_ = self.last = Round(
            since, until, time.time_ns(), self.phase, doings, on, settled, acks, lag, unaudited, cpu,
            short=self._shortage.spoiled(lacked),
        )  # fmt: skip
        self._note_short(round_)
        for sink in self._sinks:
            sink(round_)
        return round_

    def _note_short(self, round_: Round) -> None:
        """Rounds in a row are one time."""
        if not round_.short:
            return
        since = round_.since
        if self.short and self.short[-1][0] == round_.short and self.short[-1][2] == since:
            since = self.short.pop()[1]
        self.short.append((round_.short, since, round_.until))

    def _behind(self, lag: Mapping[str, int], acks: Table) -> list[str]:
        """Fleets whose group lags by more than what was acknowledged in this round."""
        return [name for name, records in lag.items() if records > _acknowledged(acks, self.places(name))]

    def fresh(self, fleet: str) -> int:
        """Records that were acknowledged in the last round where that fleet reads."""
        return _acknowledged(self.last.acks, self.places(fleet))

    def _note_workers(self, fleet: str, answered: Answered) -> None:
        workers = answered.doing.workers
        self.losses[fleet] += answered.losses
        self.moved[fleet] += len(answered.moved)
        self.most[fleet] = max(self.most[fleet], workers)
        self.worked[fleet] += workers * (time.monotonic() - self._last)
        heard(self.nodes, answered.hosts, self._last - self._began, self.now)

    def _note_written(self, fleet: Fleet, acks: Table) -> None:
        if isinstance(fleet.spec, Producers):
            size = fleet.spec.size.mean
            for topic, count in acks[["topic", "count"]].tolist():
                self.written[topic] += round(count * size)

    def lag(self, fleet: str) -> int:
        """Records that this fleet's group is behind the first pass."""
        one = self.fleets[fleet]
        return self.told.lag(_group(one), self.places(fleet))

    def places(self, fleet: str) -> list[Place]:
        """The partitions that a fleet reads."""
        one = self.fleets[fleet]
        topics = getattr(one.spec, "of", ())
        known = one.target.topics
        return [(known[name].ordinal, number) for name in topics for number in range(known[name].partitions)]


def _error(troubles: Sequence[Trouble]) -> BenchError | NoRoomError:
    """What the bench does wrong is told before what it lacks."""
    first = min(troubles, key=lambda one: one.no_room)
    return NoRoomError(first.what) if first.no_room else BenchError(first.what)


def _with_strain(answered: Answered, shares: Mapping[str, float]) -> Doing:
    full = max((shares[host.node] for host in answered.hosts.values()), default=0.0)
    return replace(answered.doing, full=full)


def _acknowledged(acks: Table, places: Iterable[Place]) -> int:
    topics = {topic for topic, _ in places}
    return int(acks["count"][np.isin(acks["topic"], list(topics))].sum())


def _group(fleet: Fleet) -> str:
    return fleet.spec.group if isinstance(fleet.spec, Consumers | Transactors) else ""
