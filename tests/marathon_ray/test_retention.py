"""Where logs start: kept as long as a claim below waits to be judged, and no longer."""

from actors.tally import Outcome
from marathon_ray.finding import FindingKind
from tests.model.bench import Bench, run

A = Outcome.ACKNOWLEDGED


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
