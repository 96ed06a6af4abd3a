"""A fleet's seats as the fleet sees them, and how a reply changes what is seen."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from actors.order import Answer, Host, Order
from marathon_ray.places.place import Broken, Reply


class State(StrEnum):
    """What a seat was last seen to be."""

    OPENING = "opening"  # asked for; it has never answered
    ALIVE = "alive"  # it answered the last ask
    SILENT = "silent"  # it was alive, and has not answered since
    BROKEN = "broken"  # a call failed: that life is gone
    RESTARTED = "restarted"  # another life answered: it knows nothing of the worker
    ENDED = "ended"  # its worker has ended, and its last tally was taken


@dataclass(frozen=True, slots=True)
class Seat:
    """One seat, for the slice `index` of its fleet. Times are monotonic seconds; `since` is when `state` began, for a
    silent one when the ask was made that it did not answer. `notice` is when its node will be taken away (None: nobody
    said that it will). `why` tells what became of a life that is gone; nothing of one that ended as it was told to."""

    name: str
    index: int
    opened: float
    since: float
    state: State = State.OPENING
    incarnation: str = ""
    lives: int = 1  # that had a worker of their own
    order: Order | None = None  # what its worker was told last
    told: float = 0.0  # when its worker was told first
    revision: int = 0  # the newest that its worker has answered to
    host: Host | None = None
    notice: float | None = None
    busy: float = 0.0  # CPU share of its process between its last two answers
    why: str = ""
    preempted: bool = False

    @property
    def leaves(self) -> bool:
        """Whether it was told to come to its end: there is no way back."""
        return self.order is not None and self.order.stop

    @property
    def has_answered(self) -> bool:
        """Whether it has ever come to life."""
        return self.host is not None


def noted(seat: Seat, notices: Mapping[str, float]) -> Seat:
    """The seat as it is known once these nodes, by name, will be taken away at these times. Nobody takes a notice back, and
    of a node that is gone there is none any more."""
    notice = notices.get(seat.host.node) if seat.host else None
    return seat if notice is None else replace(seat, notice=notice)


def observe(seat: Seat, reply: Reply, now: float) -> Seat:
    """The seat after that reply to what was asked at `now`."""
    if isinstance(reply, Broken):
        return replace(seat, state=State.BROKEN, since=now, why=reply.why, preempted=reply.preempted)
    if isinstance(reply, Answer):
        return _answered(seat, reply, now)
    return replace(seat, state=State.SILENT, since=now) if seat.state is State.ALIVE else seat


def _answered(seat: Seat, answer: Answer, now: float) -> Seat:
    if seat.order is not None and answer.incarnation != seat.incarnation:
        why = "it came back to life and had forgotten its worker"
        return replace(
            seat, state=State.RESTARTED, since=now, incarnation=answer.incarnation, host=answer.host, why=why
        )
    busy = _share(seat, answer.host, now)
    as_told = "" if seat.leaves else "its worker ended by itself"
    state, why = (State.ENDED, answer.error or as_told) if answer.ended else (State.ALIVE, seat.why)
    return replace(
        seat, state=state, since=now, incarnation=answer.incarnation, host=answer.host, busy=busy, why=why,
        revision=seat.revision if answer.ended else answer.revision,
    )  # fmt: skip


def _share(seat: Seat, host: Host, now: float) -> float:
    return spent(seat, host) / (now - seat.since) if now > seat.since and seat.state is State.ALIVE else 0.0


def spent(seat: Seat, host: Host) -> float:
    """CPU seconds of the seat's process since its last answer; 0 where that was another process, or none."""
    before = seat.host
    return host.cpu_seconds - before.cpu_seconds if before and before.pid == host.pid else 0.0


def exchanged(seat: Seat, host: Host) -> Mapping[int, int]:
    """Bytes that the seat's process has exchanged with each broker since its last answer, or since its begin."""
    before = seat.host.exchanged if seat.host and seat.host.pid == host.pid else {}
    return {broker: count - before.get(broker, 0) for broker, count in host.exchanged.items()}


def reborn(seat: Seat, now: float) -> Seat:
    """The same seat, whose new life gets a worker of its own."""
    return replace(
        seat, state=State.ALIVE, since=now, order=None, lives=seat.lives + 1, revision=0, notice=None, why="",
        preempted=False,
    )  # fmt: skip
