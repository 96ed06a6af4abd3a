"""Where a transaction stays open: what is said of the log, and what is owed to the groups that cannot read beyond."""

import pytest

from actors.tally import Fate, Kind, Outcome
from marathon_ray.finding import FindingKind
from marathon_ray.stable import GRACE
from marathon_ray.terms import GroupTerms, TopicTerms
from tests.model.bench import CLIENT, SECOND, Bench, run

A = Outcome.ACKNOWLEDGED
COMMITTED = GroupTerms(isolation="read_committed")
LIMIT = 8 * SECOND + GRACE


def transacting() -> Bench:
    """A topic in which no transaction may stay open for longer than 8 s."""
    return Bench(transaction_timeout=8 * SECOND)


def stable(bench: Bench, stable: int, end: int, *, at: int = 0, place: tuple[int, int] = (0, 0)) -> None:
    bench.accounts.stable_end(*place, stable=stable, end=end, at=at)


def written(*, log: int = 20, **groups: GroupTerms) -> Bench:
    """So many records are in the log and were found, and all of them are said to be copied; nothing is settled yet."""
    bench = Bench(groups=groups)
    bench.accounts.copied(1)
    bench.write(A, 0, log - 1, offset=0)
    bench.both(run(0, log - 1))
    return bench


def missed(bench: Bench, *, eager: bool = False) -> list[tuple[str, str, int, int]]:
    """What groups are said to have missed at the end: (group, kind, first, last)."""
    found = [*(bench.accounts.settle().findings if eager else ()), *bench.accounts.finish().findings]
    return sorted((f.reading, f.kind, f.first, f.last) for f in found if f.reading)


def test_what_is_not_stable_when_nobody_writes_any_more_is_stuck() -> None:
    bench = transacting()
    stable(bench, 5, 8, at=100, place=(0, 1))
    stable(bench, 5, 9, at=300, place=(0, 1))
    assert bench.accounts.settle().findings == ()
    (finding,) = bench.accounts.finish().findings
    assert (finding.kind, finding.topic, finding.partition, finding.count) == (FindingKind.STUCK, 0, 1, 4)
    assert (finding.first_offset, finding.last_offset, finding.since, finding.until) == (5, 8, 100, 300)


@pytest.mark.parametrize("end", [9, 8])  # what is stable is asked for after the end, and may be beyond it
def test_what_catches_up_is_not_stuck(end: int) -> None:
    bench = transacting()
    stable(bench, 5, 9, at=100)
    stable(bench, 9, end, at=200)
    assert bench.accounts.finish().findings == ()


def test_a_stable_end_that_moves_may_stay_behind_for_ever() -> None:
    bench = transacting()
    for turn in range(20):
        stable(bench, 5 + turn, 9 + turn, at=turn * LIMIT)
        assert bench.accounts.settle().findings == ()
    stable(bench, 30, 30, at=20 * LIMIT)
    assert bench.accounts.finish().findings == ()


def test_one_that_stands_for_longer_than_a_transaction_may_is_stuck_at_once_and_said_once() -> None:
    bench = transacting()
    stable(bench, 5, 9, at=SECOND)
    stable(bench, 5, 70, at=SECOND + LIMIT)
    assert bench.accounts.settle().findings == ()
    stable(bench, 5, 90, at=SECOND + LIMIT + 1)
    (finding,) = bench.accounts.settle().findings
    assert (finding.kind, finding.first_offset, finding.count, finding.since) == (FindingKind.STUCK, 5, 85, SECOND)
    stable(bench, 5, 99, at=SECOND + 3 * LIMIT)
    assert bench.accounts.settle().findings == ()
    assert bench.accounts.finish().findings == ()


def test_that_it_was_stuck_stands_when_it_moves_again_and_the_next_time_counts_anew() -> None:
    bench = transacting()
    stable(bench, 5, 9)
    stable(bench, 5, 9, at=2 * LIMIT)
    stable(bench, 9, 9, at=3 * LIMIT)
    stable(bench, 9, 12, at=4 * LIMIT)
    stable(bench, 9, 12, at=5 * LIMIT)
    window = bench.accounts.settle()
    assert [(f.kind, f.first_offset) for f in window.findings] == [(FindingKind.STUCK, 5)]
    assert window.withdrawn == ()
    assert [(f.first_offset, f.since) for f in bench.accounts.finish().findings] == [(9, 4 * LIMIT)]


def test_without_another_word_a_transaction_may_stay_open_as_long_as_brokers_let_it() -> None:
    assert TopicTerms(topic_id="a", partitions=1).transaction_timeout == 900 * SECOND


def test_a_topic_that_is_another_one_now_is_not_stuck() -> None:
    bench = transacting()
    stable(bench, 5, 9)
    bench.accounts.recreated(0, "second life", at=1)
    stable(bench, 5, 9)
    assert [f.kind for f in bench.accounts.finish().findings] == [FindingKind.RECREATED]


@pytest.mark.parametrize("eager", [True, False])
def test_what_is_not_stable_is_not_owed_to_a_committed_reader_and_what_is_below_is(*, eager: bool) -> None:
    bench = written(live=COMMITTED, all=GroupTerms())
    bench.read("live", [*run(0, 3), *run(6, 9)])
    bench.read("all", [*run(0, 14), *run(16, 19)])
    stable(bench, 10, 20)
    assert missed(bench, eager=eager) == [("all", "skipped", 15, 15), ("live", "skipped", 4, 5)]
    assert bench.total("excused", "live") == 10


@pytest.mark.parametrize("eager", [True, False])
@pytest.mark.parametrize("moves", [True, False])
def test_a_group_that_was_beyond_what_was_cut_off_is_not_owed_what_is_stuck_there_now(
    *, eager: bool, moves: bool
) -> None:
    bench = Bench(groups={"live": COMMITTED})
    cut = (Kind.TRUNCATED, 0, 0, 0, -1, 6, 4, 0)
    bench.read("live", run(0, 9))
    for reading in ("first", "second"):
        bench.read(reading, run(0, 9))
        bench.read(reading, [*run(0, 5), *run(10, 13, shift=-4)], epoch=1, incidents=[cut])
    bench.write(A, 0, 9, offset=0)
    bench.write(A, 10, 13, offset=6)
    stable(bench, 6, 10)
    if eager:
        bench.accounts.settle()
    if moves:
        stable(bench, 10, 10)
    assert missed(bench) == ([("live", "skipped", 10, 13)] if moves else [])


def told(bench: Bench, *rows: tuple[Fate, int, int, int]) -> None:
    """Fates of copies: (fate, transaction, first, last)."""
    bench.take("copier", fates=[(CLIENT, 0, 1, fate, number, first, last, 99) for fate, number, first, last in rows])


@pytest.mark.parametrize("eager", [True, False])
@pytest.mark.parametrize("read", [True, False])
def test_a_copy_made_again_where_the_log_is_not_stable_is_not_owed_yet(*, eager: bool, read: bool) -> None:
    bench = written(log=10, live=COMMITTED)
    bench.write(A, 0, 9, offset=0, place=(1, 0))
    bench.write(A, 0, 9, offset=11, place=(1, 0))
    told(bench, (Fate.ABORTED, 1, 0, 9), (Fate.COMMITTED, 2, 0, 9))
    bench.both_of((1, 0), run(0, 9))
    bench.read("live", [], place=(1, 0), position=11)
    stable(bench, 11, 22, place=(1, 0))
    if eager:
        bench.accounts.settle()
    bench.both_of((1, 0), run(0, 9, shift=11))
    if eager:
        assert bench.accounts.settle().findings == ()
    if read:
        stable(bench, 22, 22, place=(1, 0))
        bench.read("live", run(0, 8, shift=11), place=(1, 0), position=22)
    assert missed(bench) == ([("live", "not copied", 9, 9), ("live", "skipped", 9, 9)] if read else [])
    assert bench.total("delivered", "live") == (9 if read else 0)


def copied(place: tuple[int, int]) -> list[tuple[str, str, int, int]]:
    """Ten inputs at 0..9, copied but for the last to 0..8; the group is given 0..5, and `place` is stable up to there."""
    bench = written(log=10, live=COMMITTED)
    for reading in ("first", "second"):
        bench.read(reading, run(0, 8), place=(1, 0))
    bench.read("live", run(0, 5), place=(1, 0))
    stable(bench, 6, 10, place=place)
    return missed(bench)


def test_a_copy_that_is_not_stable_may_be_missing_to_the_group_but_not_in_the_log() -> None:
    assert copied((1, 0)) == [("live", "not copied", 9, 9)]


def test_a_copy_that_is_in_the_log_and_was_not_read_yet_is_no_missing_one() -> None:
    bench = written(log=10, live=COMMITTED)
    bench.both_of((1, 0), run(0, 8))
    bench.read("live", run(0, 5), place=(1, 0))
    assert missed(bench) == [("live", "not copied", 9, 9)]


def test_an_input_that_is_not_stable_need_not_have_been_copied() -> None:
    assert copied((0, 0)) == []
