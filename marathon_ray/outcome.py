"""How a run ends, which cause wins when several have come together, and what a program that asked is told."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final


class Outcome(StrEnum):
    """What a run says of its target."""

    PASSED = "passed"
    FAILED = "failed"  # the target broke a promise
    INVALID = "invalid"  # this run proves nothing: the bench was too slow, broke, hung, or could not look
    INTERRUPTED = "interrupted"  # a person, a signal, no room for workers that were lost
    SKIPPED = "skipped"  # the cluster cannot suffer it, or it has nothing to do there; nothing was created


EXIT: Final = {
    Outcome.PASSED: 0,
    Outcome.FAILED: 1,
    Outcome.INVALID: 3,
    Outcome.INTERRUPTED: 4,
    Outcome.SKIPPED: 5,
}
USAGE: Final = 2


def outcome(*, broken: Iterable[bool], interrupted: bool, invalid: bool) -> Outcome:
    """`broken` has one entry a broken promise: whether it is one of safety.

    A broken safety promise outranks everything, since a record that is lost stays lost however the run went on; of
    liveness and rate nothing is known unless the run came to its end and the bench was not in the way.
    """
    broken = tuple(broken)
    if any(broken):
        return Outcome.FAILED
    if interrupted:
        return Outcome.INTERRUPTED
    if invalid:
        return Outcome.INVALID
    return Outcome.FAILED if broken else Outcome.PASSED
