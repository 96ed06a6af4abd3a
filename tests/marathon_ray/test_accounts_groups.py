"""Cases of groups and transactions: what was delivered against what is in the log."""

import pytest

from actors.tally import Fate, Kind, Life, Outcome
from marathon_ray.finding import FindingKind
from marathon_ray.terms import GroupTerms
from tests.model.bench import CLIENT, Bench, of, run

A, R, U = Outcome.ACKNOWLEDGED, Outcome.REFUSED, Outcome.UNKNOWN


def test_what_a_group_was_given_before_the_log_was_cut_is_not_in_the_log_and_no_redelivery() -> None:
    bench = Bench(groups={"live": GroupTerms()})
    bench.write(A, 0, 9, offset=0)
    cut = (Kind.TRUNCATED, 0, 0, 0, -1, 6, 4, 0)
    for reading in ("first", "second", "live"):
        bench.read(reading, run(0, 9))
    for reading in ("first", "second"):
        bench.read(reading, run(0, 5), incidents=[cut])
    window = bench.accounts.finish()
    assert [(f.kind, f.first, f.last) for f in window.findings] == [(FindingKind.GONE, 6, 9)]
    assert (bench.total("delivered", "live"), bench.total("delivered, not in the log", "live")) == (6, 4)
    assert bench.total("redelivered", "live") == 0


def test_a_rebalance_that_reads_again_is_redelivery_and_two_offsets_are_a_duplicate_in_the_log() -> None:
    bench = Bench(groups={"live": GroupTerms()})
    bench.write(A, 0, 9, offset=0)
    bench.both([*run(0, 9), (10, 9)])
    bench.read("live", run(0, 7), worker="member 1", stint=1)
    bench.read("live", [*run(5, 9), (10, 9)], worker="member 2", stint=2)
    window = bench.accounts.finish()
    assert [(f.kind, f.first, f.count, f.reading) for f in window.findings] == [(FindingKind.DUPLICATED, 9, 1, "")]
    assert bench.total("redelivered", "live") == 3
    assert bench.total("duplicated") == 1


def test_what_a_group_never_was_given_below_its_position_is_skipped_and_what_is_behind_is_not_owed() -> None:
    bench = Bench(groups={"live": GroupTerms()})
    bench.write(A, 0, 19, offset=0)
    bench.both(run(0, 19))
    bench.read("live", [*run(0, 4), *run(8, 14)])
    (finding,) = bench.accounts.finish().findings
    assert (finding.kind, finding.first, finding.last, finding.reading) == (FindingKind.SKIPPED, 5, 7, "live")
    assert bench.total("excused", "live") == 5


def test_a_commit_beyond_what_was_delivered_is_a_finding() -> None:
    bench = Bench(groups={"live": GroupTerms()})
    bench.read("live", run(0, 9), commits=[(0, 0, 0, 10)])
    bench.read("live", run(10, 12), commits=[(0, 0, 0, 20)])
    (finding,) = bench.accounts.finish().findings[:1]
    assert (finding.kind, finding.first_offset, finding.count) == (FindingKind.COMMITTED_BEYOND, 13, 7)


def fates(bench: Bench, *rows: tuple[Fate, int, int, int]) -> None:
    bench.take(
        "transactor",
        fates=[(CLIENT, 0, 0, fate, number, first, last, CLIENT) for fate, number, first, last in rows],
    )


COMMITTED = {"live": GroupTerms(isolation="read_committed")}


def test_an_aborted_record_that_a_committed_reader_was_given_is_a_finding_and_a_withheld_one_is_not() -> None:
    bench = Bench(groups=COMMITTED, transactional=True)
    bench.write(A, 0, 29, offset=0)
    bench.both(run(0, 29))
    fates(bench, (Fate.COMMITTED, 0, 0, 9), (Fate.ABORTED, 1, 10, 19), (Fate.COMMITTED, 2, 20, 29))
    bench.read("live", [*run(0, 9), (12, 12), *run(20, 26), *run(28, 29)])
    window = bench.accounts.settle()
    assert [(f.kind, f.first, f.count) for f in window.findings] == [
        (FindingKind.SKIPPED, 27, 1),
        (FindingKind.ABORTED_DELIVERED, 12, 1),
    ]
    assert bench.total("withheld", "live") == 9


def test_a_committed_reader_is_not_judged_before_the_fates_are_told() -> None:
    bench = Bench(groups=COMMITTED, transactional=True)
    bench.write(A, 0, 19, offset=0)
    bench.both(run(0, 19))
    bench.read("live", run(10, 19))
    assert bench.accounts.settle().findings == ()
    fates(bench, (Fate.ABORTED, 0, 0, 9), (Fate.COMMITTED, 1, 10, 19))
    assert bench.accounts.settle().findings == ()
    assert bench.total("delivered", "live") == 10


@pytest.mark.parametrize(("given", "torn"), [(range(20), 0), (range(0), 0), (range(13), 7)])
def test_a_transaction_of_unknown_outcome_is_all_or_nothing(given: range, torn: int) -> None:
    bench = Bench(groups=COMMITTED, transactional=True)
    bench.write(A, 0, 29, offset=0)
    bench.both(run(0, 29))
    fates(bench, (Fate.UNKNOWN, 5, 0, 19), (Fate.COMMITTED, 6, 20, 29))
    bench.read("live", [*((n, n) for n in given), *run(20, 29)])
    findings = bench.accounts.finish().findings
    assert [(f.kind, f.first, f.count) for f in findings] == ([(FindingKind.TORN, 5, torn)] if torn else [])


def test_a_zombie_may_write_but_nothing_behind_its_fence_mark_may_be_committed() -> None:
    bench = Bench()
    bench.write(A, 0, 9, offset=0)
    bench.accounts.fence(CLIENT, topic=0, partition=0, offset=10)
    bench.both(run(0, 14))
    fates(bench, (Fate.ABORTED, 3, 12, 14))
    (finding,) = of(bench.accounts.finish(), FindingKind.FENCED_WRITE)
    assert (finding.first, finding.last, finding.client) == (10, 11, CLIENT)


@pytest.mark.parametrize("said", [True, False])
def test_every_input_is_copied_exactly_once_where_all_is_said_to_be_copied(*, said: bool) -> None:
    bench = Bench(groups=COMMITTED)
    bench.accounts.begin_drain()
    if said:
        bench.accounts.copied(1)
    bench.write(A, 0, 9, offset=0)
    bench.both(run(0, 9))
    output = [*run(0, 3), (4, 4), (5, 4), *((s + 1, s) for s in range(5, 9))]
    for reading in ("first", "second", "live"):
        bench.read(reading, output, place=(1, 0))
    findings = bench.accounts.finish().findings
    assert [(f.kind, f.topic, f.first, f.count) for f in findings if "copied" in f.kind] == [
        (FindingKind.COPIED_TWICE, 1, 4, 1),
        *([(FindingKind.NOT_COPIED, 1, 9, 1)] if said else []),  # else somebody might have come to it
    ]


def copies_told(bench: Bench, *rows: tuple[Fate, int, int, int]) -> None:
    bench.take(
        "transactor",
        fates=[(CLIENT, 0, 1, fate, number, first, last, 99) for fate, number, first, last in rows],
    )


@pytest.mark.parametrize("eager", [True, False])
def test_a_copy_that_was_aborted_and_made_again_is_neither_duplicate_nor_lost_nor_withheld(*, eager: bool) -> None:
    bench = Bench(groups=COMMITTED)
    bench.write(A, 0, 9, offset=0, life=Life.CLOSED)
    bench.both(run(0, 9))
    bench.write(A, 0, 9, offset=0, place=(1, 0))  # the copies' first transaction, and …
    bench.write(A, 0, 9, offset=11, place=(1, 0))  # … the second: told before either is read
    copies_told(bench, (Fate.ABORTED, 1, 0, 9), (Fate.COMMITTED, 2, 0, 9))
    for entries in (run(0, 9), run(0, 9, shift=11)):
        bench.both_of((1, 0), entries)
        if eager:
            assert bench.accounts.settle().findings == ()
            assert bench.total("acknowledged") == 20
    bench.read("live", run(0, 9, shift=11), place=(1, 0))
    assert bench.accounts.settle().findings == ()
    assert bench.accounts.finish().findings == ()
    assert (bench.total("acknowledged"), bench.total("found")) == (20, 20)
    assert (bench.total("owed", "live"), bench.total("delivered", "live")) == (20, 10)
    assert bench.total("excused", "live") == 10  # the input, which this group does not read


@pytest.mark.parametrize("written", [True, False])
@pytest.mark.parametrize("eager", [True, False])
def test_a_copy_that_was_aborted_and_may_not_have_been_written_accuses_nobody_once_it_is_made_again(
    *, eager: bool, written: bool
) -> None:
    bench = Bench(groups=COMMITTED)
    bench.write(A, 0, 9, offset=0, life=Life.CLOSED)
    bench.both(run(0, 9))
    bench.write(U, 0, 9, offset=-1, place=(1, 0))
    bench.write(A, 0, 9, offset=11, place=(1, 0))
    copies_told(bench, (Fate.MAYBE_WRITTEN, 1, 0, 9), (Fate.COMMITTED, 2, 0, 9))
    for entries in [run(0, 9), run(0, 9, shift=11)] if written else [run(0, 9, shift=11)]:
        bench.both_of((1, 0), entries)
        if eager:
            assert bench.accounts.settle().findings == ()
    for stint in (1, 2):  # after a rebalance it is read again
        bench.read("live", run(0, 9, shift=11), place=(1, 0), worker=f"member {stint}", stint=stint)
    assert bench.accounts.settle().findings == ()
    assert bench.accounts.finish().findings == ()


def test_a_committed_copy_that_a_group_is_not_given_is_skipped_beside_one_that_it_is() -> None:
    bench = Bench(groups=COMMITTED)
    bench.write(A, 0, 9, offset=0, place=(1, 0))
    copies_told(bench, (Fate.COMMITTED, 1, 0, 9), (Fate.COMMITTED, 2, 0, 9))
    bench.both_of((1, 0), [*run(0, 9), *run(0, 9, shift=11)])
    bench.read("live", run(0, 9, shift=11), place=(1, 0))
    findings = bench.accounts.finish().findings
    assert [(f.kind, f.count) for f in findings if f.reading] == [(FindingKind.SKIPPED, 10)]


def test_partitions_added_are_audited_from_their_start_and_a_late_group_owes_nothing_before_it() -> None:
    bench = Bench(groups={"live": GroupTerms(starts="latest")})
    bench.accounts.grown(0, partitions=3)
    bench.write(A, 0, 9, offset=0, place=(0, 2))
    for reading in ("first", "second"):
        bench.read(reading, run(0, 9), place=(0, 2))
    bench.read("live", run(6, 9), place=(0, 2))
    window = bench.accounts.finish()
    assert window.findings == ()
    assert bench.total("found") == 10
    with pytest.raises(ValueError, match="cannot shrink from 3 to 2"):
        bench.accounts.grown(0, partitions=2)
