"""The schedule against an oracle that integrates the rate by itself, over any sequence of takes, stalls and changes."""

import math
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from actors.pace import (
    FLAT_SPAN,
    RAMP_SPAN,
    SECOND,
    UNLIMITED,
    Account,
    Clock,
    Curve,
    Knot,
    Pace,
    Slot,
    Watch,
    constant,
)

OFFSET = 1_700_000_000 * SECOND
PATIENCE = 10 * SECOND
START = 5 * SECOND
GRAIN = Fraction(1, 10**9)  # of a record: far more than any number of changes here forgets
WATCH = Watch(Clock(mono=lambda: 0, wall=lambda: OFFSET))


def paced(curve: Curve, *, started: int = 0) -> Pace:
    return Pace(curve, watch=WATCH, started=started)


def intended(slot: Slot) -> list[int]:
    """Monotonic ns of every record of a slot."""
    return [slot.first - OFFSET + int(k * slot.step) for k in range(slot.count)]


def integral(curve: Curve, since: int, until: int) -> Fraction:
    """Records between two times since the curve's start: trapezium by trapezium."""

    def rate(at: int) -> Fraction:
        inside = [(a, b) for a, b in pairwise(curve) if a.at <= at <= b.at]
        if not inside:
            return curve[0].rate if at < curve[0].at else curve[-1].rate
        a, b = inside[0]
        return a.rate + (b.rate - a.rate) * Fraction(at - a.at, b.at - a.at)

    edges = sorted({since, until, *(knot.at for knot in curve if since < knot.at < until)})
    return sum(((rate(a) + rate(b)) / 2 * (b - a) / SECOND for a, b in pairwise(edges)), Fraction(0))


rates = st.one_of(
    st.integers(0, 3_000_000).map(Fraction),
    st.fractions(min_value=0, max_value=1_000, max_denominator=10_007),
)
gaps = st.one_of(st.integers(1, 10**6), st.integers(1, 20 * SECOND))


@st.composite
def curves(draw: st.DrawFn) -> Curve:
    times = [0]
    for gap in draw(st.lists(gaps, max_size=3)):
        times.append(times[-1] + gap)
    return tuple(Knot(at, draw(rates)) for at in times)


class Schedule(RuleBasedStateMachine):
    """One pace under any treatment, beside what an outsider can say about it."""

    @initialize(curve=curves())
    def start(self, curve: Curve) -> None:
        self.now = self.changed = START
        self.curve = curve
        self.before = Fraction(0)  # due by the last change
        self.history = [(START, curve)]
        self.offered = 0
        self.newest = 0
        self.pace = paced(curve, started=START)

    def due(self, now: int) -> Fraction:
        return self.before + integral(self.curve, self.changed - START, now - START)

    def ever_due(self, now: int) -> Fraction:
        """As `due`, for times before the last change too."""
        edges = [*(at for at, _ in self.history), now]
        spans = zip(self.history, edges[1:], strict=True)
        parts = (integral(curve, at - START, min(now, end) - START) for (at, curve), end in spans if at < min(now, end))
        return sum(parts, Fraction(0))

    @rule(gap=gaps)
    def pass_time(self, gap: int) -> None:
        self.now += gap

    @rule(room=st.integers(0, 50_000))
    def take(self, room: int) -> None:
        before = self.pace.account(self.now)
        slot = self.pace.take(self.now, room)
        self.offered += slot.count
        assert 0 <= slot.count <= min(room, before.owed)
        assert 0 <= slot.lag <= PATIENCE
        if slot.count:
            self.check(slot, before.offered + before.not_offered + 1)

    def check(self, slot: Slot, number: int) -> None:
        first, last = slot.first - OFFSET, slot.first - OFFSET + int((slot.count - 1) * slot.step)
        assert self.newest <= first <= last <= self.now
        assert slot.lag == self.now - first
        assert last - first <= FLAT_SPAN
        self.newest = last
        for at, which in (first, number), (last, number + slot.count - 1):
            assert self.ever_due(at + 1) >= which - GRAIN
            assert self.ever_due(at - 1) <= which + GRAIN

    @rule(curve=curves())
    def change(self, curve: Curve) -> None:
        self.pace.apply(self.now, curve)
        self.before, self.changed, self.curve = self.due(self.now), self.now, curve
        if self.history[-1][0] == self.now:
            self.history.pop()
        self.history.append((self.now, curve))

    @rule(gap=gaps)
    def look_back(self, gap: int) -> None:
        """A clock that was read before somebody else's changes nothing."""
        before = self.pace.account(self.now)
        assert self.pace.account(self.now - gap) == before

    @invariant()
    def conserves(self) -> None:
        account = self.pace.account(self.now)
        assert account.due == account.offered + account.owed + account.not_offered
        assert account.offered == self.offered
        assert min(account) >= 0
        assert account.due in {math.floor(self.due(self.now)), math.floor(self.due(self.now) - GRAIN)}

    @invariant()
    def owes_no_more_than_its_patience(self) -> None:
        horizon = max(START, self.now - PATIENCE)
        owed = self.ever_due(self.now) - self.ever_due(horizon)
        assert self.pace.account(self.now).owed <= owed + 1

    @precondition(lambda self: self.pace.account(self.now).owed == 0)
    @rule()
    def waits_exactly_until_the_next_is_due(self) -> None:
        wait = self.pace.wait(self.now)
        assert wait > 0
        if wait < 1000:  # where a float of seconds still tells ns
            self.now += round(wait * SECOND)
            assert self.pace.account(self.now - 1).owed == 0
            assert self.pace.account(self.now).owed > 0


Schedule.TestCase.settings = settings(max_examples=150, stateful_step_count=25, deadline=None)
TestSchedule = Schedule.TestCase


def drained(pace: Pace, now: int, room: int = 10**6) -> list[Slot]:
    slots = []
    while (slot := pace.take(now, room)).count:
        slots.append(slot)
    return slots


def test_a_steady_rate_spaces_its_records_evenly() -> None:
    slot = paced(constant(1_000)).take(5_000_000, 100)
    assert intended(slot) == [1_000_000, 2_000_000, 3_000_000, 4_000_000, 5_000_000]
    assert slot.lag == 4_000_000


def test_the_room_bounds_a_slot_and_the_rest_stays_owed() -> None:
    pace = paced(constant(1_000))
    assert [pace.take(10_000_000, 4).count for _ in range(4)] == [4, 4, 2, 0]
    assert pace.take(11_000_000, 0) == Slot(0, OFFSET + 11_000_000, 0.0, 0)
    assert pace.account(11_000_000) == Account(due=11, offered=10, owed=1, not_offered=0)


def test_a_stall_is_made_up_for_with_the_times_that_were_intended() -> None:
    pace = paced(constant(1_000))
    slots = drained(pace, 3 * SECOND)
    assert [at for slot in slots for at in intended(slot)] == [k * 1_000_000 for k in range(1, 3_001)]
    assert max(slot.count for slot in slots) == 101  # 100 ms, both ends included


def test_what_is_owed_for_longer_than_the_patience_is_counted_as_not_offered() -> None:
    pace = paced(constant(1_000))
    assert pace.account(60 * SECOND) == Account(due=60_000, offered=0, owed=10_000, not_offered=50_000)
    assert intended(pace.take(60 * SECOND, 1)) == [50 * SECOND + 1_000_000]


def test_a_new_rate_leaves_old_debts_their_times() -> None:
    pace = paced(constant(1_000))
    pace.apply(5_000_000, constant(10))
    times = [at for slot in drained(pace, 205_000_000) for at in intended(slot)]
    assert times == [1_000_000, 2_000_000, 3_000_000, 4_000_000, 5_000_000, 105_000_000, 205_000_000]


def test_a_new_curve_goes_on_where_the_fleet_stands() -> None:
    ramp = (Knot(0, Fraction(0)), Knot(10 * SECOND, Fraction(1_000)))
    pace = paced(ramp)
    pace.apply(5 * SECOND, tuple(Knot(at, rate * 2) for at, rate in ramp))
    assert pace.account(10 * SECOND).due == 1_250 + 7_500
    late = paced(constant(1), started=5 * SECOND)
    late.apply(5 * SECOND, ramp, started=0)
    assert late.account(10 * SECOND).due == 3_750


def test_changes_of_long_ago_are_forgotten() -> None:
    pace = paced(constant(1))
    for second in range(1, 1_001):
        pace.apply(second * SECOND, constant(1 + second % 7))
    assert len(pace._stretches) <= 12
    assert max(number.bit_length() for stretch in pace._stretches for number in stretch[2:]) < 256


def test_unlimited_gives_all_the_room_there_is_and_intends_it_now() -> None:
    pace = paced(UNLIMITED)
    assert pace.take(7, 20_000) == Slot(20_000, OFFSET + 7, 0.0, 0)
    assert pace.wait(8) == 0.0
    assert pace.account(60 * SECOND) == Account(due=20_000, offered=20_000, owed=0, not_offered=0)


def test_old_debts_come_first_when_a_rate_becomes_unlimited_and_a_limit_forgives_nothing() -> None:
    pace = paced(constant(1_000))
    pace.apply(3_000_000, UNLIMITED)
    assert intended(pace.take(4_000_000, 10)) == [1_000_000, 2_000_000, 3_000_000]
    assert pace.take(5_000_000, 10).count == 10
    pace.apply(6_000_000, constant(1_000))
    assert pace.account(8_000_000) == Account(due=15, offered=13, owed=2, not_offered=0)


def test_nothing_is_due_before_the_start_nor_ever_at_rate_0() -> None:
    pace = paced(constant(1_000_000), started=SECOND)
    assert pace.take(SECOND // 2, 10).count == 0
    assert pace.wait(SECOND // 2) == pytest.approx(0.500001)
    assert paced(constant(0)).wait(0) == math.inf


def test_a_week_at_a_million_a_second_is_exact() -> None:
    pace = paced(constant(1_000_000))
    week = 7 * 86_400 * SECOND
    assert pace.account(week).due == 604_800_000_000
    assert intended(pace.take(week, 1)) == [week - 10 * SECOND + 1_000]


@given(
    rate=st.fractions(min_value=Fraction(1, 100), max_value=10**6, max_denominator=1_000),
    of=st.integers(1, 50),
    now=st.integers(0, 10**14),
)
def test_the_slices_of_a_rate_add_up_to_within_a_record_each(rate: Fraction, of: int, now: int) -> None:
    whole = paced(constant(rate)).account(now).due
    parts = of * paced(constant(rate / of)).account(now).due
    assert whole - of < parts <= whole


@given(
    left=st.integers(0, 10**5),
    right=st.integers(0, 10**5),
    seconds=st.integers(1, 30),
    stall=st.integers(1, 5 * SECOND),
)
def test_a_ramps_times_bend_by_no_more_than_is_said(left: int, right: int, seconds: int, stall: int) -> None:
    curve = (Knot(0, Fraction(left)), Knot(seconds * SECOND, Fraction(right)))
    number = 1
    for slot in drained(paced(curve), stall)[:20]:
        times = intended(slot)
        a, b = (
            left + (right - left) * Fraction(min(at, seconds * SECOND), seconds * SECOND)
            for at in (times[0], times[-1])
        )
        bend = math.ceil((times[-1] - times[0]) * abs(b - a) / (4 * (a + b))) + 1
        assert bend <= RAMP_SPAN // 4 + 1
        for k in range(0, slot.count, max(1, slot.count // 7)):
            assert integral(curve, 0, times[k] + bend) >= number + k - GRAIN
            assert integral(curve, 0, max(0, times[k] - bend)) <= number + k + GRAIN
        number += slot.count


def test_curves_that_do_not_ascend_and_rates_below_0_are_refused() -> None:
    with pytest.raises(ValueError, match="a curve's knots ascend: 5 ns stands after 5 ns"):
        paced((Knot(5, Fraction(1)), Knot(5, Fraction(2))))
    with pytest.raises(ValueError, match="a rate is 0 records/s or more: -1 at 0 ns"):
        paced(constant(1)).apply(0, constant(-1))


class Clocks:
    """Two clocks that a test sets; each reading of the wall clock takes the next delay."""

    def __init__(self) -> None:
        self.mono, self.ahead, self.delays = 0, OFFSET, [0]

    def read_wall(self) -> int:
        at = self.mono + self.ahead
        self.mono += self.delays[0]
        self.delays = [*self.delays[1:], self.delays[0]]
        return at

    def clock(self) -> Clock:
        return Clock(mono=lambda: self.mono, wall=self.read_wall)


def test_a_wall_clock_that_is_set_is_noticed_once_and_used_from_then_on() -> None:
    clocks = Clocks()
    watch = Watch(clocks.clock())
    pace = Pace(constant(1_000), watch=watch, started=0)
    clocks.mono += SECOND
    assert not watch.jumped(1_000_000)
    clocks.ahead += 3_600 * SECOND
    assert watch.jumped(1_000_000)
    assert not watch.jumped(1_000_000)
    assert pace.take(1_000_000, 1).first == OFFSET + 3_600 * SECOND + 1_000_000


def test_a_slow_drift_is_followed_and_is_no_jump() -> None:
    clocks = Clocks()
    watch = Watch(clocks.clock())
    for _ in range(100):
        clocks.ahead -= 500_000
        assert not watch.jumped(1_000_000)
    assert watch.offset == OFFSET - 50_000_000


def test_a_reading_that_was_preempted_is_no_jump() -> None:
    clocks = Clocks()
    clocks.delays = [SECOND, SECOND, 0, SECOND, SECOND]
    watch = Watch(clocks.clock())
    assert watch.offset == OFFSET
    assert not watch.jumped(0)


def test_the_wall_clock_is_taken_to_be_read_midway() -> None:
    clock = Clock(mono=iter(range(0, 10_000, 100)).__next__, wall=lambda: 0)
    assert clock.offset() == -50


def test_the_real_clocks_agree_with_themselves() -> None:
    assert not Watch(Clock()).jumped(SECOND)
