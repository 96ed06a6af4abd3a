"""Which version a name means."""

import pytest
from pydantic import TypeAdapter, ValidationError

from marathon_ray.kafka.cluster import KafkaError
from marathon_ray.kafka.versions import NEWEST, Version, choose, covers, newer, released

SERVED = ["3.9.1", "4.0.0", "4.2.1", "4.2.10", "4.3.0", "4.3.1", "4.3.2-rc1", "4.4.0"]


@pytest.mark.parametrize(
    ("name", "meant"),
    [("4.3", "4.3.1"), ("4.2", "4.2.10"), ("4.3.0", "4.3.0"), ("4.2.1", "4.2.1"), ("4.0", "4.0.0"), ("4.4", "4.4.0")],
)
def test_a_name_means_the_newest_served_release_that_it_covers(name: str, meant: str) -> None:
    assert choose(name, SERVED) == meant


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("4.9", "Kafka version 4.9 is not served; there are 4.0.0, 4.2.1, 4.2.10, 4.3.0, 4.3.1, 4.4.0"),
        ("4.3.7", "Kafka version 4.3.7 is not served; there are 4.0.0, 4.2.1, 4.2.10, 4.3.0, 4.3.1, 4.4.0"),
        ("3.9", "Kafka version 3.9 is too old: 4.0 or newer is needed"),
        ("4", "Kafka version '4' is not like 4.3 or 4.3.1"),
        ("latest", "Kafka version 'latest' is not like 4.3 or 4.3.1"),
    ],
)
def test_a_version_that_cannot_be_had_is_named_in_one_line(name: str, line: str) -> None:
    with pytest.raises(KafkaError) as caught:
        choose(name, SERVED)
    assert str(caught.value) == line


def test_releases_are_sorted_as_numbers_and_candidates_are_left_out() -> None:
    assert released(SERVED) == ["4.0.0", "4.2.1", "4.2.10", "4.3.0", "4.3.1", "4.4.0"]


@pytest.mark.parametrize(
    ("runs", "there"),
    [
        (["4.2.10", "4.2.10"], ["4.3.0", "4.3.1", "4.4.0"]),
        (["4.2.1"], ["4.2.10", "4.3.0", "4.3.1", "4.4.0"]),
        (["4.4.0"], []),
        (["4.2.1", "4.3.1"], ["4.3.1", "4.4.0"]),  # half way: to go on is one way, back is none
        (["4.2.1", "4.4.0"], ["4.4.0"]),
    ],
)
def test_what_is_newer_than_one_node_and_older_than_none_can_be_gone_to(runs: list[str], there: list[str]) -> None:
    assert newer(SERVED, runs) == there


def test_a_name_covers_whole_numbers_and_newest_covers_all() -> None:
    assert (covers("4.2", "4.2.1"), covers("4.2.1", "4.2.1"), covers(NEWEST, "4.2.1")) == (True, True, True)
    assert (covers("4.2.1", "4.2.10"), covers("4.3", "4.2.1")) == (False, False)


def test_a_field_takes_a_name_or_newest() -> None:
    field = TypeAdapter(Version)
    assert [field.validate_python(name) for name in ("4.3", "4.3.1", "newest")] == ["4.3", "4.3.1", "newest"]
    with pytest.raises(ValidationError, match=r"Kafka version 'new' is not like 4.3 or 4.3.1"):
        field.validate_python("new")
