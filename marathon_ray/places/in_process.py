"""Places in this process: each seat is a shell with a thread that asks it. For tests, and for runs without Ray."""

from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import NamedTuple

from actors.order import Answer, Ask
from actors.shell import Shell
from marathon_ray.places.asking import Asking
from marathon_ray.places.place import Broken, Reply, Vacancy


class _Seat(NamedTuple):
    shell: Shell
    asker: ThreadPoolExecutor  # of its own, so that a seat that hangs hangs alone


class InProcess:
    """`Places` without a limit of room. A seat that was closed ends its worker in its own time."""

    def __init__(self) -> None:
        self._seats: dict[str, _Seat] = {}
        self._asking: Asking[Future[Answer]] = Asking(self._send, _ended)

    def open(self, seat: str, zone: str = "") -> None:  # noqa: ARG002 - there is but one
        """It is alive at once."""
        self._seats[seat] = _Seat(Shell(), ThreadPoolExecutor(1, thread_name_prefix=f"{seat} asker"))

    async def ask(self, asks: Mapping[str, Ask], *, within: float) -> Mapping[str, Reply]:
        """Ask each of these seats at once."""
        return await self._asking.ask(asks, within=within)

    async def zones(self) -> frozenset[str]:
        """This process does not know where it is."""
        return frozenset()

    async def notices(self) -> Mapping[str, float]:
        """This process has no notice of its end."""
        return {}

    async def room(self) -> Vacancy:
        """There is always room."""
        return Vacancy(free=True, words="seats in this process need nothing")

    def close(self, seat: str) -> None:
        """Its worker is asked to end, and no more is heard of it."""
        if gone := self._seats.pop(seat, None):
            gone.shell.dismiss()
            gone.asker.shutdown(wait=False)
        self._asking.forget(seat)

    async def shut(self) -> None:
        """All seats are closed."""
        for seat in list(self._seats):
            self.close(seat)

    def _send(self, asks: Mapping[str, Ask]) -> Mapping[str, Future[Answer]]:
        places = {seat: self._seats[seat] for seat in asks}
        return {seat: place.asker.submit(place.shell.ask, asks[seat]) for seat, place in places.items()}


def _ended(calls: Mapping[str, Future[Answer]], within: float) -> Mapping[str, Reply]:
    wait(calls.values(), timeout=within)
    return {seat: _reply(call) for seat, call in calls.items() if call.done()}


def _reply(call: Future[Answer]) -> Reply:
    error = call.exception()
    return call.result() if error is None else Broken(f"{type(error).__name__}: {error}")
