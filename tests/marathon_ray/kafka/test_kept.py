"""How long records are kept, by the settings that a cluster tells."""

import math

import pytest

from marathon_ray.kafka.kept import Kept, kept

_WEEK = {"cleanup.policy": "delete", "retention.ms": "604800000", "retention.bytes": "-1"}


@pytest.mark.parametrize(
    ("settings", "age", "size"),
    [
        (_WEEK, 604_800.0, math.inf),
        (_WEEK | {"retention.ms": "-1"}, math.inf, math.inf),
        (_WEEK | {"retention.bytes": "1048576"}, 604_800.0, 1 << 20),
        (_WEEK | {"cleanup.policy": "compact"}, math.inf, math.inf),
        (_WEEK | {"cleanup.policy": "compact, delete"}, 604_800.0, math.inf),
        (_WEEK | {"cleanup.policy": ""}, math.inf, math.inf),
        ({name: value for name, value in _WEEK.items() if name != "retention.bytes"}, 604_800.0, None),
        ({name: value for name, value in _WEEK.items() if name != "cleanup.policy"}, None, math.inf),
        ({}, None, None),
    ],
)
def test_what_is_not_told_is_not_known_and_what_is_not_deleted_is_kept_for_ever(
    settings: dict[str, str], age: float | None, size: float | None
) -> None:
    assert kept(settings) == Kept(age, size)


def test_it_is_told_in_words() -> None:
    assert str(kept(_WEEK)) == "a record goes at an age of 7 d"
    full = "a record goes at an age of 7 d; one of any age goes where a partition holds more than 1 MiB"
    assert str(kept(_WEEK | {"retention.bytes": "1048576"})) == full
    assert str(Kept(math.inf, math.inf)) == "no record goes for its age, or because a log is full"
    assert str(Kept()).startswith("the cluster does not say")
