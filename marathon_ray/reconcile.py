"""What to do about a fleet's seats, by what is wanted and what is seen: a decision, nothing is done here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from marathon_ray.seats import Seat, State


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds, but for `failures`: so many workers of one slice may fail by themselves one soon after the other."""

    within: float = 0.75  # an answer: a round in which some hang is over in a second all the same
    silent: float = 2.0  # from an ask that is not answered until the worker is given up
    young: float = 15.0  # the same for a worker told what to do no longer ago: it loads its compiled code
    start: float = 60.0  # from a seat's opening to its first answer
    failures: int = 3


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


Action: TypeAlias = Open | Bury | Renew | Close | Overdue | GiveUp


def reconcile(wanted: Wanted, seats: Sequence[Seat], now: float, limits: Limits) -> tuple[Action, ...]:
    """What leads from these seats to those that are wanted.

    A worker is given up and its successor's seat opened in one step. A slice has one seat at a time: one that is wanted
    again while its worker still comes to its end is opened when that has ended.
    """
    actions = [action for seat in seats if (action := _judge(seat, wanted, now, limits))]
    gone = {action.seat.name for action in actions if isinstance(action, Bury | Close)}
    held = {seat.index for seat in seats if seat.name not in gone}
    failures = {**wanted.failures, **{one.seat.index: one.failures for one in actions if isinstance(one, Bury)}}
    missing = [index for index in range(wanted.workers) if index not in held]
    return (*actions, *(GiveUp(one) if failures.get(one, 0) >= limits.failures else Open(one) for one in missing))


def _judge(seat: Seat, wanted: Wanted, now: float, limits: Limits) -> Action | None:
    unwanted = seat.leaves or seat.index >= wanted.workers
    if unwanted and (seat.order is None or (seat.leaves and seat.state is State.ENDED)):
        return Close(seat)
    late = now - seat.since
    match seat.state:
        case State.OPENING if late >= limits.start:
            return Overdue(seat)
        case State.RESTARTED if not unwanted:
            return Renew(seat)
        case State.SILENT if late < _patience(seat, limits):
            return None
        case State.SILENT | State.BROKEN | State.ENDED | State.RESTARTED:
            return Bury(seat, _failures(seat, wanted, now, limits))
    return None


def _patience(seat: Seat, limits: Limits) -> float:
    """Loading what is compiled stops a whole process, on a busy machine for seconds; to replace it would load it anew."""
    return limits.young if seat.since - seat.told < limits.young else limits.silent


def _failures(seat: Seat, wanted: Wanted, now: float, limits: Limits) -> int:
    """A worker that somebody ended, or that lasted, begins the count anew."""
    if seat.has_answered and seat.state is not State.ENDED:
        return 0
    soon = now - seat.opened < limits.start
    return 1 + (wanted.failures.get(seat.index, 0) if soon else 0)
