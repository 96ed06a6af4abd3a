"""Logs that were cut below what had been settled: what is read again behind the cut, and what is not."""

from actors.tally import Kind, Outcome
from marathon_ray.finding import FindingKind
from marathon_ray.standing import standing
from tests.model.bench import Bench, run

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
