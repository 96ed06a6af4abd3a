"""Which cause wins when several have come together: lost records, an interruption, a bench in the way, other promises."""

from itertools import product
from typing import Final

import pytest

from marathon_ray.outcome import Outcome, outcome

SAFETY, OTHER = True, False
LOST: Final = ((SAFETY,), (SAFETY, OTHER), (OTHER, SAFETY))
KEPT, LATE = (), (OTHER,)
TABLE: Final[dict[tuple[tuple[bool, ...], bool, bool], Outcome]] = {  # broken, interrupted, invalid
    (KEPT, False, False): Outcome.PASSED,
    (LATE, False, False): Outcome.FAILED,
    ((OTHER, OTHER), False, False): Outcome.FAILED,
    (KEPT, False, True): Outcome.INVALID,
    (LATE, False, True): Outcome.INVALID,
    (KEPT, True, False): Outcome.INTERRUPTED,
    (LATE, True, False): Outcome.INTERRUPTED,
    (KEPT, True, True): Outcome.INTERRUPTED,
    (LATE, True, True): Outcome.INTERRUPTED,
    **dict.fromkeys(product(LOST, (False, True), (False, True)), Outcome.FAILED),
}


@pytest.mark.parametrize(("broken", "interrupted", "invalid"), TABLE)
def test_a_lost_record_outranks_all_and_another_promise_only_counts_in_a_run_that_went_well(
    broken: tuple[bool, ...], interrupted: bool, invalid: bool
) -> None:
    found = outcome(broken=iter(broken), interrupted=interrupted, invalid=invalid)
    assert found is TABLE[broken, interrupted, invalid]
