"""Where logs start: kept as long as a claim below waits to be judged, and no longer."""

import pytest

from actors.tally import Kind, Outcome
from marathon_ray.finding import FindingKind
from tests.model.bench import Bench, run

A, EARLY = Outcome.ACKNOWLEDGED, FindingKind.EXPIRED_EARLY


def test_a_log_that_expires_for_weeks_behind_both_passes_keeps_one_start() -> None:
    bench = Bench(retention=5)
    kept = []
    for first in range(0, 1_000, 10):
        bench.write(A, first, first + 9, offset=first)
        bench.both(run(first, first + 9))
        bench.accounts.log_start(0, 0, offset=first + 5, at=first)
        bench.accounts.settle()
        kept.append(bench.accounts.rows)
    assert max(kept[10:]) <= max(kept[:10])
    assert bench.accounts.finish().findings == ()


def test_starts_are_kept_while_a_claim_below_them_waits_so_that_its_age_is_known() -> None:
    bench = Bench(retention=100)
    bench.write(A, 0, 9, offset=0, at=0)
    bench.write(A, 10, 19, offset=10, at=450)
    bench.read("first", run(0, 9))
    for offset, at in ((5, 200), (15, 500), (18, 900)):
        bench.accounts.log_start(0, 0, offset=offset, at=at)
        assert bench.accounts.settle().findings == ()
    found = bench.accounts.finish().findings
    assert [(one.kind, one.first, one.last) for one in found] == [(FindingKind.EXPIRED_EARLY, 10, 14)]


def test_what_was_read_twice_and_is_gone_since_is_a_finding_where_nothing_was_old_enough() -> None:
    for at, early in ((99, 8), (100, 0)):
        bench = Bench(retention=100)
        bench.write(A, 0, 19, offset=0, at=0)
        bench.both(run(0, 19))
        bench.accounts.log_start(0, 0, offset=8, at=at)
        found = bench.accounts.finish().findings
        assert [(one.kind, one.count, one.last_offset) for one in found] == [(EARLY, early, 7)] * bool(early)
        assert bench.total("found") == 20


def test_what_the_second_pass_could_not_read_is_found_once() -> None:
    bench = Bench(retention=100)
    bench.write(A, 0, 19, offset=0, at=0)
    bench.read("first", run(0, 19))
    gone = (Kind.EXPIRED, 0, 0, 0, -1, 10, 10, 50)
    bench.read("second", run(10, 19), incidents=[gone])
    bench.accounts.log_start(0, 0, offset=10, at=60)
    found = bench.accounts.finish().findings
    assert [(one.kind, one.first, one.last, one.count) for one in found] == [(EARLY, 0, 9, 10)]


@pytest.mark.parametrize(("at", "early"), [(99, 10), (100, 0)])
def test_a_record_without_an_offset_has_an_age_as_well(at: int, early: int) -> None:
    bench = Bench(retention=100)
    bench.write(A, 0, 9, at=0)
    bench.write(A, 10, 19, offset=10, at=0)
    gone = (Kind.EXPIRED, 0, 0, 0, -1, 10, 10, at)
    bench.accounts.log_start(0, 0, offset=10, at=at)
    for reading in ("first", "second"):
        bench.read(reading, run(10, 19), incidents=[gone])
    assert sum(one.count for one in bench.accounts.finish().findings if one.kind == EARLY) == early
    assert bench.total("expired") == 10


def test_a_claim_that_comes_after_its_records_were_judged_is_held_to_its_age_as_well() -> None:
    bench = Bench(retention=100)
    bench.write(Outcome.UNKNOWN, 0, 9)
    bench.write(A, 10, 19, offset=10, at=0)
    gone = (Kind.EXPIRED, 0, 0, 0, -1, 10, 10, 50)
    for reading in ("first", "second"):
        bench.read(reading, run(10, 19), incidents=[gone])
    assert bench.accounts.settle().findings == ()
    bench.write(A, 0, 9, offset=0, at=0)
    assert [(one.kind, one.count) for one in bench.accounts.finish().findings] == [(EARLY, 10)]
    assert bench.total("expired") == 10
