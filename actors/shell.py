"""The shell around a worker: an ordinary object that is asked once a round, and that Ray may wrap as an actor.

It is born idle and knows nothing: a life that follows on another has forgotten all, and is told all by the next ask.
"""

import secrets
import socket
import threading
import time
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from actors.gauge import Gauge
from actors.order import Answer, Ask, Host, Order
from actors.spec import Auditors, Consumers, Producers, Transactors, WorkerSpec
from actors.target import Target

if TYPE_CHECKING:
    from actors.worker import Worker

_END_SECONDS: Final = 0.4  # that an answer waits for a worker's end: most need less, and the next ask is a round away
SILENCE: Final = 30.0  # who has not been asked for so many seconds has been forgotten, and shall not load for ever
_LONGEST_ERROR: Final = 300
Maker: TypeAlias = Callable[[str, Target], "Worker[Any]"]
Makers: TypeAlias = Mapping[type[WorkerSpec], Maker]


def _maker(kind: str) -> Maker:
    """Makes workers of that class, whose module is loaded when the first is made: neither the driver nor a seat without an
    order has a use for librdkafka and compiled code."""

    def make(name: str, target: Target) -> "Worker[Any]":
        worker: Worker[Any] = getattr(import_module(f"actors.{kind.lower()}"), kind)(name, target)
        return worker

    make.__name__ = kind
    return make


MAKERS: Final[Makers] = {
    Producers: _maker("Producer"),
    Consumers: _maker("Consumer"),
    Auditors: _maker("Auditor"),
    Transactors: _maker("Transactor"),
}


class Shell:
    """One life of a seat, with one worker at most. `place` says where it is (default: this machine's name), `makers`
    who makes a worker of which spec."""

    def __init__(self, place: Host | None = None, *, silence: float = SILENCE, makers: Makers | None = None) -> None:
        self.incarnation = secrets.token_hex(8)
        self._gauge = Gauge(place or Host(node=socket.gethostname()))
        self._silence = silence
        self._makers = MAKERS if makers is None else makers
        self._job: _Job | None = None

    def ask(self, ask: Ask) -> Answer:
        """Do as ordered, and tell what was done since what is confirmed. Returns within a batch's time; one that shall stop
        is waited for, but not for long, and one that shall be ready has loaded what it needs.

        Raises ValueError on an order for another worker than the one that works here, or for none of our kinds.
        """
        host = self._gauge.read()
        if ask.incarnation not in ("", self.incarnation):
            return Answer(self.incarnation, host)
        if ask.ready:
            import_module("actors.readiness").load()
        if ask.order is not None:
            self._obey(ask.order)
        job = self._job
        if job is None:
            return Answer(self.incarnation, host)
        job.asked = time.monotonic()
        ended = job.ended  # looked at first, so that the tally of one that has ended is its last
        tally = job.worker.collect(ask.confirmed)
        return Answer(self.incarnation, host, tally, job.revision, ended, job.error)

    def dismiss(self) -> None:
        """Nobody asks any more: the worker is asked to end, and not waited for."""
        if self._job:
            self._job.worker.stop()

    def _obey(self, order: Order) -> None:
        if self._job is None:
            self._job = _Job(order.worker, self._maker(order.spec)(order.worker, order.target), self._silence)
        if self._job.name != order.worker:
            raise ValueError(f"{self._job.name} works here: nothing can be ordered for {order.worker}")
        self._job.obey(order)

    def _maker(self, spec: WorkerSpec) -> Maker:
        try:
            return next(maker for kind, maker in self._makers.items() if isinstance(spec, kind))
        except StopIteration:
            raise ValueError(f"no worker does what a {type(spec).__name__} asks for") from None


class _Job:
    """A worker at work in a thread, and a second thread that stops it when nobody asks any more."""

    def __init__(self, name: str, worker: "Worker[Any]", silence: float) -> None:
        self.name, self.worker = name, worker
        self.revision = 0
        self.error = ""
        self.asked = time.monotonic()
        self._silence = silence
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()
        threading.Thread(target=self._listen, name=f"{name} (watch)", daemon=True).start()

    @property
    def ended(self) -> bool:
        return not self._thread.is_alive()

    def obey(self, order: Order) -> None:
        if order.stop:
            self.worker.stop()
            self._thread.join(_END_SECONDS)
        elif order.revision > self.revision:
            self.worker.apply(order.revision, order.spec)
            self.revision = order.revision

    def _run(self) -> None:
        try:
            self.worker.run()
        except Exception as error:  # noqa: BLE001 - whatever it was, the next answer tells it
            self.error = _line(error)

    def _listen(self) -> None:
        while not self.ended:
            rest = self.asked + self._silence - time.monotonic()
            if rest <= 0:
                self.error = f"stopped by itself: nobody had asked for {self._silence:g} s"
                self.worker.stop()
                return
            self._thread.join(rest)


def _line(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:_LONGEST_ERROR]
