"""Fleets that are taken round by hand, into accounts of their own; and places whose seats are lost on demand."""

import asyncio
import secrets
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from actors.near import ZONE
from actors.order import Ask, Host
from actors.shell import Shell
from actors.spec import Auditors, Producers, WorkerSpec
from actors.target import Target, TopicPlace
from marathon_ray.accounts import Accounts
from marathon_ray.balance import Balance
from marathon_ray.finding import Finding, Tail
from marathon_ray.fleet import Fleet
from marathon_ray.gathering import Answered, Loss
from marathon_ray.places.in_process import InProcess
from marathon_ray.places.place import Broken, Places, Reply, Silent, Vacancy
from marathon_ray.standing import standing
from marathon_ray.terms import GroupTerms, TopicTerms
from marathon_ray.told import Told
from tests.rig import Rig

_SECONDS: Final = 60.0


class Perilous:
    """Places in this process, each seat on a node of its own of that name. What is done to one shows at the next ask."""

    def __init__(self) -> None:
        self.here = InProcess()
        self.opened: list[str] = []
        self.zone: dict[str, str] = {}  # that each was asked for in
        self.elsewhere = ""  # the zone of those that were asked for in none
        self.closed: list[str] = []
        self.asked: dict[str, Ask] = {}  # the newest of each seat
        self._deaf: set[str] = set()
        self._broken: dict[str, Broken] = {}
        self.noticed: dict[str, float] = {}
        self.unborn = False  # from now on no seat comes to life
        self.room_left = False  # as they say, whether or not a seat comes to life
        self.forgets = False  # from now on workers are not told that anything arrived, so that they tell all again

    async def zones(self) -> frozenset[str]:
        return frozenset({self.elsewhere} - {""})

    def open(self, seat: str, zone: str = "") -> None:
        self.opened.append(seat)
        self.zone[seat] = zone
        self.here.open(seat)
        self._is(seat, Shell(Host(node=seat, labels={ZONE: zone or self.elsewhere})))
        if self.unborn:
            self._deaf.add(seat)

    async def ask(self, asks: Mapping[str, Ask], *, within: float) -> Mapping[str, Reply]:
        self.asked |= asks
        if self.forgets:
            asks = {seat: replace(ask, confirmed=0) for seat, ask in asks.items()}
        able = {seat: ask for seat, ask in asks.items() if seat not in self._deaf | set(self._broken)}
        answers = await self.here.ask(able, within=within) if able else {}
        return {seat: answers.get(seat) or self._broken.get(seat) or Silent() for seat in asks}

    async def notices(self) -> Mapping[str, float]:
        return self.noticed

    async def room(self) -> Vacancy:
        return Vacancy(self.room_left, "there is room" if self.room_left else "there is no room")

    def close(self, seat: str) -> None:
        self.closed.append(seat)
        self.here.close(seat)

    async def shut(self) -> None:
        await self.here.shut()

    def breaks(self, seat: str, *, preempted: bool = False) -> None:
        """Its life ends without a word."""
        self.shell(seat).dismiss()
        self._broken[seat] = Broken("it was killed", preempted)

    def mutes(self, seat: str) -> None:
        """It works on and does not answer any more."""
        self._deaf.add(seat)

    def notifies(self, seat: str, *, within: float = 60.0) -> None:
        """Its node will be taken away so many seconds from now."""
        self.noticed[seat] = time.monotonic() + within

    def restarts(self, seat: str) -> None:
        """Its life ends without a word, and it lives again."""
        self.shell(seat).dismiss()
        self._is(seat, Shell(Host(node=f"{seat} again")))

    def _is(self, seat: str, shell: Shell) -> None:
        self.here._seats[seat] = self.here._seats[seat]._replace(shell=shell)

    def shell(self, seat: str) -> Shell:
        return self.here._seats[seat].shell


class Crew:
    """A target, its accounts, and fleets: `turn` is one round of all of them."""

    def __init__(self, properties: Mapping[str, str], partitions: Mapping[str, int], places: Places, **groups: Any):
        topics = {name: TopicPlace(ordinal, count) for ordinal, (name, count) in enumerate(partitions.items(), 1)}
        self.target = Target(secrets.randbits(32), properties, topics)
        terms = {one.ordinal: TopicTerms(topic_id=name, partitions=one.partitions) for name, one in topics.items()}
        self.accounts = Accounts(terms, groups={name: GroupTerms(**options) for name, options in groups.items()})
        self.places, self.partitions = places, partitions
        self.fleets: dict[str, Fleet] = {}
        self.run = "b-r"
        self.told = Told()
        self.counts: Counter[str] = Counter()
        self.acknowledged = 0  # by the rows of ACKS
        self.losses: list[Loss] = []
        self.moved: list[str] = []
        self.findings: list[Finding] = []
        self.newest: dict[str, Answered] = {}

    def add(self, name: str, spec: WorkerSpec, workers: int = 1, *, start: bool = True) -> Fleet:
        fleet = Fleet(name, spec, workers=workers, places=self.places, target=self.target, run=self.run)
        self.fleets[name] = fleet
        if start:
            fleet.start()
        return fleet

    def writers(self, workers: int = 1, rate: str = "4000 records/s", **options: Any) -> Fleet:
        spec = Producers(to=tuple(self.partitions), rate=rate, size="100 B", **options)
        return self.add("writers", spec, workers)

    def auditors(self, workers: int = 1) -> Fleet:
        return self.add("auditors", Auditors(of=tuple(self.partitions), trailing=0), workers)

    def turn(self) -> None:
        asyncio.run(self._turn())

    async def _turn(self) -> None:
        for name, fleet in self.fleets.items():
            self.newest[name] = answered = await fleet.round(self.accounts, time.monotonic())
            self.counts.update(answered.doing.counts)
            self.told.take(answered.positions)
            self.losses += answered.losses
            self.moved += answered.moved
            self.acknowledged += int(answered.acks["count"].sum())
        window = self.accounts.settle()
        self.findings = standing([*self.findings, *window.findings], window.withdrawn)

    def until(self, holds: Callable[[], bool], *, within: float = _SECONDS) -> None:
        """Turn until that holds."""
        deadline = time.monotonic() + within
        while not holds():
            assert time.monotonic() < deadline, f"not within {within} s: {self.counts}, {self.newest}"
            time.sleep(0.02)
            self.turn()

    def settle(self) -> None:
        """Every fleet that works has become what is wanted."""
        self.until(lambda: all(fleet.settled for fleet in self.fleets.values() if fleet.works))

    def write(self, records: int) -> None:
        """So many records more are acknowledged."""
        goal = self.counts["acknowledged"] + records
        self.until(lambda: self.counts["acknowledged"] >= goal)

    def finish(self) -> Balance:
        """The writers have ended, the auditors have read all, everything is judged."""
        for fleet in self.fleets.values():
            if not isinstance(fleet.spec, Auditors):
                fleet.retire()
        self.until(lambda: all(one.ended for one in self.fleets.values() if not isinstance(one.spec, Auditors)))
        self.accounts.begin_drain()
        self.told.begin_drain()
        for fleet in self.fleets.values():
            if fleet.works:
                fleet.set(fleet.spec)
        rig = Rig(self.target.properties, self.partitions)
        ends = {(self.target.topics[name].ordinal, number): end for (name, number), end in rig.ends().items()}
        self.until(lambda: self.told.drained(ends))
        for fleet in self.fleets.values():
            fleet.retire()
        self.until(lambda: all(fleet.ended for fleet in self.fleets.values()))
        window = self.accounts.finish()
        self.findings = standing([*self.findings, *window.findings], window.withdrawn)
        return self.accounts.balance()

    def tails(self) -> list[Tail]:
        return [loss.tail for loss in self.losses]

    def close(self) -> None:
        for fleet in self.fleets.values():
            fleet.close()
