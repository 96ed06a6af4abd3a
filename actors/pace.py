"""When each record is due: an open-loop schedule on the monotonic clock, stamped with wall-clock times.

A record's intended time never changes: not while the target stalls, not when the rate does. All arithmetic is exact
(integers and fractions), so `due = offered + owed + not_offered` holds to the record, for weeks.
"""

import math
import time
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from operator import itemgetter
from typing import Final, NamedTuple, TypeAlias

SECOND: Final = 10**9
# A slot covers no more than this of the schedule: on a flat stretch its times are exact; on a ramp from rate a to rate
# b within the slot they are early or late by at most span * |b - a| / (4 * (a + b)), so never by more than 2.5 ms.
FLAT_SPAN: Final = 100_000_000
RAMP_SPAN: Final = 10_000_000
_GRAIN: Final = 2**40  # a stretch starts at a whole number of these parts of a record, so that numbers stay short


@dataclass(frozen=True, slots=True)
class Clock:
    """The two clocks, as functions that return ns."""

    mono: Callable[[], int] = time.monotonic_ns
    wall: Callable[[], int] = time.time_ns

    def offset(self) -> int:
        """Wall minus monotonic, ns: the closest of five readings, so that a preempted one does not count."""
        return min((self._reading() for _ in range(5)), key=itemgetter(0))[1]

    def _reading(self) -> tuple[int, int]:
        before, wall, after = self.mono(), self.wall(), self.mono()
        return after - before, wall - (before + after) // 2


class Watch:
    """Translates monotonic to wall time, and notices when somebody sets the wall clock."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.offset = clock.offset()

    def jumped(self, limit: int) -> bool:
        """Measures the offset anew; says whether it moved by more than `limit` ns since the last call."""
        before, self.offset = self.offset, self.clock.offset()
        return abs(self.offset - before) > limit


class Knot(NamedTuple):
    """From `at` (ns since the curve's start) the rate goes in a straight line from `rate` to the next knot's."""

    at: int
    rate: Fraction  # records a second


Curve: TypeAlias = tuple[Knot, ...]  # ascending; flat after the last knot; empty: unlimited
UNLIMITED: Final[Curve] = ()


_STOPPED: Final[Curve] = (Knot(0, Fraction(0)),)


def constant(rate: Fraction | int) -> Curve:
    """The same rate, in records a second, for ever."""
    return (Knot(0, Fraction(rate)),)


def _rate(curve: Curve, at: int) -> Fraction:
    """The curve's rate at that time since its start; flat before the first and after the last knot."""
    later = bisect_left(curve, at, key=lambda knot: knot.at)
    if later == len(curve) or later == 0:
        return curve[min(later, len(curve) - 1)].rate
    left, right = curve[later - 1], curve[later]
    return left.rate + (right.rate - left.rate) * Fraction(at - left.at, right.at - left.at)


class _Stretch(NamedTuple):
    """A piece of the schedule: by `start + x`, (a + b x + c x²) / m records are due since the beginning."""

    start: int
    end: float  # ns: an integer, or infinity
    a: int
    b: int
    c: int
    m: int

    def exactly(self, now: int) -> Fraction:
        x = now - self.start
        return Fraction(self.a + (self.b + self.c * x) * x, self.m)

    def due(self, now: int) -> int:
        x = now - self.start
        return (self.a + (self.b + self.c * x) * x) // self.m

    def reaches(self, number: int) -> bool:
        """Whether that record becomes due before its end; those from before its start count as well."""
        return self.b > 0 if self.end == math.inf else self.due(int(self.end)) >= number

    def time(self, number: int) -> int:
        """The first ns at which that record is due; the first stretch that reaches it must be this one."""
        if self.c == 0:
            return self.start - (self.a - number * self.m) // self.b
        return self.start + bisect_left(range(self.start, int(self.end)), number, key=self.due)


def _stretch(start: int, end: float, rates: tuple[Fraction, Fraction], base: Fraction) -> _Stretch:
    """From `start` to `end` the rate goes from the first to the second, `base` records having been due before."""
    base = Fraction(math.floor(base * _GRAIN), _GRAIN)
    b = rates[0] / SECOND
    c = (rates[1] - rates[0]) / (2 * SECOND * int(end - start)) if rates[0] != rates[1] else Fraction(0)
    m = math.lcm(base.denominator, b.denominator, c.denominator)
    return _Stretch(start, end, int(base * m), int(b * m), int(c * m), m)


def _lay(curve: Curve, origin: int, start: int, base: Fraction) -> list[_Stretch]:
    """The stretches of a curve that began at `origin`, from `start` on."""
    laid: list[_Stretch] = []
    edges = [start, *(origin + knot.at for knot in curve if origin + knot.at > start)]
    for left, right in zip(edges, [*edges[1:], None], strict=True):
        rates = (_rate(curve, left - origin), _rate(curve, (left if right is None else right) - origin))
        laid.append(_stretch(left, math.inf if right is None else right, rates, base))
        base = laid[-1].exactly(left if right is None else right)
    return laid


def due(curve: Curve, at: int) -> Fraction:
    """Records due in the first `at` ns of a curve that is not unlimited; none before its start."""
    laid = _lay(curve, 0, 0, Fraction(0))
    return next(stretch for stretch in laid if at < stretch.end).exactly(max(0, at))


def _checked(curve: Curve) -> Curve:
    for left, right in pairwise(curve):
        if left.at >= right.at:
            raise ValueError(f"a curve's knots ascend: {right.at} ns stands after {left.at} ns")
    for knot in curve:
        if knot.rate < 0:
            raise ValueError(f"a rate is 0 records/s or more: {knot.rate} at {knot.at} ns")
    return curve


@dataclass(frozen=True, slots=True)
class Slot:
    """`count` records to send now; record k of them was intended at `first + int(k * step)`, wall clock, ns."""

    count: int
    first: int
    step: float
    lag: int  # ns since the first of them was due; with count 0, since the next one was


class Account(NamedTuple):
    """Records by what became of them: due = offered + owed + not_offered."""

    due: int
    offered: int
    owed: int
    not_offered: int


class Pace:
    """What one client has to send by when; `now` is always monotonic ns, and one that goes back counts as no progress.

    A record that has been owed for longer than `patience` is dropped and counted as not offered, so that the lag never
    exceeds `patience`, and an outage is followed by no more than that much of catching up.
    """

    def __init__(self, curve: Curve, *, watch: Watch, started: int, patience: int = 10 * SECOND) -> None:
        self._watch = watch
        self._origin = self._latest = started
        self._patience = patience
        self._stretches = _lay(_checked(curve) or _STOPPED, started, started, Fraction(0))
        self._unlimited = not curve
        self._unasked = 0  # offered without a schedule
        self._passed = 0  # of the schedule: offered or dropped
        self._dropped = 0

    def take(self, now: int, room: int) -> Slot:
        """Up to `room` records that are due, the oldest first, as offered; fewer where a slot's times would bend."""
        now = self._advance(now)
        stretch = self._next()
        first = stretch.time(self._passed + 1) if stretch else now + 1
        if stretch and first <= now:
            return self._slot(stretch, first, room)
        count = max(0, room) if self._unlimited else 0
        self._unasked += count
        return Slot(count, now + self._watch.offset, 0.0, 0)

    def apply(self, now: int, curve: Curve, *, started: int | None = None) -> None:
        """From now on this curve, which began at `started` (default: when the one before it began).

        What was due before keeps its intended times. Raises ValueError on a curve that does not ascend.
        """
        _checked(curve)
        now = self._advance(now)
        self._origin = self._origin if started is None else started
        base = self._at(now).exactly(now)
        kept = [s._replace(end=min(s.end, now)) for s in self._stretches if s.start < now]
        self._stretches = kept + _lay(curve or _STOPPED, self._origin, now, base)
        self._unlimited = not curve

    def wait(self, now: int) -> float:
        """Seconds until the next record is due: 0.0 when one is owed or the rate unlimited, inf when none ever will."""
        if self._unlimited:
            return 0.0
        stretch = self._next()
        return max(0, stretch.time(self._passed + 1) - now) / SECOND if stretch else math.inf

    def account(self, now: int) -> Account:
        """How matters stand; exact at every moment."""
        now = self._advance(now)
        due = self._at(now).due(now)
        offered = self._passed - self._dropped + self._unasked
        return Account(due + self._unasked, offered, due - self._passed, self._dropped)

    def _slot(self, stretch: _Stretch, first: int, room: int) -> Slot:
        lag = self._latest - first
        span = RAMP_SPAN if stretch.c else FLAT_SPAN
        last = stretch.due(int(min(self._latest, stretch.end, first + span)))
        count = max(0, min(room, last - self._passed))
        step = (stretch.time(self._passed + count) - first) / (count - 1) if count > 1 else 0.0
        self._passed += count
        return Slot(count, first + self._watch.offset, step, lag)

    def _advance(self, now: int) -> int:
        self._latest = now = max(now, self._latest)
        horizon = now - self._patience
        dropped = self._at(horizon).due(horizon) - self._passed if horizon >= self._stretches[0].start else 0
        if dropped > 0:
            self._passed += dropped
            self._dropped += dropped
        while self._stretches[0].end <= horizon:
            del self._stretches[0]
        return now

    def _at(self, now: int) -> _Stretch:
        return next(stretch for stretch in self._stretches if now < stretch.end)

    def _next(self) -> _Stretch | None:
        return next((stretch for stretch in self._stretches if stretch.reaches(self._passed + 1)), None)
