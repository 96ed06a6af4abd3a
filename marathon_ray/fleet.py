"""The workers of one field of a scenario: asked once a round, and replaced where they are lost."""

import asyncio
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import count
from typing import Final, NamedTuple

from actors.near import ZONE, Near
from actors.order import Answer, Ask, Host, Order
from actors.pace import SECOND, due
from actors.spec import Auditors, Consumers, Producers, Stand, Transactors, WorkerSpec
from actors.target import Target
from actors.traffic import EVERY
from marathon_ray.accounts import Accounts
from marathon_ray.gathering import Answered, Gathering, Loss, Trouble
from marathon_ray.offered import largest
from marathon_ray.places.place import Places, Reply
from marathon_ray.reconcile import Action, Bury, Close, GiveUp, Limits, Open, Overdue, Renew, Retire, Wanted, reconcile
from marathon_ray.round import Doing
from marathon_ray.seats import Seat, State, exchanged, noted, observe, reborn, spent
from marathon_ray.slices import aged, resumed

_PASSES: Final = ("first", "second")


class _Turn(NamedTuple):
    """One round: into which accounts, since when (monotonic seconds), and what has come of it by now; `moved` are workers
    that have left a node before it was taken away."""

    accounts: Accounts
    now: float
    gathering: Gathering
    losses: list[Loss]
    moved: list[str]


class Fleet:
    """`workers` share what `spec` asks for; its topics have the names that the target knows.

    Seats are called m-<run>-<name>-<number>, workers <name>-<number>. `limits` may be changed at any time.
    """

    def __init__(self, name: str, spec: WorkerSpec, *, workers: int, places: Places, target: Target, run: str) -> None:
        self.name, self.spec, self.target = name, spec, target
        self.limits = Limits()
        self.near: Near | None = None  # where zones are known; set before it starts
        self.carried: Counter[bool] = Counter()  # bytes to and from brokers, by whether these were in the worker's zone
        self._workers, self._places, self._prefix = workers, places, f"m-{run}-{name}"
        self._partitions = {topic: place.partitions for topic, place in target.topics.items()}
        self._revision = 1
        self.largest = largest(spec)  # of a record, in bytes, by all that it was asked for so far
        self._wanted = 0
        self._seats: dict[str, Seat] = {}
        self._numbers = count(1)
        self._failures: dict[int, tuple[int, str]] = {}  # how often a slice's workers failed in a row, and why the last
        self._lost = False  # one was lost or left its node, and they were not all at work since
        self._began: float | None = None  # when the first worker was told what to do
        self._looked = 0.0  # when the last round was

    # What is wanted

    def start(self) -> None:
        """From the next round on it works."""
        if not self.works:
            self._began = None
            self._failures.clear()
            self._wanted = self._workers

    def set(self, spec: WorkerSpec) -> None:
        """From the next round on it does this. Raises ValueError on a spec of another kind, or one by which auditors at work
        would have other partitions."""
        if type(spec) is not type(self.spec):
            raise ValueError(f"fleet {self.name} is one of {type(self.spec).__name__}, not of {type(spec).__name__}")
        if isinstance(spec, Auditors) and self.works and spec.zones != self.spec.zones:
            raise ValueError(
                f"fleet {self.name} has its partitions, and keeps them while it works: zones stay {self.spec.zones}"
            )
        self.spec, self.largest = spec, max(self.largest, largest(spec))
        self._revision += 1
        self._failures.clear()

    def scale(self, workers: int) -> None:
        """From the next round on so many share the work. Raises ValueError where there is nobody, or auditors are at it:
        who reads which partition is not changed under way."""
        if workers < 1:
            raise ValueError(f"fleet {self.name} cannot have {workers} workers: 1 or more")
        if isinstance(self.spec, Auditors) and self.works and workers != self._workers:
            raise ValueError(f"fleet {self.name} has {self._workers} auditors, and keeps them while it works")
        self._workers = workers
        self._revision += 1
        if self.works:
            self._wanted = workers

    def retire(self) -> None:
        """All workers come to their end in good order: `ended` once their last tallies were taken."""
        self._wanted = 0

    def close(self) -> None:
        """All seats are gone at once, whatever they did."""
        self.retire()
        for seat in tuple(self._seats.values()):
            self._close(seat)

    @property
    def works(self) -> bool:
        """Whether it was started and not retired since."""
        return self._wanted > 0

    @property
    def ended(self) -> bool:
        """Whether it does not work and has nothing more to say."""
        return not self.works and not self._seats

    @property
    def settled(self) -> bool:
        """Whether every wanted worker has answered to the newest spec, and nobody else works."""
        working = sum(one.order is not None for one in self._seats.values())
        return self.works and self._able == working == self._wanted

    @property
    def _able(self) -> int:
        """How many do what is asked now."""
        return sum(
            one.state is State.ALIVE and one.revision == self._revision and one.order is not None and not one.leaves
            for one in self._seats.values()
        )

    # A round

    async def round(self, accounts: Accounts, now: float) -> Answered:
        """Ask all, book what they tell, replace whom is lost, move whose node will be taken away; `now` is monotonic, in
        seconds. Who shall leave is told so in the same round, and so is who follows; they are waited for as long as it
        lasts: all asks of a round have one limit."""
        turn = _Turn(accounts, now, Gathering(), [], [])
        ask = self._ask(tuple(self._seats.values()), turn, within=self.limits.within)
        notices, _ = await asyncio.gather(self._places.notices(), ask)
        self._note(notices, now)
        trouble = await self._act(turn)
        if leaving := [seat for seat in self._seats.values() if seat.leaves and seat.state is State.ALIVE]:
            await self._ask(leaving, turn, within=self._left(now))
            trouble = await self._act(turn)
        idle, held = [seat for seat in self._seats.values() if not seat.order], self._held
        fresh = [seat for seat in idle if seat.state is State.ALIVE and seat.index not in held]
        await self._ask(fresh, turn, within=self._left(now), begin=True)
        await self._ask([seat for seat in self._seats.values() if seat.opened == now], turn, within=0)
        return self._answered(turn, trouble)

    def _left(self, began: float) -> float:
        """Seconds of a round that began then."""
        return max(0.0, began + self.limits.within - time.monotonic())

    @property
    def _held(self) -> frozenset[int]:
        """Slices at which somebody works, so that nobody else may begin."""
        return frozenset(seat.index for seat in self._seats.values() if seat.order)

    def _note(self, notices: Mapping[str, float], now: float) -> None:
        """What is said of nodes; and one that is not born yet is missed only from when nobody does its work."""
        held = self._held
        for name, seat in self._seats.items():
            early = seat.state is State.OPENING and seat.index in held
            self._seats[name] = replace(seat, since=now) if early else noted(seat, notices)

    async def _ask(self, seats: Sequence[Seat], turn: _Turn, *, within: float, begin: bool = False) -> None:
        """Those that have no worker get one only where they are to `begin`; who has to wait for it shall be ready."""
        held = self._held
        asks = {
            seat.name: self._asked(seat, turn)
            if begin or seat.order
            else Ask(seat.incarnation, ready=seat.index in held)
            for seat in seats
        }
        replies = await self._places.ask(asks, within=within) if asks else {}
        for name, reply in replies.items():
            if seat := self._seats.get(name):  # not closed meanwhile
                self._book(seat, reply, turn)
                self._seats[name] = observe(seat, reply, turn.now)

    def _asked(self, seat: Seat, turn: _Turn) -> Ask:
        if not seat.incarnation:  # one that is not known yet is told nothing: its worker would have no certain life
            return Ask()
        seat = self._ordered(seat, turn)
        self._seats[seat.name] = seat
        order = seat.order
        confirmed = turn.accounts.version(order.worker) if order else 0
        return Ask(seat.incarnation, None if _knows(seat, order) else order, confirmed)

    def _ordered(self, seat: Seat, turn: _Turn) -> Seat:
        order = seat.order
        if seat.leaves or seat.index >= self._wanted:
            return replace(seat, order=replace(order, stop=True) if order else None)
        if order and order.revision == self._revision:
            return seat
        told = seat.told if order else turn.now
        self._began = told if self._began is None else self._began
        spec = aged(self.spec.slice(seat.index, self._wanted, self._partitions, self._near), told - self._began)
        if not order:  # the first one, too: what went from a log before it came to read is missed by it
            spec = resumed(spec, lambda topic, partition: self._stands(turn.accounts, topic, partition))
        life = f".{seat.lives}" if seat.lives > 1 else ""
        worker = f"{self.name}{seat.name.removeprefix(self._prefix)}{life}"
        return replace(seat, order=Order(worker, self._target(seat), self._revision, spec), told=told)

    @property
    def _near(self) -> Near | None:
        return self.near if self.spec.zones == "prefer" else None

    def _target(self, seat: Seat) -> Target:
        """Where zones are known, clients tell with whom they exchange how much. A member of a group may read from the replica
        that is nearest; an auditor must not, since a follower knows less."""
        zone = seat.host.labels.get(ZONE, "") if seat.host else ""
        if not (self.near and zone):
            return self.target
        target = replace(self.target, properties={EVERY[0]: EVERY[1], **self.target.properties})
        if not (self._near and isinstance(self.spec, Consumers | Transactors)):
            return target
        return replace(target, properties={"client.rack": zone, **target.properties})

    def _stands(self, accounts: Accounts, topic: str, partition: int) -> tuple[Stand, Stand]:
        ordinal = self.target.topics[topic].ordinal
        first, second = (accounts.stand(reading, ordinal, partition) for reading in _PASSES)
        return first, second

    def _book(self, seat: Seat, reply: Reply, turn: _Turn) -> None:
        if isinstance(reply, Answer):
            turn.gathering.cpu += spent(seat, reply.host)
            self._carry(seat, reply.host)
        if isinstance(reply, Answer) and reply.tally and reply.incarnation == seat.incarnation:
            turn.gathering.add(reply.tally.after(turn.accounts.version(reply.tally.worker)))
            turn.accounts.take(reply.tally)

    def _carry(self, seat: Seat, host: Host) -> None:
        zone, racks = host.labels.get(ZONE), self.near.racks if self.near else {}
        for broker, moved in exchanged(seat, host).items():
            if zone and broker in racks:
                self.carried[racks[broker] == zone] += moved

    async def _act(self, turn: _Turn) -> Trouble | None:
        """Do what is decided; returns why that leads nowhere, if it does."""
        wanted = Wanted(self._wanted, {index: often for index, (often, _) in self._failures.items()})
        actions = reconcile(wanted, tuple(self._seats.values()), turn.now, self.limits)
        for action in actions:
            self._do(action, turn)
        if failed := [self._failures[one.index][1] for one in actions if isinstance(one, GiveUp)]:
            many = f"{len(failed)} of its {self._wanted}"
            return Trouble(f"fleet {self.name}: {many} workers fail again and again: {failed[0]}")
        if late := sum(isinstance(one, Overdue) for one in actions):
            return await self._missing(late, "", f" within {self.limits.start:g} s")
        return None

    async def late(self, within: float) -> Trouble:
        """That it does not do what is asked within so many seconds, and who does not."""
        what = f" did not come to work within {within:g} s"
        seats = self._seats.values()
        if unborn := sum(seat.state is State.OPENING and seat.index < self._wanted for seat in seats):
            return await self._missing(unborn, what)
        does, ends = f"{self._able} of its {self._wanted} workers do what is asked", sum(seat.leaves for seat in seats)
        return Trouble(f"fleet {self.name}{what}: {does}{f', and {ends} have not come to their end' if ends else ''}")

    async def _missing(self, seats: int, late: str, within: str = "") -> Trouble:
        there = await self._places.room()
        missing = f"{seats} of its {self._wanted} workers have not come to life"
        return Trouble(f"fleet {self.name}{late}: {missing}{within}: {there.words}", no_room=not there.free)

    def _do(self, action: Action, turn: _Turn) -> None:
        match action:
            case Open(index):
                name = f"{self._prefix}-{next(self._numbers)}"
                self._seats[name] = Seat(name, index, opened=turn.now, since=turn.now)
                self._places.open(name, self._near.zone(index) if self._near else "")
            case Bury(seat, failures):
                self._bury(seat, turn)
                self._failures[seat.index] = failures, seat.why
                self._close(seat)
            case Renew(seat):
                self._bury(seat, turn)
                self._seats[seat.name] = reborn(seat, turn.now)
            case Retire(seat) if seat.order:
                self._lost = True
                self._seats[seat.name] = replace(seat, order=replace(seat.order, stop=True))
            case Close(seat):
                if seat.order and seat.notice is not None and seat.index < self._wanted:
                    turn.moved.append(seat.order.worker)
                self._close(seat)

    def _bury(self, seat: Seat, turn: _Turn) -> None:
        if seat.order:
            self._lost = self._lost or not seat.leaves
            why = seat.why or f"it has not answered for {turn.now - seat.since:.1f} s"
            tail = turn.accounts.bury(seat.order.worker, at=time.time_ns())
            announced = seat.preempted or seat.notice is not None
            turn.losses.append(Loss(seat.name, seat.order.worker, why, announced, tail))

    def _close(self, seat: Seat) -> None:
        self._places.close(seat.name)
        del self._seats[seat.name]

    def _answered(self, turn: _Turn, trouble: Trouble | None) -> Answered:
        live = [seat for seat in self._seats.values() if seat.state is State.ALIVE]
        lost, self._lost = self._lost, self._lost and self.works and not self.settled
        gathering = turn.gathering
        doing = Doing(
            workers=sum(seat.order is not None for seat in live),
            wanted=self._wanted,
            offered=self._due(turn.now),
            counts=dict(gathering.counts),
            latencies=gathering.latencies(),
            busiest=max((seat.busy for seat in live), default=0.0),
            silent=any(one.state is State.SILENT and one.order and not one.leaves for one in self._seats.values()),
            lost=lost,
            cpu=gathering.cpu,
        )
        self._looked = turn.now
        hosts = {seat.name: seat.host for seat in live if seat.host}
        positions, losses, moved = tuple(gathering.positions), tuple(turn.losses), tuple(turn.moved)
        return Answered(doing, gathering.acks(), positions, losses, moved, hosts, trouble)

    def _due(self, now: float) -> int:
        """Records that the schedule asked for since the last round; -1 where there is none."""
        curve = self.spec.schedule() if isinstance(self.spec, Producers) else ()
        if not curve:
            return -1
        if not self.works or self._began is None:
            return 0
        since, until = (due(curve, round((at - self._began) * SECOND)) for at in (self._looked, now))
        return int(until) - int(since)


def _knows(seat: Seat, order: Order | None) -> bool:
    """Whether the seat's present life has answered to that order: an ask is as small as it can be."""
    return order is not None and seat.revision == order.revision and not order.stop
