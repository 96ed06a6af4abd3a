"""What a thousand workers cost the driver: python -m benchmarks.thousand --workers 1000 --seconds 30.

The driver's half is all real: fleets, rounds, accounts, promises, and a call over Ray for each worker and round. The
workers are stubs, some dozens to a process, with tallies as full as real ones; no Kafka is needed.
"""

import argparse
import asyncio
import datetime as dt
import os
import secrets
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from typing import Any, Final, Self

from actors.spec import Auditors, Producers, WorkerSpec
from actors.target import Target, TopicPlace
from actors.units import Rate
from benchmarks.crowds import InCrowds
from benchmarks.stubs import FOLDER, ends
from benchmarks.thousand_result import ANSWERS, COUNTS, PARTS, THOUSAND, ThousandResult
from marathon_ray.accounts import Accounts
from marathon_ray.balance import Balance
from marathon_ray.finding import Finding, FindingKind
from marathon_ray.fleet import Fleet
from marathon_ray.gathering import Loss
from marathon_ray.kafka.topics import Topic
from marathon_ray.places.on_ray import connect, disconnect
from marathon_ray.promises.generator import GeneratorHonest
from marathon_ray.promises.integrity import Integrity
from marathon_ray.promises.promise import Declared, Promise
from marathon_ray.promises.rate import KeepsRate
from marathon_ray.promises.recovery import WritableAgain
from marathon_ray.report.series import Series
from marathon_ray.round import Phase, Round
from marathon_ray.rounds import Rounds
from marathon_ray.standing import standing
from marathon_ray.terms import TopicTerms

_TOPIC: Final = "orders"
_SECONDS: Final = 300.0  # whatever is waited for
_WARM, _THAWED = 5, 3  # rounds


@dataclass(frozen=True, slots=True)
class Load:
    """One worker in ten is an auditor. Each producer writes `rate` records a second to some partitions, each of which four
    write; the second pass is `trailing` seconds behind. A round begins `every` so many seconds."""

    workers: int = 1000
    partitions: int = 1000
    crowds: int = 16
    rate: int = 10_000
    trailing: float = 10.0
    every: float = 1.0

    @property
    def specs(self) -> dict[str, WorkerSpec]:
        """By the fleet's name; a tenth are auditors."""
        auditors = max(1, self.workers // 10)
        producers = self.workers - auditors
        rate = Rate.parse(f"{self.rate * producers} records/s")
        return {
            "writers": Producers(to=_TOPIC, rate=rate, size=100, workers=producers),
            "auditors": Auditors(of=_TOPIC, trailing=self.trailing, workers=auditors),
        }


@dataclass(slots=True)
class Meter:
    """Milliseconds of each round: `wall` and `driver` (CPU of the whole process), and CPU of the loop's thread by part;
    and who answered."""

    rounds: list[dict[str, float]] = field(default_factory=list)
    _now: dict[str, float] = field(default_factory=dict)

    def wrap(self, owner: Any, name: str, part: str) -> None:  # noqa: ANN401 - whatever has a method
        """That method's time counts as that part's."""
        method: Callable[..., Any] = getattr(owner, name)

        def measured(*given: Any, **named: Any) -> Any:  # noqa: ANN401
            begin = time.thread_time()
            try:
                return method(*given, **named)
            finally:
                self.add(part, time.thread_time() - begin)

        setattr(owner, name, measured)

    def add(self, part: str, seconds: float) -> None:
        """So much more in this round."""
        self.note(part, self._now.get(part, 0.0) + 1e3 * seconds)

    def note(self, part: str, value: float) -> None:
        """It is that in this round."""
        self._now[part] = value

    @contextmanager
    def round(self) -> Iterator[None]:
        """All of it is one."""
        self._now = {}
        wall, cpu, loop = time.monotonic(), time.process_time(), time.thread_time()
        yield
        self.add("wall", time.monotonic() - wall)
        self.add("driver", time.process_time() - cpu)
        self.add("loop", time.thread_time() - loop)
        self.rounds.append(self._now)

    def columns(self) -> dict[str, list[float]]:
        """By part, one a round; from here on all is new."""
        done, self.rounds = self.rounds, []
        return {part: [round(one.get(part, 0.0), 1) for one in done] for part in (*PARTS, ANSWERS)}


class Thousand:
    """A context: the workers are there, and nobody has been told anything."""

    def __init__(self, load: Load) -> None:
        self.load, self.meter = load, Meter()
        self._logs = tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None)  # noqa: PTH112
        self.findings: list[Finding] = []
        self.written = 0  # records in the logs, by the end
        target = Target(secrets.randbits(32), {FOLDER: self._logs.name}, {_TOPIC: TopicPlace(1, load.partitions)})
        self.accounts = Accounts({1: TopicTerms(topic_id=_TOPIC, partitions=load.partitions)})
        self.places = InCrowds(load.crowds)
        fleets = {
            name: Fleet(name, spec, workers=spec.workers or 1, places=self.places, target=target, run="bench")
            for name, spec in load.specs.items()
        }
        for fleet in fleets.values():
            fleet.limits = replace(fleet.limits, young=fleet.limits.silent)  # a stub loads no compiled code
        self.rounds = Rounds(fleets, self.accounts, (self._fold,), began=time.monotonic())
        self.rounds.phase = Phase.WORKLOAD
        self._promises: list[Promise] = [
            Integrity(_TOPIC), KeepsRate("writers", at_least="95 %"), WritableAgain(_TOPIC, within="60 s"), GeneratorHonest(),
        ]  # fmt: skip
        declared = Declared({_TOPIC: Topic(partitions=load.partitions)}, load.specs)
        self._states = [one.begin(declared, {_TOPIC: 1}) for one in self._promises]
        self.series = Series()
        for owner, name, part in (
            (self.accounts, "take", "take"), (self.accounts, "settle", "settle"), (self.accounts, "balance", "balance"),
            (self, "_sink", "sinks"),
        ):  # fmt: skip
            self.meter.wrap(owner, name, part)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for fleet in self.rounds.fleets.values():
            fleet.close()
        await self.places.shut()
        self._logs.cleanup()

    def _fold(self, round_: Round) -> None:
        self._sink(round_)

    def _sink(self, round_: Round) -> None:
        self.meter.note(ANSWERS, sum(doing.workers for doing in round_.fleets.values()))
        self.findings = standing([*self.findings, *round_.settled.findings], round_.settled.withdrawn)
        self._states = [one.step(state, round_) for one, state in zip(self._promises, self._states, strict=True)]
        self.series.add(round_)

    async def until(self, holds: Callable[[], bool], what: str) -> None:
        """Rounds until that holds. Raises TimeoutError."""
        deadline = time.monotonic() + _SECONDS
        while not holds():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{what} took more than {_SECONDS:g} s")
            await self.turn()

    async def turn(self, count: int = 1) -> None:
        """So many rounds, each with the rest of its time."""
        for _ in range(count):
            begin = time.monotonic()
            with self.meter.round():
                await self.rounds.turn()
            await asyncio.sleep(max(0.0, begin + self.load.every - time.monotonic()))

    async def start(self) -> None:
        """All work."""
        for fleet in self.rounds.fleets.values():
            fleet.start()
        await self.until(lambda: self.settled, "the start")

    @property
    def settled(self) -> bool:
        """Whether all that are wanted work."""
        return all(fleet.settled for fleet in self.rounds.fleets.values())

    @property
    def losses(self) -> list[Loss]:
        """Workers that were buried."""
        return [loss for some in self.rounds.losses.values() for loss in some]

    def replaced(self, seats: list[str]) -> bool:
        """Whether these were buried, and all work again."""
        return {loss.seat for loss in self.losses} >= set(seats) and self.settled

    async def finish(self) -> Balance:
        """The producers have ended, both passes have read all, everything is judged."""
        writers, auditors = self.rounds.fleets["writers"], self.rounds.fleets["auditors"]
        writers.retire()
        await self.until(lambda: writers.ended, "the producers' end")
        self.accounts.begin_drain()
        self.rounds.told.begin_drain()
        auditors.set(auditors.spec.model_copy(update={"trailing": 0.0}))
        found = ends(self._logs.name, _TOPIC, self.load.partitions)
        self.written, places = sum(found), {(1, partition): end for partition, end in enumerate(found)}
        await self.until(lambda: self.rounds.told.drained(places), "the drain")
        auditors.retire()
        await self.until(lambda: auditors.ended, "the auditors' end")
        self.rounds.finish()
        return self.accounts.balance()


async def measure(load: Load, *, seconds: int, frozen: int) -> ThousandResult:
    """Rounds undisturbed, then with so many crowds frozen until their workers are replaced, then to the end."""
    async with Thousand(load) as bench:
        await bench.start()
        await bench.turn(round(load.trailing) + _WARM)
        bench.meter.columns()
        cpu, wall = time.process_time(), time.monotonic()
        await bench.turn(seconds)
        cores = (time.process_time() - cpu) / (time.monotonic() - wall)
        rounds = bench.meter.columns()
        silenced = bench.places.freeze(frozen)
        await bench.until(lambda: bench.replaced(silenced), "the loss of those that are frozen")
        disturbed = bench.meter.columns()
        bench.places.thaw()
        await bench.turn(_THAWED)
        balance = await bench.finish()
        return ThousandResult(
            about=about(), workers=load.workers, processes=load.crowds, partitions=load.partitions,
            trailing=load.trailing, cores=cores, rounds=rounds, frozen=disturbed, silenced=len(silenced),
            buried=len(bench.losses), counts={name: balance.total(name) for name in COUNTS}, written=bench.written,
            tails=sum(loss.tail.pending for loss in bench.losses),
            findings=sum(one.kind is not FindingKind.UNOWNED for one in bench.findings) + len(balance.faults()),
        )  # fmt: skip


def about() -> dict[str, str]:
    """When and where."""
    when = dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M UTC")
    load = os.getloadavg()[0]
    return {"date": when, "machine": f"{os.cpu_count()} cores, load average {load:.1f}, Ray {version('ray')}"}


def main() -> None:
    """Print and save what a round takes, undisturbed and with one crowd frozen, and whether every record was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=1000)
    parser.add_argument("--partitions", type=int, default=1000)
    parser.add_argument("--crowds", type=int, default=16, help="processes that share the workers")
    parser.add_argument("--trailing", type=float, default=10.0, help="seconds by which the second pass follows")
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--frozen", type=int, default=1, help="crowds")
    given = parser.parse_args()
    load = Load(given.workers, given.partitions, given.crowds, trailing=given.trailing)
    connect(seats=given.crowds)
    try:
        result = asyncio.run(measure(load, seconds=given.seconds, frozen=given.frozen))
    finally:
        disconnect()
    print("\n".join(result.lines()))
    result.save(THOUSAND)
    raise SystemExit(not result.exact)


if __name__ == "__main__":
    main()
