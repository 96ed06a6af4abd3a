"""Many seats in few Ray actors: a crowd is one process with the shells of some dozens of seats, whose workers are stubs."""

import os
import signal
from typing import Any, Final

import ray

from actors.order import Answer, Ask
from actors.shell import Makers, Shell
from actors.spec import Auditors, Producers
from benchmarks.stubs import StubAuditor, StubProducer
from marathon_ray.places.on_ray import OnRay, here
from marathon_ray.places.place import CPUS

STUBS: Final[Makers] = {Producers: StubProducer, Auditors: StubAuditor}


class Crowd:
    """The actor. A seat is there from its first ask on."""

    def __init__(self) -> None:
        self._place = here()
        self._shells: dict[str, Shell] = {}

    def ask(self, seat: str, ask: Ask) -> Answer:
        """Ask that seat."""
        if seat not in self._shells:
            self._shells[seat] = Shell(self._place, makers=STUBS)
        return self._shells[seat].ask(ask)

    def close(self, seat: str) -> None:
        """That seat is gone."""
        if shell := self._shells.pop(seat, None):
            shell.dismiss()

    def pid(self) -> int:
        """Of this process."""
        return os.getpid()


class _Ask:
    """As if each seat were an actor of its own: `handle.ask.remote(ask)`."""

    def __init__(self, crowd: Any, seat: str) -> None:  # noqa: ANN401 - Ray's handle
        self.crowd, self._seat = crowd, seat

    @property
    def ask(self) -> "_Ask":
        return self

    def remote(self, ask: Ask) -> Any:  # noqa: ANN401 - Ray's reference
        return self.crowd.ask.remote(self._seat, ask)


class InCrowds(OnRay):
    """`Places` whose seats are dealt out to so many crowds; each ask is a call of its own. A frozen crowd gets no more."""

    def __init__(self, crowds: int) -> None:
        super().__init__()
        make: Any = ray.remote(Crowd)
        self.crowds = [
            make.options(num_cpus=CPUS, scheduling_strategy="SPREAD", enable_task_events=False).remote()
            for _ in range(crowds)
        ]
        self.pids: list[int] = ray.get([crowd.pid.remote() for crowd in self.crowds])
        self._where: dict[str, int] = {}
        self._frozen: set[int] = set()

    def _make(self, seat: str, zone: str) -> _Ask:  # noqa: ARG002 - crowds are everywhere
        taken = list(self._where.values())
        able = [number for number in range(len(self.crowds)) if number not in self._frozen]
        self._where[seat] = min(able, key=taken.count)
        return _Ask(self.crowds[self._where[seat]], seat)

    def close(self, seat: str) -> None:
        """The crowd lets it go, once it hears of it."""
        self._asking.forget(seat)
        if made := self._seats.pop(seat, None):
            self._clerk.submit(self._leave, seat, made.result())

    def _leave(self, seat: str, place: _Ask) -> None:
        del self._where[seat]
        place.crowd.close.remote(seat)

    async def shut(self) -> None:
        """All seats are closed, and the crowds gone."""
        self.thaw()
        await super().shut()
        for crowd in self.crowds:
            ray.kill(crowd)

    def freeze(self, crowds: int) -> list[str]:
        """The first so many crowds answer no more; returns the seats in them."""
        self._frozen = set(range(crowds))
        for number in self._frozen:
            os.kill(self.pids[number], signal.SIGSTOP)
        return [seat for seat, number in self._where.items() if number in self._frozen]

    def thaw(self) -> None:
        """They go on."""
        for number in self._frozen:
            os.kill(self.pids[number], signal.SIGCONT)
        self._frozen = set()
