"""Places on a Ray cluster: each seat is an actor that Ray puts where there is room, and brings back to life if it dies."""

import asyncio
import logging
import math
import os
import signal
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias, cast

import ray
from ray._private import worker as _driver
from ray.exceptions import RayActorError

from actors.near import ZONE
from actors.order import Answer, Ask, Host
from actors.shell import Shell
from marathon_ray.places import head, series
from marathon_ray.places.asking import Asking
from marathon_ray.places.notices import Notices, draining
from marathon_ray.places.place import CPUS as CPUS  # noqa: PLC0414 - it is a word of ours, too
from marathon_ray.places.place import Broken, Reply, Vacancy
from marathon_ray.places.scratch import scratch

_OBJECT_STORE: Final = 256 << 20  # bytes of a local one: answers are small
_STARTS: Final = 3  # Ray gives its own start 30 s, which a busy machine may need more than once
_SHUT_SECONDS: Final = 30.0
# Ray's own words for its start: no usage report to anybody, and no change of what accelerators an actor sees.
_QUIET: Final = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}
_OWN: Final = ExitStack()  # what a local Ray of our own has beside its processes
_Handle: TypeAlias = Any  # of a seat's actor
_Ref: TypeAlias = Any  # to an answer that is to come
_Sent: TypeAlias = Mapping[str, _Ref | Exception]  # by seat; what was asked for at once is one job of the clerk


def here() -> Host:
    """The Ray node on which this actor is."""
    context = ray.get_runtime_context()
    address: str = ray.util.get_node_ip_address()  # type: ignore[no-untyped-call]
    labels = {name: str(value) for name, value in context.get_node_labels().items()}
    return Host(context.get_node_id(), address, labels=labels)


class RayShell(Shell):
    """A shell that knows on which Ray node it is, and tells that node's metrics what its worker does."""

    def __init__(self) -> None:
        super().__init__(here())
        self._series = series.Seats()

    def ask(self, ask: Ask) -> Answer:
        """As any shell."""
        answer = super().ask(ask)
        self._series.tell(ask.order, answer)
        return answer


# A class that is decorated travels by value, with copies of its module's values; this one is imported where it is used.
Seat = ray.remote(RayShell)


@dataclass(slots=True)
class _Use:
    """Of the one Ray that a process may drive, where it was connected here."""

    users: int = 0
    address: str | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)  # nobody opens it twice, or closes it under another


_USE: Final = _Use()


def connect(address: str | None = None, *, seats: int = 0, cpus: float = CPUS) -> int:
    """This process drives the Ray cluster at `address`, or a local one of its own with room for so many seats, or the one
    that it drives already. How many use it by now: each of them disconnects, the last one ends it; 0 where it was
    connected by somebody else, who will.

    Blocks for some seconds. Whatever is needed is imported before. The handler of SIGTERM is Ray's own then, which hands it
    on to the one before and aborts the process seconds later: whoever wants to hear it installs a handler anew.
    Raises ConnectionError where there is no cluster, none could be started, or another one is driven.
    """
    with _USE.lock:
        if not ray.is_initialized():
            _open(address, seats * cpus)
            _USE.users, _USE.address = 1, address
        elif _USE.users and address not in (None, "auto", _USE.address):
            raise ConnectionError(f"Ray at {address}: this process drives {_USE.address or 'one of its own'} already")
        elif _USE.users:
            _USE.users += 1
        return _USE.users


def _open(address: str | None, cpus: float) -> None:
    if address:
        head.reach(address)
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    try:
        own = {} if address else _own(max(os.cpu_count() or 1, math.ceil(cpus)))
    except OSError as error:
        raise ConnectionError(f"Ray at this machine: its folder: {error}") from None
    _let_ray_print(yes=False)
    for _ in range(1 if address else _STARTS):
        try:
            ray.init(address or "local", logging_level=logging.ERROR, log_to_driver=False, **own)
        except Exception as error:  # noqa: BLE001 - Ray raises what its parts raise, Exception itself among them
            why = head.told(error)
            ray.shutdown()
        else:
            # By an alarm Ray's handler would abort: a signal that came meanwhile was heard, and is answered.
            signal.alarm(0)
            return
    _close()
    raise ConnectionError(f"Ray at {address or 'this machine'}: {why}")


def _own(cpus: int) -> dict[str, Any]:
    """Ray's options of a local cluster of our own."""
    return {
        "num_cpus": cpus,
        "object_store_memory": _OBJECT_STORE,
        "include_dashboard": False,
        "_temp_dir": str(_OWN.enter_context(scratch())),
    }


def disconnect() -> None:
    """One of those that use it does so no more. After the last one no Ray is driven from here, and a local cluster of our own
    is gone, with its folder."""
    with _USE.lock:
        _USE.users = max(0, _USE.users - 1)
        if not _USE.users:
            _close()


def _close() -> None:
    ray.shutdown()
    _OWN.close()
    _let_ray_print(yes=True)


def _let_ray_print(*, yes: bool) -> None:
    """Of each death Ray prints a page on standard output, which is not its own: no option of its own forbids that."""
    _driver._worker_logs_enabled = yes  # noqa: SLF001


class OnRay:
    """`Places` whose seats need `cpus` each; they are spread over the nodes, or over those that `nodes` means, a word of
    `head.MARKETS`. A node without CPUs, as a head may be, gets none. Ray is connected."""

    def __init__(self, *, cpus: float = CPUS, nodes: str = "any") -> None:
        self._cpus = cpus
        self._nodes = nodes
        self._clerk = ThreadPoolExecutor(1, thread_name_prefix="ray")  # calls Ray in order, and never in the loop
        self._seats: dict[str, Future[_Handle]] = {}
        self._asking: Asking[Future[_Sent]] = Asking(self._send, _ended)
        self._notices = Notices(draining)

    def open(self, seat: str, zone: str = "") -> None:
        """An actor of that name is asked for, in that zone or, where it has no room, in another."""
        self._seats[seat] = self._clerk.submit(self._make, seat, zone)

    async def zones(self) -> frozenset[str]:
        """By Ray's own label."""
        return await asyncio.to_thread(head.zones, self._nodes)

    def _make(self, seat: str, zone: str) -> _Handle:
        return Seat.options(
            name=seat, num_cpus=self._cpus, scheduling_strategy="SPREAD", max_restarts=-1, max_task_retries=0,
            enable_task_events=False,  # an ask a second of a thousand seats is no news, and to report it costs the driver
            **_where(self._nodes, zone),
        ).remote()  # fmt: skip

    def _send(self, asks: Mapping[str, Ask]) -> Mapping[str, Future[_Sent]]:
        made = {seat: self._seats[seat] for seat in asks}
        sent = self._clerk.submit(_all_sent, made, asks)
        return dict.fromkeys(asks, sent)

    async def ask(self, asks: Mapping[str, Ask], *, within: float) -> Mapping[str, Reply]:
        """Ask each of these seats at once."""
        return await self._asking.ask(asks, within=within)

    async def notices(self) -> Mapping[str, float]:
        """Nodes that Ray was told will be taken away."""
        return await self._notices.heard()

    async def room(self) -> Vacancy:
        """The CPUs that a seat needs, and what the cluster has."""
        return await asyncio.to_thread(self._room)

    def _room(self) -> Vacancy:
        """A seat that is on its way to life has its CPUs already: what is free is free for those that wait."""
        there = head.room(self._nodes)
        words = f"each needs {self._cpus:g} CPU, the Ray cluster has {there.whole:g} in all and {there.free:g} free"
        return Vacancy(free=not there._replace(reach=None).lacking(1, cpus=self._cpus), words=words)

    def close(self, seat: str) -> None:
        """The actor is ended for good."""
        self._asking.forget(seat)
        if made := self._seats.pop(seat, None):
            self._clerk.submit(lambda: ray.kill(made.result(), no_restart=True))

    async def shut(self) -> None:
        """All actors are ended, as far as Ray has heard of it within half a minute."""
        for seat in list(self._seats):
            self.close(seat)
        last = self._clerk.submit(lambda: None)
        await asyncio.to_thread(wait, [last], _SHUT_SECONDS)
        self._clerk.shutdown(wait=False)
        self._notices.close()


def _where(nodes: str, zone: str) -> dict[str, Any]:
    """Ray's options of an actor that shall be on such nodes: on those of the first market, else of the next; of each rather
    in that zone than in another."""
    zones = [{ZONE: zone}, {ZONE: f"!{zone}"}] if zone else [{}]  # Ray takes no fallback to any node at all
    markets = [{head.MARKET: market} for market in head.MARKETS[nodes]] or [{}]
    selectors = [{**market, **where} for market in markets for where in zones]
    if not selectors[0]:
        return {}
    return {"label_selector": selectors[0], "fallback_strategy": [{"label_selector": each} for each in selectors[1:]]}


def _all_sent(made: Mapping[str, Future[_Handle]], asks: Mapping[str, Ask]) -> _Sent:
    return {seat: _sent(made[seat], ask) for seat, ask in asks.items()}


def _sent(made: Future[_Handle], ask: Ask) -> _Ref | Exception:
    try:
        return made.result().ask.remote(ask)
    except Exception as error:  # noqa: BLE001 - Ray raises what its parts raise
        return error


def _ended(calls: Mapping[str, Future[_Sent]], within: float) -> Mapping[str, Reply]:
    deadline = time.monotonic() + within
    sent, _ = wait(set(calls.values()), timeout=within)
    mine = {seat: call.result()[seat] for seat, call in calls.items() if call in sent}
    failed = {seat: _broken(error) for seat, error in mine.items() if isinstance(error, Exception)}
    refs = {ref: seat for seat, ref in mine.items() if seat not in failed}
    left = max(0.0, deadline - time.monotonic())
    done, _ = ray.wait(list(refs), num_returns=len(refs), timeout=left) if refs else ([], [])
    return {**failed, **{refs[ref]: reply for ref, reply in zip(done, _replies(done), strict=True)}}


def _replies(refs: Sequence[_Ref]) -> Sequence[Reply]:
    """What has come; one by one only where one of them has failed, for that costs each its own way through Ray."""
    try:
        return cast(Sequence[Answer], ray.get(refs, timeout=0))
    except Exception:  # noqa: BLE001 - Ray raises what an actor raised
        return [_reply(ref) for ref in refs]


def _reply(ref: _Ref) -> Reply:
    try:
        return cast(Answer, ray.get(ref, timeout=0))
    except Exception as error:  # noqa: BLE001 - Ray raises what the actor raised
        return _broken(error)


def _broken(error: BaseException) -> Broken:
    error = getattr(error, "cause", None) or error  # what was raised there, not that something was
    return Broken(_first_line(error), preempted=isinstance(error, RayActorError) and error.preempted)


def _first_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {(str(error).strip().splitlines() or [''])[0]}"
