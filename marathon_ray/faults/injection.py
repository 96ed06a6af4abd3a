"""Faults that are on: written down before they are, healed on every way out, and seen to be healed."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from marathon_ray.blocking import blocking
from marathon_ray.faults.fault import Eyes, Fault
from marathon_ray.journal import Journal, Thing
from marathon_ray.kafka.cluster import Cluster, KafkaError
from marathon_ray.promises.promise import Shade
from marathon_ray.usage import UsageError

_HEALED_SECONDS: Final = 120.0
_LOOK_SECONDS: Final = 0.2


@dataclass(frozen=True, slots=True, eq=False)
class Injection:
    """A fault that is on."""

    thing: Thing
    fault: Fault
    nodes: tuple[int, ...]
    shade: Shade


class Injections:
    """All faults of a run, of those kinds that it `suffers`. `shades` is the list that the rounds look at."""

    def __init__(
        self,
        cluster: Cluster,
        eyes: Eyes,
        journal: Journal,
        shades: list[Shade],
        now: Callable[[], float],
        *,
        suffers: tuple[type[Fault], ...],
    ) -> None:
        self._suffers = suffers
        self._cluster, self._eyes, self._journal, self._now = cluster, eyes, journal, now
        self._shades = shades
        self._on: list[Injection] = []

    async def inject(self, fault: Fault, *, draw: int, at_most: float) -> Injection:
        """The fault is on. Cut short, it is on the list all the same, and `heal_all` sees to it.

        Raises UsageError on one of another kind: whether the cluster can suffer it was not asked."""
        if not isinstance(fault, self._suffers):
            kinds = ", ".join(kind.__name__ for kind in self._suffers) or "none"
            raise UsageError(f"fault {fault}: the scenario suffers {kinds}: name {type(fault).__name__} in suffers")
        nodes = await blocking(fault.whom.nodes, self._eyes, draw)
        thing = Thing("fault", f"{len(self._shades)} {fault} on {list(nodes)}")
        self._journal.intend(thing, fault=type(fault).__name__, nodes=nodes, at_most=at_most)
        shade = Shade(str(fault), nodes, self._now(), time.time_ns())
        one = Injection(thing, fault, nodes, shade)
        self._on.append(one)
        self._shades.append(shade)
        try:
            await blocking(fault.inject, self._cluster, nodes, at_most=at_most)
        except BaseException:
            await self.heal(one)
            raise
        return one

    async def heal(self, one: Injection) -> None:
        """Nothing is left of it. Raises KafkaError where something is after two minutes."""
        if one not in self._on:
            return
        await blocking(self._heal, one)
        self._on.remove(one)
        index = next(number for number, shade in enumerate(self._shades) if shade is one.shade)
        self._shades[index] = replace(one.shade, until=self._now())
        self._journal.undone(one.thing)

    def _heal(self, one: Injection) -> None:
        one.fault.heal(self._cluster, one.nodes)
        deadline = time.monotonic() + _HEALED_SECONDS
        while not one.fault.healed(self._cluster, one.nodes):
            if time.monotonic() > deadline:
                raise KafkaError(f"{one.thing.name} is not healed after {_HEALED_SECONDS:g} s")
            time.sleep(_LOOK_SECONDS)

    async def heal_all(self) -> None:
        """Nothing is left of any. Raises the first of the errors, when all have been tried."""
        errors = await asyncio.gather(*(self.heal(one) for one in reversed(self._on)), return_exceptions=True)
        for error in errors:
            if error:
                raise error
