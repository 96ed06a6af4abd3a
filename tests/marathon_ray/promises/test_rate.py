"""KeepsRate: sums over the chosen rounds against a share of the schedule or a rate."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from actors.spec import Producers
from actors.units import Rate
from marathon_ray.promises.promise import Declared, Promise
from marathon_ray.promises.rate import KeepsRate
from marathon_ray.round import Doing, Phase
from tests.marathon_ray.promises.rounds import DECLARED, FLEETS, TOPICS, a_round, cut, every_second, judge

MOST: Promise = KeepsRate("writers", at_least="95 %", outside="faults")


def writing(acknowledged: int, *, offered: int = 1000, **counts: int) -> Doing:
    return Doing(workers=1, wanted=1, offered=offered, counts={"acknowledged": acknowledged, **counts})


def test_enough_of_what_was_due_passes() -> None:
    verdict = judge(MOST, every_second(10, writers=writing(960)))
    assert (verdict.state, verdict.safety) == ("passed", False)
    assert verdict.demanded == "writers acknowledged at least 95 % of what was due outside faults"
    assert verdict.found == "96 %: 9,600 of 10,000 records acknowledged"
    assert verdict.figures["share"] == 0.96


def test_too_little_fails_and_never_reads_as_enough() -> None:
    verdict = judge(MOST, every_second(1, writers=writing(949_999, offered=1_000_000, **{"not offered": 40})))
    assert verdict.state == "failed"
    assert verdict.found == "94.99 %: 949,999 of 1,000,000 records acknowledged, 40 were not offered in time"


def test_faults_are_left_out_and_there_is_no_grace_after_them() -> None:
    calm, hit = every_second(9, writers=writing(1000)), a_round(9, 10, fleets={"writers": writing(0)}, faults=("kill",))
    assert judge(MOST, [*calm, hit]).state == "passed"
    assert judge(KeepsRate("writers", at_least="95 %"), [*calm, hit]).state == "failed"
    assert judge(KeepsRate("writers", at_least="1 %", inside="faults"), [*calm, hit]).state == "failed"
    after = a_round(10, 11, fleets={"writers": writing(0)})
    assert judge(MOST, [*calm, hit, after]).state == "failed"


def test_what_is_not_written_for_want_of_workers_is_left_out() -> None:
    calm, short = (
        every_second(9, writers=writing(1000)),
        a_round(9, 10, fleets={"writers": writing(0)}, short=("readers",)),
    )
    assert judge(MOST, [*calm, short]).state == "passed"


def test_only_the_workload_counts() -> None:
    rounds = [a_round(0, 1, fleets={"writers": writing(0)}, phase=phase) for phase in Phase if phase != Phase.WORKLOAD]
    verdict = judge(MOST, rounds)
    assert (verdict.state, verdict.found) == ("undecided", "nothing was due outside faults")


def test_debt_that_is_paid_later_counts() -> None:
    rounds = [*every_second(1, writers=writing(200)), *every_second(1, writers=writing(1800))]
    assert judge(MOST, rounds).state == "passed"


def test_a_rate_in_bytes_or_records_is_told_a_second() -> None:
    unlimited = writing(2_000, offered=-1, bytes=100_000_000)
    verdict = judge(KeepsRate("writers", at_least="100 MB/s"), every_second(4, writers=unlimited))
    assert (verdict.state, verdict.found) == ("passed", "100 MB/s acknowledged over 4 s")
    assert verdict.demanded == "writers acknowledged at least 100 MB/s"
    assert (verdict.figures["bytes"], verdict.figures["offered"]) == (400_000_000, 0)
    short = writing(2_000, offered=-1, bytes=99_999_999)
    verdict = judge(KeepsRate("writers", at_least="100 MB/s"), every_second(4, writers=short))
    assert (verdict.state, verdict.found) == ("failed", "99.9 MB/s acknowledged over 4 s")
    assert judge(KeepsRate("writers", at_least="2k records/s"), every_second(4, writers=short)).state == "passed"
    assert judge(KeepsRate("writers", at_least="2001 records/s"), every_second(4, writers=short)).state == "failed"


def test_consumers_keep_the_rate_of_what_they_read() -> None:
    reading = Doing(workers=1, wanted=1, offered=500, counts={"read": 500, "read bytes": 60_000, "acknowledged": 0})
    verdict = judge(KeepsRate("readers", at_least=1), every_second(3, readers=reading))
    assert (verdict.state, verdict.found) == ("passed", "100 %: 1,500 of 1,500 records read")
    assert judge(KeepsRate("readers", at_least="61 kB/s"), every_second(3, readers=reading)).state == "failed"


def test_a_share_of_an_unlimited_rate_says_nothing() -> None:
    assert judge(MOST, every_second(3, writers=writing(1000, offered=-1))).state == "undecided"
    mixed = [*every_second(1, writers=writing(500)), *every_second(1, writers=writing(1000, offered=-1))]
    assert judge(MOST, mixed).figures["share"] == 0.5
    declared = Declared(TOPICS, {"writers": Producers(to=("orders",))})
    (mistake,) = MOST.mistakes(declared)
    assert mistake == "writers are unlimited, so 95 % of their rate is nothing: demand a rate"
    assert list(KeepsRate("writers", at_least="1 MB/s").mistakes(declared)) == []


def test_a_fleet_that_never_came_is_undecided() -> None:
    assert judge(KeepsRate("writers", at_least="1 MB/s"), every_second(3)).state == "undecided"


@given(
    st.lists(
        st.tuples(st.integers(0, 1000), st.integers(0, 1000), st.booleans(), st.floats(0.1, 0.9)),
        min_size=1,
        max_size=8,
    )
)
def test_however_rounds_are_cut_the_verdict_is_the_same(seconds: list[tuple[int, int, bool, float]]) -> None:
    rounds = [
        a_round(at, at + 1, fleets={"writers": writing(done, offered=due)}, faults=("kill",) if hit else ())
        for at, (done, due, hit, _) in enumerate(seconds)
    ]
    pieces = [piece for whole, (*_, share) in zip(rounds, seconds, strict=True) for piece in cut(whole, share)]
    whole, split = judge(MOST, rounds), judge(MOST, pieces)
    assert (whole.state, whole.found) == (split.state, split.found)


def test_mistakes_name_the_nearest_fleet_and_those_without_a_rate() -> None:
    (mistake,) = KeepsRate("writer", at_least="95 %").mistakes(DECLARED)
    assert mistake == "fleet writer is not declared: did you mean writers?"
    (mistake,) = KeepsRate("auditors", at_least="95 %").mistakes(Declared(TOPICS, FLEETS))
    assert mistake == "auditors are Auditors: only Producers and Consumers have a rate to keep"


@pytest.mark.parametrize("bad", ["0 %", "0 MB/s", "unlimited", "fast", True])
def test_what_is_no_goal_is_refused(bad: str) -> None:
    with pytest.raises(ValidationError):
        KeepsRate("writers", at_least=bad)


def test_goals_are_shares_or_rates() -> None:
    assert KeepsRate("writers", at_least="1/2").at_least == 0.5
    assert KeepsRate("writers", at_least="30000/s").at_least == Rate.parse("30k records/s")
    assert KeepsRate("writers", at_least=Rate.parse("1 MB/s")).at_least == Rate.parse("1 MB/s")
    with pytest.raises(ValidationError, match="no round is both"):
        KeepsRate("writers", at_least="95 %", outside="faults", inside="faults")
