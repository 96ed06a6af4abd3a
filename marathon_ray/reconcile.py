"""What to do about a fleet's seats, by what is wanted and what is seen: a decision, nothing is done here."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from marathon_ray.seats import Seat, State


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds, but for `failures`: so many workers of one slice may fail by themselves one soon after the other."""

    within: float = 0.65  # an answer: a round in which some hang is over in a second, with what is booked after that
    silent: float = 2.0  # from an ask that is not answered until the worker is given up
    # The same for a worker told what to do no longer ago. It loads its compiled code, and who replaces it does so anew: beside two
    # busy loops seven workers on two cores needed half a minute.
    young: float = 60.0
    start: float = 60.0  # from a seat's opening to its first answer
    leave: float = 15.0  # that a worker has for its end before its node is taken away
    retire: float = 180.0  # from when a worker shall end to its last word: reports of its records are waited for
    failures: int = 3

    @property
    def settle(self) -> float:
        """From when something else is asked of a fleet until all of it does that. Somebody may be new, be lost while young,
        and be replaced; and whoever is not wanted any more has ended by then."""
        return max(self.start + 2 * self.young, self.retire)


@dataclass(frozen=True, slots=True)
class Wanted:
    """So many workers; and how often in a row the worker of a slice has failed by itself soon."""

    workers: int
    failures: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Open:
    """A new seat for that slice."""

    index: int


@dataclass(frozen=True, slots=True)
class Bury:
    """The seat's worker is dead, and the seat is closed. `failures` says how often in a row that slice's worker has now
    failed by itself."""

    seat: Seat
    failures: int = 0


@dataclass(frozen=True, slots=True)
class Renew:
    """The seat's worker is dead; the seat lives again, and its new life gets another worker."""

    seat: Seat


@dataclass(frozen=True, slots=True)
class Retire:
    """The seat's worker comes to its end in good order, since its node will be taken away."""

    seat: Seat


@dataclass(frozen=True, slots=True)
class Close:
    """The seat has nothing more to say."""

    seat: Seat


@dataclass(frozen=True, slots=True)
class Overdue:
    """The seat does not come to life in time; it may still do so."""

    seat: Seat


@dataclass(frozen=True, slots=True)
class GiveUp:
    """The workers of that slice fail by themselves: no more are made."""

    index: int


Action: TypeAlias = Open | Bury | Renew | Retire | Close | Overdue | GiveUp


def reconcile(wanted: Wanted, seats: Sequence[Seat], now: float, limits: Limits) -> tuple[Action, ...]:
    """What leads from these seats to those that are wanted.

    A worker is given up and its successor's seat opened in one step. A slice has one seat at a time: one that is wanted
    again while its worker still comes to its end is opened when that has ended. Only a seat whose node will be taken away
    has its successor beside it, which stays idle until that worker is gone.
    """
    idle = [seat for seat in seats if seat.state is State.ALIVE and seat.order is None and seat.notice is None]
    ready = {seat.index for seat in idle}
    moving = [seat for seat in seats if seat.index < wanted.workers and _must_leave(seat, ready, now, limits)]
    judged = [action for seat in seats if (action := _judge(seat, wanted, now, limits))]
    actions = [*judged, *map(Retire, moving)]
    gone = {action.seat.name for action in actions if isinstance(action, Bury | Close)}
    held = {seat.index for seat in seats if seat.name not in gone and seat.notice is None}
    failures = {**wanted.failures, **{one.seat.index: one.failures for one in actions if isinstance(one, Bury)}}
    missing = [index for index in range(wanted.workers) if index not in held]
    return (*actions, *(GiveUp(one) if failures.get(one, 0) >= limits.failures else Open(one) for one in missing))


def _judge(seat: Seat, wanted: Wanted, now: float, limits: Limits) -> Action | None:
    unwanted = seat.leaves or seat.index >= wanted.workers
    idle, ended = seat.order is None, seat.leaves and seat.state is State.ENDED and not seat.why
    if ended or (idle and (unwanted or seat.notice is not None)):
        return Close(seat)
    late = now - seat.since
    match seat.state:
        case State.OPENING if late >= limits.start:
            return Overdue(seat)
        case State.RESTARTED if not unwanted and seat.notice is None:
            return Renew(seat)
        case State.SILENT if late < _patience(seat, limits):
            return None
        case State.SILENT | State.BROKEN | State.ENDED | State.RESTARTED:
            return Bury(seat, _failures(seat, wanted, now, limits))
    return None


def _must_leave(seat: Seat, ready: Container[int], now: float, limits: Limits) -> bool:
    """Its node will be taken away, and somebody is there who can go on, or it is high time."""
    if seat.notice is None or seat.order is None or seat.leaves or seat.state is not State.ALIVE:
        return False
    return seat.index in ready or seat.notice - now <= limits.leave


def _patience(seat: Seat, limits: Limits) -> float:
    """Loading what is compiled stops a whole process, on a busy machine for seconds; to replace it would load it anew."""
    return limits.young if seat.since - seat.told < limits.young else limits.silent


def _failures(seat: Seat, wanted: Wanted, now: float, limits: Limits) -> int:
    """A worker that somebody ended, or that lasted, begins the count anew."""
    if seat.has_answered and seat.state is not State.ENDED:
        return 0
    soon = now - seat.opened < limits.start
    return 1 + (wanted.failures.get(seat.index, 0) if soon else 0)
