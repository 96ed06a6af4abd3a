"""What a scenario's phases may do. Every call may be cancelled, and leaves nothing on that it has switched on."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final

from actors.spec import Consumers, Transactors
from actors.units import duration_text, parse_duration
from marathon_ray.blocking import blocking
from marathon_ray.conditions import Condition
from marathon_ray.faults.fault import Eyes, Fault
from marathon_ray.faults.injection import Injections
from marathon_ray.fleet import Fleet
from marathon_ray.promises.promise import Verdict
from marathon_ray.rounds import BenchError, Rounds
from marathon_ray.usage import UsageError, nearest

_LOOK_SECONDS: Final = 0.5
_AT_MOST: Final = "10 min"
Over = Callable[[], None]
Noting = Callable[[str], Over]  # of a moment; what is returned makes a span of it, which is over then


class OverdueError(Exception):
    """What was waited for did not come to hold in time; the verdict says so."""


class Toolkit:
    """The hands of a scenario while its run goes on. Fields are named as the scenario names them."""

    def __init__(
        self,
        rounds: Rounds,
        injections: Injections,
        *,
        eyes: Eyes,
        ordinals: Mapping[str, int],
        seed: int,
        note: Noting,
    ) -> None:
        self._rounds, self._injections, self._eyes, self._ordinals = rounds, injections, eyes, ordinals
        self.random = random.Random(seed)  # noqa: S311 - to be drawn again by the same seed is what it is for
        self.note = note
        self.waits: list[Verdict] = []

    # What goes on

    async def brokers(self) -> tuple[int, ...]:
        """The ids of those that live, ascending."""
        return await blocking(self._eyes.brokers)

    async def steady(self, duration: str | float) -> None:
        """So long all goes on as it does."""
        await asyncio.sleep(parse_duration(duration))

    async def until(self, condition: Condition | Callable[["Toolkit"], bool], *, within: str | float) -> None:
        """Wait until that holds. It is a promise, too: one that is not kept in time ends the scenario (OverdueError)."""
        seconds, began = parse_duration(within), time.monotonic()
        holds = condition.holds if isinstance(condition, Condition) else condition
        name = getattr(condition, "name", getattr(condition, "__name__", "the condition"))
        try:
            async with asyncio.timeout(seconds):
                while not await blocking(holds, self):  # the cluster calls nobody when it has changed
                    await self._rounds.next(_LOOK_SECONDS)
        except TimeoutError:
            self.waits.append(_wait(name, seconds, None))
            raise OverdueError(name) from None
        self.waits.append(_wait(name, seconds, time.monotonic() - began))

    # What fleets do

    async def start(self, fleet: str) -> None:
        """That fleet, which starts later, works."""
        self._fleet(fleet).start()
        await self._settle(fleet)

    async def stop(self, fleet: str) -> None:
        """That fleet has ended in good order."""
        one = self._fleet(fleet)
        one.retire()
        self._rounds.hurry()
        if not await self._rounds.until(lambda: one.ended, within=one.limits.retire):
            raise BenchError(f"fleet {fleet} did not end within {one.limits.retire:g} s")

    async def scale(self, fleet: str, workers: int) -> None:
        """So many workers share what the fleet is asked to do. Those that work take their new parts within a second; who is
        new comes to life first, and who leaves reports all that it has sent."""
        self._fleet(fleet).scale(workers)
        await self._settle(fleet)

    async def apply(self, fleet: str, **changes: Any) -> None:  # noqa: ANN401 - the fields of its spec
        """The fleet's spec has these fields changed, within a second for all its workers, and what was due before stays due.
        Raises ValueError (of pydantic) on a value that the field refuses, BenchError where a worker does not do it in time."""
        one = self._fleet(fleet)
        spec = type(one.spec).model_validate({**one.spec.model_dump(), **changes})
        one.set(spec)
        await self._settle(fleet)

    async def _settle(self, fleet: str) -> None:
        if self._fleet(fleet).works:  # else it will do so once it is started
            await self._rounds.settle([self._fleet(fleet)])

    def _fleet(self, name: str) -> Fleet:
        return self._rounds.fleets[_known("fleet", name, self._rounds.fleets)]

    # What breaks

    @asynccontextmanager
    async def fault(self, fault: Fault, *, at_most: str | float = _AT_MOST) -> AsyncIterator[tuple[int, ...]]:
        """The fault is on within the block, on the nodes that it yields, and healed on every way out. Raises UsageError on
        one that the scenario does not say it suffers."""
        thing = await self._injections.inject(fault, draw=self.random.getrandbits(32), at_most=parse_duration(at_most))
        try:
            yield thing.nodes
        finally:
            await self._injections.heal(thing)

    # What is written down

    @contextmanager
    def span(self, name: str) -> Iterator[None]:
        """What happens within is told under that name, and how long it took."""
        over = self.note(name)
        try:
            yield
        finally:
            over()

    # What conditions look at

    @property
    def eyes(self) -> Eyes:
        """The cluster, as it says that it is."""
        return self._eyes

    def lag(self, fleet: str) -> int | None:
        """Records that the fleet's group is behind; None where it has not read anything yet. Raises UsageError on a fleet
        without a group."""
        if not isinstance(spec := self._fleet(fleet).spec, Consumers | Transactors):
            raise UsageError(f"fleet {fleet}: these are {type(spec).__name__}, which have no group that could lag")
        return self._rounds.lag(fleet)

    def fresh(self, fleet: str) -> int:
        """Records that were acknowledged in the last round where that fleet reads."""
        return self._rounds.fresh(fleet)

    def written(self, topic: str) -> int:
        """Bytes of values acknowledged in the topic so far."""
        return self._rounds.written[self._ordinals[_known("topic", topic, self._ordinals)]]


def _known(what: str, name: str, known: Iterable[str]) -> str:
    """The name, which is one of those."""
    if name not in (there := list(known)):
        raise UsageError(f"{what} {name} is not declared; {nearest(name, there)}")
    return name


def _wait(name: str, limit: float, took: float | None) -> Verdict:
    """`took` is None where it did not come to hold."""
    return Verdict(
        promise=f"until({name})",
        demanded=f"{name} within {duration_text(limit)}",
        found="not in that time" if took is None else f"after {took:.1f} s",
        state="failed" if took is None else "passed",
        figures={} if took is None else {"seconds": took},
        promised=duration_text(limit),
    )
