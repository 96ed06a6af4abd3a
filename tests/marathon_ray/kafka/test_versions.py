"""Which version a name means."""

import pytest

from marathon_ray.kafka.cluster import KafkaError
from marathon_ray.kafka.versions import choose, released

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
