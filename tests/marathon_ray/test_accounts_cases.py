"""The cases in which a single ledger of acknowledged and seen records goes wrong: what the accounts say of each."""

import pytest

from actors.tally import BLOCK, Kind, Life, Outcome, Part, Tally
from marathon_ray.accounts import Accounts
from marathon_ray.finding import FindingKind
from marathon_ray.terms import TopicTerms
from tests.model.bench import CLIENT, SECOND, Bench, of, run
from tests.model.parts import found_of

A, R, U = Outcome.ACKNOWLEDGED, Outcome.REFUSED, Outcome.UNKNOWN


def test_a_duplicate_of_what_was_settled_is_counted_once_and_as_nothing_else() -> None:
    bench = Bench()
    bench.write(A, 0, 9, offset=0)
    bench.both(run(0, 9))
    bench.accounts.settle()
    bench.write(A, 10, 19, offset=13)
    bench.both([(10, 3), (11, 4), (12, 5), *run(10, 19, shift=3)])
    (finding,) = bench.accounts.settle().findings
    assert (finding.kind, finding.first, finding.count) == (FindingKind.DUPLICATED, 3, 3)
    counts = bench.accounts.balance().places[0, 0]
    assert {name: count for name, count in counts.items() if count} == {
        "attempted": 20,
        "acknowledged": 20,
        "found": 20,
        "duplicated": 3,
    }


def test_records_acknowledged_and_read_twice_are_found_and_leave_nothing_behind() -> None:
    bench = Bench()
    bench.write(A, 0, 99, offset=0)
    bench.both(run(0, 99))
    window = bench.accounts.settle()
    assert window.findings == ()
    assert window.counts == {(0, 0): {"acknowledged": 100, "found": 100}}
    assert bench.total("found") == 100
    assert bench.accounts.rows <= 2  # the digests' open block


def test_reference_case_a_live_reader_saw_all_and_a_thousand_are_gone() -> None:
    bench = Bench()
    bench.write(A, 0, 1_999, offset=0, at=3)
    bench.read("first", run(0, 999), epoch=4)
    bench.read("first", run(1_000, 1_999), epoch=5)
    bench.write(A, 2_000, 2_499, offset=1_000, at=9)
    bench.read("second", run(0, 999), epoch=4)
    bench.read("second", run(2_000, 2_499, shift=-1_000), epoch=6)
    window = bench.accounts.finish()
    (gone,) = of(window, FindingKind.GONE)
    assert (gone.first, gone.last, gone.count) == (1_000, 1_999, 1_000)
    assert (gone.first_offset, gone.last_offset, gone.since) == (1_000, 1_999, 3)
    assert (gone.client, gone.partition, gone.epochs, gone.epoch_now) == (CLIENT, 0, (5,), 6)
    assert len(window.findings) == 1
    assert (bench.total("lost"), bench.total("found")) == (1_000, 1_500)


def test_a_first_pass_that_was_told_of_the_truncation_changes_nothing_about_the_loss() -> None:
    bench = Bench()
    bench.write(A, 0, 1_999, offset=0)
    bench.read("first", run(0, 1_999), epoch=4)
    bench.write(A, 2_000, 2_499, offset=1_000)
    cut = (Kind.TRUNCATED, 0, 0, 0, -1, 1_000, 1_000, 0)
    bench.read("first", run(2_000, 2_499, shift=-1_000), epoch=6, incidents=[cut])
    bench.read("second", [*run(0, 999), *run(2_000, 2_499, shift=-1_000)], epoch=6)
    window = bench.accounts.finish()
    (gone,) = window.findings
    assert (gone.kind, gone.count, gone.epochs, gone.epoch_now) == (FindingKind.GONE, 1_000, (4,), 6)


def test_finds_of_the_second_pass_behind_a_fork_are_void_even_within_one_part() -> None:
    bench = Bench()
    bench.write(A, 0, 1_999, offset=0)
    bench.write(A, 2_000, 2_499, offset=1_000)
    bench.read("first", [*run(0, 999), *run(2_000, 2_499, shift=-1_000)], epoch=6)
    cut = (Kind.TRUNCATED, 0, 0, 0, -1, 1_000, 1_000, 0)
    old = [(offset, CLIENT, sequence, 5) for offset, sequence in run(0, 1_999)]
    again = old[:1_000] + [(offset, CLIENT, sequence, 6) for offset, sequence in run(2_000, 2_499, shift=-1_000)]
    found = found_of((0, 0), old) + found_of((0, 0), again)
    bench.take("auditor", reading="second", found=found, positions=[(0, 0, 1_500, 1)], incidents=[cut])
    window = bench.accounts.finish()
    assert [(finding.kind, finding.count) for finding in window.findings] == [(FindingKind.LOST, 1_000)]
    assert bench.total("found") == 1_500


def test_a_cut_below_what_was_settled_is_a_finding_and_what_survived_is_no_duplicate() -> None:
    bench = Bench()
    bench.write(A, 0, 99, offset=0)
    bench.both(run(0, 99))
    bench.accounts.settle()
    cut = (Kind.TRUNCATED, 0, 0, 0, -1, 40, 60, 5)
    bench.read("second", run(40, 69), position=70, epoch=1, incidents=[cut])
    window = bench.accounts.finish()
    (finding,) = window.findings
    assert (finding.kind, finding.count) == (FindingKind.TRUNCATED_SETTLED, 60)
    assert (finding.first_offset, finding.last_offset) == (40, 99)
    assert bench.total("duplicated") == 0


def test_what_is_written_in_order_behind_a_cut_is_in_order_whatever_was_found_before_it() -> None:
    bench = Bench()
    bench.write(A, 1, 2, offset=0)
    bench.write(A, 0, 0, offset=2)
    bench.read("second", [(0, 1), (1, 2), (2, 0)], epoch=1)
    cut = (Kind.TRUNCATED, 0, 0, 0, -1, 0, 3, 0)
    bench.read("second", [(0, 0), (1, 1), (2, 2)], epoch=2, incidents=[cut])
    bench.read("first", [(0, 0), (1, 1), (2, 2)], epoch=2)
    assert bench.accounts.finish().findings == ()


def test_blocks_that_two_passes_read_differently_are_a_finding_with_both_epochs() -> None:
    bench = Bench()
    whole = run(0, BLOCK - 1)
    bench.read("first", whole, epoch=1)
    bench.read("second", [*whole[:-1], (BLOCK - 1, BLOCK + 9)], epoch=2)
    (finding,) = of(bench.accounts.settle(), FindingKind.PASSES_DIFFER)
    assert (finding.first_offset, finding.last_offset) == (0, BLOCK - 1)
    assert (finding.epochs, finding.epoch_now) == ((1,), 2)


def test_a_block_that_both_passes_read_again_behind_a_cut_is_alike_though_its_beginning_was_read_twice() -> None:
    bench = Bench()
    cut = (Kind.TRUNCATED, 0, 0, 0, -1, 1_000, 500, 0)
    whole = run(0, BLOCK - 1)
    for reading in ("first", "second"):
        bench.read(reading, run(0, 1_499), epoch=0)
        bench.read(reading, whole, epoch=1, incidents=[cut])
    assert of(bench.accounts.settle(), FindingKind.PASSES_DIFFER) == []


def test_blocks_that_two_passes_read_alike_are_none() -> None:
    bench = Bench()
    bench.write(A, 0, BLOCK - 1, offset=0)
    bench.both(run(0, BLOCK - 1))
    assert bench.accounts.settle().findings == ()


def test_producer_death_leaves_an_unknown_tail_with_its_bound_and_finds_beyond_it_are_legal() -> None:
    bench = Bench()
    bench.write(A, 0, 9, offset=0, at=SECOND)
    stream = (CLIENT, 0, 0)
    for at, attempted in ((2, 15), (3, 0)):  # the fastest of late counts: the target may have stalled before the end
        claims: list[tuple[int, ...]] = [(*stream, A, 10, 19, 10, 19, 0, 0)] if at == 2 else []
        bench.take("writer 7", at=at * SECOND, attempted=attempted, attempts=[(*stream, 25)], claims=claims)
    tail = bench.accounts.bury("writer 7", at=5 * SECOND)
    assert (tail.pending, tail.unheard) == (5, 30)
    bench.both(run(0, 30))
    window = bench.accounts.finish()
    assert window.findings == ()
    assert (bench.total("unknown"), bench.total("pending"), bench.total("unknown found")) == (5, 0, 5)
    assert bench.total("unreported found") == 6


def test_a_living_producer_is_read_before_it_reports_and_that_is_no_phantom() -> None:
    bench = Bench()
    bench.write(A, 0, 9, offset=0)
    bench.both(run(0, 14))
    assert bench.accounts.settle().findings == ()
    bench.write(A, 10, 14, offset=10, life=Life.CLOSED)
    assert bench.accounts.settle().findings == ()
    assert bench.total("found") == 15


def test_a_find_beyond_what_a_closed_client_attempted_is_a_phantom_at_once() -> None:
    bench = Bench()
    bench.write(A, 0, 9, offset=0, life=Life.CLOSED)
    bench.both(run(0, 11))
    (finding,) = bench.accounts.settle().findings
    assert (finding.kind, finding.first, finding.last) == (FindingKind.PHANTOM, 10, 11)


@pytest.mark.parametrize(("dead", "kind"), [(False, FindingKind.PHANTOM), (True, FindingKind.UNOWNED)])
def test_a_client_that_nobody_named_is_a_phantom_unless_a_dead_worker_may_have_opened_it(
    dead: bool, kind: FindingKind
) -> None:
    bench = Bench()
    if dead:
        bench.accounts.bury("a worker that never spoke", at=0)
    bench.both(run(0, 2))
    (finding,) = bench.accounts.finish().findings
    assert (finding.kind, finding.count) == (kind, 3)


def test_compaction_may_take_all_but_the_latest_acknowledged_of_each_key() -> None:
    bench = Bench(cleanup="compact", keys=3)
    bench.write(A, 0, 8, offset=0, life=Life.CLOSED)
    bench.both([(6, 6), (8, 8)])  # the latest of key 1, sequence 7, is gone
    window = bench.accounts.finish()
    (finding,) = window.findings
    assert (finding.kind, finding.first, finding.last) == (FindingKind.LOST, 7, 7)
    assert (bench.total("compacted"), bench.total("found"), bench.total("lost")) == (6, 2, 1)


def test_where_the_latest_of_a_key_is_unknown_either_value_is_right() -> None:
    for survivor in (2, 5):
        bench = Bench(cleanup="compact", keys=3)
        bench.write(A, 0, 2, offset=0)
        bench.write(U, 3, 5)
        bench.both([(0, 0), (1, 1), (survivor, survivor)])
        assert bench.accounts.finish().findings == ()


def test_retention_takes_what_was_not_read_and_it_is_expired_not_lost() -> None:
    bench = Bench(retention=100)
    bench.write(A, 0, 19, offset=0, at=0)
    bench.read("first", run(0, 19))
    gone = (Kind.EXPIRED, 0, 0, 0, -1, 10, 10, 500)
    bench.accounts.log_start(0, 0, offset=10, at=500)
    bench.read("second", run(10, 19), incidents=[gone])
    window = bench.accounts.finish()
    assert window.findings == ()
    assert (bench.total("expired"), bench.total("found")) == (10, 10)


def test_a_record_that_went_before_its_promised_age_is_a_finding() -> None:
    bench = Bench(retention=100)
    bench.write(A, 0, 9, offset=0, at=0)
    bench.write(A, 10, 19, offset=10, at=450)
    bench.accounts.log_start(0, 0, offset=5, at=200)
    bench.accounts.log_start(0, 0, offset=15, at=500)
    window = bench.accounts.finish()
    assert bench.total("expired") == 15
    (finding,) = of(window, FindingKind.EXPIRED_EARLY)
    assert (finding.first, finding.last, finding.since) == (10, 14, 450)


def test_a_record_that_the_first_pass_did_not_find_is_lost_though_its_offset_expired_before_the_second() -> None:
    bench = Bench()
    bench.write(A, 0, 9, offset=0)
    bench.read("first", [*run(0, 3), *run(6, 9)])
    bench.accounts.log_start(0, 0, offset=10, at=1)
    window = bench.accounts.finish()
    assert [(f.kind, f.first, f.last) for f in window.findings] == [(FindingKind.LOST, 4, 5)]
    assert bench.total("expired") == 8


def test_a_topic_made_again_closes_the_book_and_what_was_not_audited_stays_so() -> None:
    bench = Bench()
    bench.write(A, 0, 9, offset=0)
    bench.both(run(0, 4), position=5)
    bench.accounts.recreated(0, "second life", at=8)
    bench.both([(0, 50), (1, 51)])
    bench.write(A, 10, 11, offset=0)
    window = bench.accounts.finish()
    (finding,) = window.findings
    assert (finding.kind, finding.topic, finding.count, finding.since) == (FindingKind.RECREATED, 0, 10, 8)
    assert (bench.total("lost"), bench.total("unaudited") + bench.total("found")) == (0, 12)


def test_a_new_client_of_the_same_worker_is_another_stream_and_acknowledged_without_an_offset_is_acknowledged() -> None:
    bench = Bench()
    bench.write(A, 0, 4, offset=0, life=Life.CLOSED)
    bench.write(A, 5, 6, life=Life.CLOSED)
    bench.write(A, 0, 4, offset=7, client=CLIENT + 1)
    bench.both(run(0, 6))
    for reading in ("first", "second"):
        bench.read(reading, run(0, 4, shift=7), client=CLIENT + 1)
    assert bench.accounts.finish().findings == ()
    assert (bench.total("acknowledged"), bench.total("found")) == (12, 12)


def test_a_late_acknowledgement_of_a_settled_unknown_takes_part_in_the_verdict() -> None:
    bench = Bench()
    bench.write(U, 0, 1)
    bench.write(A, 2, 9, offset=0)
    bench.both(run(2, 9, shift=-2))
    assert bench.accounts.settle().findings == ()
    assert (bench.total("unknown"), bench.total("found")) == (2, 8)
    bench.write(A, 0, 1, offset=8)
    (finding,) = bench.accounts.settle().findings
    assert (finding.kind, finding.count) == (FindingKind.LOST, 2)
    bench.both([(8, 0), (9, 1)])
    window = bench.accounts.settle()
    assert [(f.kind, f.count) for f in window.withdrawn] == [(FindingKind.LOST, 2)]
    assert (bench.total("lost"), bench.total("found"), bench.total("disordered")) == (0, 10, 2)


def test_refused_and_found_is_a_finding_and_unknown_is_none_either_way() -> None:
    bench = Bench()
    bench.write(R, 0, 4)
    bench.write(U, 5, 9)
    bench.write(A, 10, 10, offset=9)
    bench.both([(0, 2), (1, 6), (9, 10)])
    (finding,) = bench.accounts.settle().findings
    assert (finding.kind, finding.first, finding.count) == (FindingKind.REFUSED_FOUND, 2, 1)
    assert (bench.total("unknown"), bench.total("unknown found"), bench.total("refused")) == (5, 1, 5)


def test_an_order_that_the_log_turned_round_is_counted_record_by_record() -> None:
    bench = Bench()
    bench.write(A, 0, 9, offset=0)
    order = [0, 1, 5, 6, 2, 3, 4, 7, 9, 8]
    bench.both([*enumerate(order), (10, 5)])
    findings = bench.accounts.settle().findings
    assert [(f.kind, f.first, f.last) for f in findings] == [
        (FindingKind.DUPLICATED, 5, 5),
        (FindingKind.DISORDERED, 2, 4),
        (FindingKind.DISORDERED, 8, 8),
    ]


def test_a_clock_that_jumps_changes_no_verdict() -> None:
    for times in ((5, 6), (6, -5_000), (0, 2**62)):
        bench = Bench()
        bench.write(A, 0, 4, offset=0, at=times[0])
        bench.write(A, 5, 9, offset=5, at=times[1])
        bench.both(run(0, 8), position=10)
        assert [(f.kind, f.first, f.count) for f in bench.accounts.settle().findings] == [(FindingKind.LOST, 9, 1)]


def test_an_auditor_restarted_where_the_books_stand_or_earlier_finds_no_duplicates() -> None:
    bench = Bench()
    bench.write(A, 0, 9, offset=0)
    bench.both(run(0, 6))
    assert bench.accounts.stand("second", 0, 0)[0] == 7
    for reading in ("first", "second"):
        bench.read(reading, run(4, 9), worker=f"{reading} again")
    assert bench.accounts.finish().findings == ()
    assert bench.total("found") == 10


def test_a_second_pass_that_did_not_come_to_the_end_leaves_records_unaudited_not_lost() -> None:
    bench = Bench()
    bench.write(A, 0, 9, offset=0)
    bench.read("first", run(0, 9))
    bench.read("second", run(0, 5), at_end=False)
    assert bench.accounts.finish().findings == ()
    assert (bench.total("found"), bench.total("unaudited")) == (6, 4)


def test_an_end_that_was_seen_before_the_drain_proves_no_loss() -> None:
    for told_again, kinds in ((False, []), (True, [FindingKind.LOST])):
        bench = Bench()
        bench.read("second", [], position=0)
        bench.write(A, 0, 9, offset=0)
        bench.accounts.begin_drain()
        if told_again:
            bench.read("second", [], position=0)
        assert [finding.kind for finding in bench.accounts.finish().findings] == kinds


def test_windows_add_up_to_the_balance() -> None:
    bench = Bench()
    bench.write(A, 0, 4, offset=0)
    bench.both(run(0, 3), position=5)
    windows = [bench.accounts.settle()]
    bench.write(A, 5, 9, offset=5)
    bench.both(run(5, 9))
    windows += [bench.accounts.settle(), bench.accounts.finish()]
    names = ("acknowledged", "found", "lost")
    sums = [sum(w.counts.get((0, 0), {}).get(name, 0) for w in windows) for name in names]
    assert sums == [bench.total(name) for name in names] == [10, 9, 1]


def test_faults_of_single_records_are_findings_once_though_both_passes_meet_them() -> None:
    bench = Bench()
    for reading in ("first", "second"):
        bench.read(
            reading, run(0, 3), incidents=[(Kind.CORRUPT, 0, 0, 0, -1, 4, 1, 0), (Kind.FOREIGN, 0, 0, 0, -1, 5, 1, 0)]
        )
    findings = of(bench.accounts.settle(), FindingKind.CORRUPT)
    assert [(f.partition, f.first_offset) for f in findings] == [(0, 4)]
    assert bench.accounts.balance().incidents == {"corrupt": 2, "foreign": 2}


def test_a_hole_between_parts_is_an_error_that_names_them() -> None:
    accounts = Accounts({0: TopicTerms(topic_id="t", partitions=1)})
    accounts.take(Tally("w", (Part(1, 0),)))
    with pytest.raises(ValueError, match="tally of w: part 3 came, part 2 did not"):
        accounts.take(Tally("w", (Part(3, 0),)))
    assert accounts.version("w") == 1
