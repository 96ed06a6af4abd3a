"""Drained: a group catches up with those that write, in time, while they go on."""

from collections.abc import Iterable
from dataclasses import replace

from marathon_ray.promises.drained import Drained
from marathon_ray.promises.promise import Promise
from marathon_ray.round import Doing, Phase, Round
from tests.marathon_ray.promises.rounds import DECLARED, a_round, acks, judge

SOON: Promise = Drained("readers", within="5 s")


def chase(
    lags: Iterable[int | None], *, start: int = 0, written: int = 100, phase: Phase = Phase.WORKLOAD
) -> list[Round]:
    """A round a second in which the group has that lag (None: it tells none), and reads."""
    reading = {"readers": Doing(workers=1, wanted=1, counts={"read": 500})}
    return [
        a_round(
            at, at + 1, phase=phase, fleets=reading, lag={} if lag is None else {"readers": lag},
            acks=acks((0, at, at + 0.9), count=written),
        )
        for at, lag in enumerate(lags, start)
    ]  # fmt: skip


def test_who_catches_up_in_time_passes() -> None:
    verdict = judge(SOON, chase([3000, 2000, 800, 100]))
    assert (verdict.state, verdict.found) == ("passed", "caught up in 4 s, from 3,000 records behind")
    assert verdict.demanded == "readers have caught up within 5 s"
    assert verdict.figures == {"seconds": 4, "read": 2000, "lag": 100, "greatest lag": 3000}


def test_who_catches_up_too_late_fails() -> None:
    verdict = judge(SOON, chase([3000] * 5 + [100]))
    assert (verdict.state, verdict.found) == ("failed", "caught up in 6 s, from 3,000 records behind")


def test_who_does_not_catch_up_fails_once_the_time_is_over_and_is_undecided_before() -> None:
    assert judge(SOON, chase([3000] * 5)).state == "undecided"
    verdict = judge(SOON, chase([3000] * 6))
    assert (verdict.state, verdict.found) == ("failed", "not caught up in 6 s: 3,000 read, 3,000 records behind")


def test_while_the_bench_lacks_workers_the_time_stands_still() -> None:
    short = [replace(one, short=("readers",)) for one in chase([3000] * 7)]
    verdict = judge(SOON, [*short, *chase([900, 50], start=7)])
    assert (verdict.state, verdict.figures["seconds"]) == ("passed", 2)
    assert judge(SOON, [*short, *chase([900] * 6, start=7)]).state == "failed"


def test_near_is_what_is_written_in_one_round_of_the_topics_that_are_read() -> None:
    assert judge(SOON, chase([3000, 101] * 3)).state == "failed"
    elsewhere = [replace(one, acks=acks((0, 0, 1), topic=2)) for one in chase([50] * 6)]
    assert judge(SOON, elsewhere).state == "failed"
    assert judge(SOON, chase([0], written=0)).state == "passed"


def test_the_time_begins_with_the_start_of_the_fleet() -> None:
    later = [a_round(at, at + 1, fleets={"readers": Doing(wanted=0)}, lag={"readers": 100 * at}) for at in range(30)]
    assert judge(SOON, later).found == "readers were never started"
    assert judge(SOON, [*later, *chase([500, 50], start=30)]).figures["seconds"] == 2
    joining = [a_round(at, at + 1, fleets={"readers": Doing(wanted=1)}) for at in range(30, 34)]
    assert judge(SOON, [*later, *joining, *chase([500, 50], start=34)]).state == "failed"


def test_a_lag_of_nothing_before_anything_was_read_is_no_success() -> None:
    unread = [
        a_round(at, at + 1, lag={"readers": 0}, fleets={"readers": Doing(workers=1, wanted=1)}) for at in range(3)
    ]
    assert judge(SOON, unread).state == "undecided"
    assert judge(SOON, [*unread, *chase([900, 10], start=3)]).figures["seconds"] == 5


def test_once_caught_up_it_may_lag_again_and_to_be_drained_after_the_workload_is_no_feat() -> None:
    assert judge(SOON, chase([500, 50, *[9000] * 9])).state == "passed"
    drained = chase([0], start=3, phase=Phase.DRAIN)
    assert judge(SOON, [*chase([500] * 3), *drained]).state == "undecided"


def test_a_lag_that_is_not_told_is_not_known() -> None:
    assert judge(SOON, chase([None] * 6)).found == "not caught up in 6 s: 3,000 read, how far behind is not known"


def test_mistakes_name_what_has_no_group() -> None:
    assert list(Drained("reader", within=1).mistakes(DECLARED)) == [
        "fleet reader is not declared: did you mean readers?"
    ]
    (mistake,) = Drained("writers", within=1).mistakes(DECLARED)
    assert mistake == "writers are Producers, which have no group that could catch up"
    assert list(Drained("copiers", within=1).mistakes(DECLARED)) == []
