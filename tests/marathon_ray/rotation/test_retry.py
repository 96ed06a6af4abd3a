"""What follows on a run."""

import pytest

from marathon_ray.outcome import Outcome
from marathon_ray.rotation.plan import Patience
from marathon_ray.rotation.retry import Again, Next, retry

PASSED, FAILED, INVALID, INTERRUPTED, SKIPPED = (
    Outcome.PASSED, Outcome.FAILED, Outcome.INVALID, Outcome.INTERRUPTED, Outcome.SKIPPED,
)  # fmt: skip


@pytest.mark.parametrize("end", [PASSED, FAILED, SKIPPED])
def test_a_verdict_ends_a_turn_whatever_was_before(end: Outcome) -> None:
    assert retry([end], Patience()) == Next()
    assert retry([INTERRUPTED, INVALID, end], Patience(interruptions=0, invalid=0)) == Next()


def test_interruptions_and_invalid_runs_have_budgets_of_their_own() -> None:
    patience = Patience(interruptions=2, invalid=1, rest=10)
    assert retry([INTERRUPTED], patience) == Again(10)
    assert retry([INTERRUPTED, INVALID], patience) == Again(10)
    assert retry([INTERRUPTED, INVALID, INTERRUPTED], patience) == Again(20)
    gone = retry([INTERRUPTED, INVALID, INTERRUPTED, INTERRUPTED], patience)
    assert gone == Next(gave_up="interrupted 3 times: no more than 2 repetitions are made")
    assert retry([INVALID, INVALID], patience) == Next(gave_up="invalid 2 times: no more than 1 repetitions are made")


def test_rests_grow_to_an_hour_and_no_further() -> None:
    counts = [*range(1, 12), 2000]
    rests = [retry([INTERRUPTED] * count, Patience(interruptions=9999, rest=60)) for count in counts]
    assert [one.rest for one in rests if isinstance(one, Again)][:4] == [60, 120, 240, 480]
    assert rests[-1] == Again(3600)
