"""What comes after a run: the same turn again, the next one, or an end. A decision, nothing is done here."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from marathon_ray.outcome import Outcome
from marathon_ray.rotation.plan import Patience


@dataclass(frozen=True, slots=True)
class Again:
    """The same turn once more, after so many seconds."""

    rest: float


@dataclass(frozen=True, slots=True)
class Next:
    """The turn is over. `gave_up` says why it did not come to a verdict, where it did not."""

    gave_up: str = ""


Decision: TypeAlias = Again | Next
_LONGEST = 3600.0  # seconds of rest


def retry(outcomes: Sequence[Outcome], patience: Patience) -> Decision:
    """After these attempts at one turn, the last of which has just ended.

    A verdict ends a turn, whichever it is. An interruption and a run that proves nothing have budgets of their own; rests
    grow to the double each time, up to an hour.
    """
    last = outcomes[-1]
    limits = {Outcome.INTERRUPTED: patience.interruptions, Outcome.INVALID: patience.invalid}
    if last not in limits:
        return Next()
    count = outcomes.count(last)
    if count > limits[last]:
        return Next(gave_up=f"{last} {count} times: no more than {limits[last]} repetitions are made")
    return Again(min(_LONGEST, patience.rest * 2.0 ** min(count - 1, 30)))
