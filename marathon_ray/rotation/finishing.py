"""Whether a scenario is interrupted more often than it finishes, by how its newest runs ended. A decision."""

from collections.abc import Sequence
from typing import Final

from marathon_ray.event import Event
from marathon_ray.news import Kind, event
from marathon_ray.outcome import Outcome

_NEWEST: Final = 10  # runs that count
KEPT: Final = _NEWEST + 1  # to know also how it was before the last one
_LEAST: Final = 3  # interruptions: fewer say nothing yet
_FINISHED: Final = (Outcome.PASSED, Outcome.FAILED)


def finishing(scenario: str, ends: Sequence[Outcome]) -> Event | None:
    """What is to be told of that scenario once the last of these runs has ended; nothing as long as all is well."""
    newest, before = ends[-_NEWEST:], ends[-KEPT:-1]
    often = _often(newest)
    if not often and not _often(before):
        return None
    interrupted, finished = _counts(newest)
    so = "interrupted more often than it finishes" if often else "not interrupted so often any more"
    told = f"of its last {len(newest)} runs {interrupted} were interrupted, {finished} came to a verdict"
    return event(Kind.OFTEN_INTERRUPTED, f"{scenario}: interruptions", f"{scenario} is {so}\n{told}", over=not often)


def _often(ends: Sequence[Outcome]) -> bool:
    interrupted, finished = _counts(ends)
    return interrupted >= _LEAST and interrupted > finished


def _counts(ends: Sequence[Outcome]) -> tuple[int, int]:
    return ends.count(Outcome.INTERRUPTED), sum(end in _FINISHED for end in ends)
