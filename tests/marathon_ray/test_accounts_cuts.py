"""Logs that were cut below what had been settled: what is read again behind the cut, and what is not."""

from actors.tally import Kind, Outcome
from marathon_ray.finding import FindingKind
from marathon_ray.standing import standing
from marathon_ray.terms import GroupTerms
from tests.model.bench import Bench, run

OTHER = 8
A, R = Outcome.ACKNOWLEDGED, Outcome.REFUSED


def test_what_was_judged_lost_before_the_passes_knew_of_a_deep_cut_is_found_when_they_read_again() -> None:
    bench = Bench()
    bench.write(A, 0, 99, offset=0)
    bench.both(run(0, 99))
    bench.accounts.settle()
    bench.write(A, 100, 109, offset=40)  # behind a cut that no pass has met yet, where both had read already
    windows = [bench.accounts.settle()]
    bench.write(A, 110, 119, offset=50)
    cut = (Kind.TRUNCATED, 0, 0, 0, -1, 40, 60, 5)
    again = [*run(0, 39), *run(100, 109, shift=-60), *run(110, 119, shift=-60)]
    for reading in ("first", "second"):
        bench.read(reading, again, epoch=1, incidents=[cut])
    windows.append(bench.accounts.finish())
    withdrawn = [finding for window in windows for finding in window.withdrawn]
    (left,) = standing([finding for window in windows for finding in window.findings], withdrawn)
    assert (left.kind, left.count) == (FindingKind.TRUNCATED_SETTLED, 60)
    assert (bench.total("found"), bench.total("lost"), bench.total("duplicated")) == (120, 0, 0)


def test_what_is_written_behind_a_deep_cut_is_in_order_on_both_sides_of_what_was_judged() -> None:
    bench = Bench()
    bench.write(A, 0, 49, offset=0)
    bench.both(run(0, 49))
    bench.accounts.settle()
    cut = (Kind.TRUNCATED, 0, 0, 0, -1, 40, 10, 5)
    for outcome, first, last in ((A, 50, 54), (R, 55, 59), (A, 60, 69)):
        bench.write(outcome, first, last, offset=first - 10 if outcome is A else -1)
    for reading in ("first", "second"):
        bench.read(reading, [*run(50, 54, shift=-10), *run(60, 69, shift=-10)], epoch=1, incidents=[cut])
    assert {finding.kind for finding in bench.accounts.finish().findings} == {FindingKind.TRUNCATED_SETTLED}


def test_a_second_cut_counts_only_what_was_judged_since_the_first() -> None:
    bench = Bench()
    bench.write(A, 0, 19, offset=0)
    bench.both(run(0, 19))
    counts = [sum(f.count for f in bench.accounts.settle().findings)]
    for first, last, position, cut in ((20, 24, 20, 10), (25, 29, 15, 12)):
        bench.write(A, first, last, offset=cut)
        fork = (Kind.TRUNCATED, 0, 0, 0, -1, cut, position - cut, 5)
        before = run(0, 9) if cut == 10 else [*run(0, 9), *run(20, 21, shift=-10)]
        for reading in ("first", "second"):
            bench.read(reading, [*before, *run(first, last, shift=cut - first)], epoch=cut, incidents=[fork])
        found = bench.accounts.settle().findings
        counts.append(sum(f.count for f in found if f.kind is FindingKind.TRUNCATED_SETTLED))
    assert counts == [0, 10, 3]


def test_what_was_read_and_judged_of_a_log_that_has_regrown_before_the_cut_was_known_is_neither_gone_nor_late() -> None:
    bench = Bench(groups={"live": GroupTerms()})
    bench.write(A, 0, 49, offset=0)
    bench.both(run(0, 49))
    windows = [bench.accounts.settle()]
    bench.read("live", run(0, 49))
    bench.write(A, 50, 99, offset=0)
    bench.write(A, 0, 19, offset=50, client=OTHER)
    for reading in ("first", "second"):
        bench.read(reading, run(0, 19, shift=50), epoch=1, client=OTHER)
    windows.append(bench.accounts.settle())
    assert bench.total("found") == 70
    cut = (Kind.TRUNCATED, 0, 0, 0, -1, 0, 50, 5)
    for reading in ("first", "second"):
        bench.read(reading, run(50, 99, shift=-50), epoch=1, incidents=[cut], position=50, at_end=False)
        bench.read(reading, run(0, 19, shift=50), epoch=1, client=OTHER)
    bench.read("live", run(0, 19, shift=50), epoch=1, client=OTHER)
    windows.append(bench.accounts.finish())
    withdrawn = [finding for window in windows for finding in window.withdrawn]
    left = standing([finding for window in windows for finding in window.findings], withdrawn)
    assert {(finding.kind, finding.first_offset, finding.count, finding.reading) for finding in left} == {
        (FindingKind.TRUNCATED_SETTLED, 0, 50, ""),
        (FindingKind.SKIPPED, 0, 50, "live"),  # the group went on in the new log where it had stood in the old one
    }
    assert (bench.total("found"), bench.total("lost"), bench.total("disordered")) == (120, 0, 0)
    assert (bench.total("delivered", "live"), bench.total("delivered, not in the log", "live")) == (70, 0)


def test_what_is_acknowledged_below_what_precedes_it_waits_for_the_word_of_the_cut() -> None:
    bench = Bench()
    bench.write(A, 0, 49, offset=0)
    bench.both(run(0, 59))  # of the last ten the acknowledgements were lost
    windows = [bench.accounts.settle()]
    bench.write(A, 50, 79, offset=0)  # so they were sent again, to a log that had lost all
    windows.append(bench.accounts.settle())
    assert bench.total("found") == 50
    cut = (Kind.TRUNCATED, 0, 0, 0, -1, 0, 60, 5)
    for reading in ("first", "second"):
        bench.read(reading, run(50, 79, shift=-50), epoch=1, incidents=[cut])
    windows += [bench.accounts.settle(), bench.accounts.finish()]
    (left,) = [finding for window in windows for finding in window.findings]
    assert (left.kind, left.first_offset, left.count) == (FindingKind.TRUNCATED_SETTLED, 0, 50)
    assert not any(window.withdrawn for window in windows)
    assert (bench.total("found"), bench.total("lost")) == (80, 0)


def test_disorder_is_judged_without_waiting_for_a_cut() -> None:
    bench = Bench()
    bench.both([*run(0, 9, shift=10), *run(10, 19, shift=-10)][::-1][:10] + run(0, 9, shift=10))
    bench.write(A, 0, 9, offset=10)
    bench.write(A, 10, 19, offset=0)
    assert bench.accounts.settle().findings
    assert bench.total("found") == 20
