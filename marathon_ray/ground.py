"""Where the workers of a run will live: on Ray, or in this process."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from marathon_ray.places import head, on_ray
from marathon_ray.places.in_process import InProcess
from marathon_ray.places.place import CPUS, Places
from marathon_ray.places.series import Lags
from marathon_ray.reconcile import Limits
from marathon_ray.rounds import NoRoomError, Sink
from marathon_ray.usage import UsageError

_GROW_SECONDS: Final = 900.0  # until a cluster that grows has room for all: machines are rented and set up
_LOOK_SECONDS: Final = 1.0


class CrowdedError(UsageError):
    """A Ray cluster that does not grow has no room for all workers: nodes may have been taken away, and may come again."""


@dataclass(slots=True)
class Ground:
    """Where so many workers will live, on which `nodes`. A Ray that this process drives already is used, and stays as long as
    somebody uses it."""

    on_ray: bool
    address: str | None
    seats: int
    nodes: str = "any"
    used: bool = False  # the connection: it will be left
    grows: bool = False  # it was asked for room, and will be told that it may shrink

    def connect(self) -> None:
        """There is room for the seats. Raises CrowdedError where there is not, UsageError where there is no Ray; nothing is
        connected then."""
        if not self.on_ray:
            return
        try:
            users = on_ray.connect(self.address, seats=self.seats)
        except ConnectionError as error:
            raise UsageError(str(error)) from None
        self.used = users > 0
        if users == 1 and not self.address and self.nodes == "any":
            return  # it was started with room for them
        if lacking := head.lacking(self.seats, cpus=CPUS, nodes=self.nodes):
            self.leave()
            raise CrowdedError(f"Ray{f' at {self.address}' if self.address else ''}: {lacking}")

    async def grow(self, note: Callable[[str], object]) -> None:
        """A cluster that grows by itself has grown to what all seats need, and stays so until it is left. Raises NoRoomError
        where it does not come to that."""
        if not self.on_ray or head.room().reach is None:
            return
        self.grows = True
        await asyncio.to_thread(head.ask_for, self.seats, cpus=CPUS)
        deadline, waits = time.monotonic() + _GROW_SECONDS, False
        while lacking := await asyncio.to_thread(self._lacking):
            if time.monotonic() >= deadline:
                raise NoRoomError(f"Ray: it has not grown within {_GROW_SECONDS:g} s: {lacking}")
            if not waits:
                note(f"the Ray cluster grows for {self.seats} workers")
            waits = True
            await asyncio.sleep(_LOOK_SECONDS)

    def _lacking(self) -> str:
        """As it is now, not as it can be."""
        return head.room(self.nodes)._replace(reach=None).lacking(self.seats, cpus=CPUS)

    @property
    def patience(self) -> float:
        """Seconds within which a seat comes to life: where machines are rented for them they take longer."""
        return _GROW_SECONDS if self.grows else Limits().start

    def places(self) -> Places:
        """New ones, with no seat yet."""
        return on_ray.OnRay(nodes=self.nodes) if self.on_ray else InProcess()

    def sinks(self) -> tuple[Sink, ...]:
        """Who wants to hear of rounds there."""
        return (Lags(),) if self.on_ray else ()

    def leave(self) -> None:
        """What was asked for here is given back, and what was connected is not any more, unless somebody else uses it."""
        if self.grows:
            self.grows = False
            with suppress(Exception):  # of whatever kind: a head that is gone asks for nothing any more
                head.ask_for(0, cpus=CPUS)
        if self.used:
            on_ray.disconnect()
            self.used = False
