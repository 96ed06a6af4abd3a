"""That a scenario is interrupted more often than it finishes is told, and that this is over."""

import pytest

from marathon_ray.event import Severity
from marathon_ray.outcome import Outcome
from marathon_ray.rotation.finishing import finishing

_LETTERS = {
    "p": Outcome.PASSED,
    "f": Outcome.FAILED,
    "v": Outcome.INVALID,
    "s": Outcome.SKIPPED,
    "i": Outcome.INTERRUPTED,
}


def told(ends: str) -> str:
    """Nothing, that it begins or lasts, or that it is over."""
    event = finishing("kill-leader", [_LETTERS[end] for end in ends])
    return "" if event is None else "over" if event.over else "on"


@pytest.mark.parametrize(
    ("ends", "what"),
    [
        ("", ""),
        ("ii", ""),  # two say nothing yet
        ("iii", "on"),
        ("vsiii", "on"),  # what has no verdict has not finished either
        ("pppiii", ""),  # as often as it finishes
        ("ppfiii", ""),
        ("ppfiiii", "on"),
        ("iiipp", "on"),  # it lasts
        ("iiippp", "over"),
        ("iiipppp", ""),  # once
        ("pppppppppppppppiiiii", ""),  # five of ten
        ("pppppppppppppppiiiiii", "on"),  # of the last ten, whatever was before
        ("iiiiiippppp", "over"),
        ("iiiiipppppp", ""),
        ("iiiiiivvvvvvvv", "over"),  # too few of the last ten are left
        ("iii" + "v" * 20, ""),
    ],
)
def test_it_is_told_by_the_last_ten_runs(ends: str, what: str) -> None:
    assert told(ends) == what


def test_both_are_one_incident_that_begins_with_a_warning() -> None:
    begin, end = (finishing("kill-leader", [_LETTERS[each] for each in ends]) for ends in ("iiip", "iiippp"))
    assert begin
    assert end
    assert begin.about == end.about == "kill-leader: interruptions"
    assert (begin.severity, end.severity) == (Severity.WARNING, Severity.INFO)
    assert begin.message.splitlines() == [
        "kill-leader is interrupted more often than it finishes",
        "of its last 4 runs 3 were interrupted, 1 came to a verdict",
    ]
    assert end.message.splitlines()[0] == "kill-leader is not interrupted so often any more"
