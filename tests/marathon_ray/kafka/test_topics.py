"""Topics as they are declared: what they ask of Kafka, and what is refused."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from marathon_ray.complaint import complaint
from marathon_ray.kafka.topics import LONGEST_NAME, Topic, name_mistake


def test_promises_are_always_asked_for_and_the_rest_only_when_given() -> None:
    assert Topic(partitions=6).settings() == {
        "cleanup.policy": "delete",
        "min.insync.replicas": "2",
        "unclean.leader.election.enable": "false",
    }


def test_settings_are_in_the_words_of_kafka() -> None:
    topic = Topic.model_validate(
        {
            "partitions": 6,
            "retention": "1 h 30 min",
            "unclean": True,
            "min_insync": 1,
            "cleanup": "compact,delete",
            "config": {"segment.bytes": 1048576, "preallocate": True},
        }
    )
    assert topic.settings() == {
        "cleanup.policy": "compact,delete",
        "min.insync.replicas": "1",
        "unclean.leader.election.enable": "true",
        "retention.ms": "5400000",
        "segment.bytes": "1048576",
        "preallocate": "true",
    }


def test_unlimited_retention_is_minus_one_to_kafka() -> None:
    topic = Topic.model_validate({"partitions": 1, "retention": "unlimited"})
    assert topic.retention == math.inf
    assert topic.settings()["retention.ms"] == "-1"


@given(st.one_of(st.none(), st.just("unlimited"), st.integers(1, 10**12).map(lambda ms: f"{ms} ms")))
def test_a_topic_survives_json(retention: str | None) -> None:
    topic = Topic.model_validate({"partitions": 1, "retention": retention, "config": {"flush.ms": 7}})
    assert Topic.model_validate_json(topic.model_dump_json()) == topic
    if retention is not None and retention != "unlimited":
        assert topic.settings()["retention.ms"] == retention.removesuffix(" ms")


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({"partitions": 0}, "Topic.partitions 0: Input should be greater than or equal to 1"),
        ({"partitions": 1, "replication": 0}, "Topic.replication 0: Input should be greater than or equal to 1"),
        ({"partitions": 1, "replication": 1}, "Topic: min_insync 2 is more than the replication 1"),
        ({"partitions": 1, "retention": "0 s"}, "Topic: retention '0 s': it is 1 ms or more, or unlimited"),
        (
            {"partitions": 1, "cleanup": "compact", "retention": "1 h"},
            "Topic: retention 1 h: cleanup compact keeps records of any age",
        ),
        ({"partitions": 1, "config": {"retention.ms": 5}}, "Topic: config retention.ms: use the field retention"),
        (
            {"partitions": 1, "replicas": 3},
            "Topic.replicas 3: Extra inputs are not permitted; did you mean replication?",
        ),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(given: dict[str, Any], line: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Topic.model_validate(given)
    assert complaint(caught.value) == line


@pytest.mark.parametrize("name", ["orders", "m-lab-1f-orders", "a.b_c", "x" * LONGEST_NAME, "..."])
def test_kafka_takes_these_names(name: str) -> None:
    assert name_mistake(name) is None


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("", "topic '': a name has ASCII letters"),
        ("a b", "topic 'a b': a name has ASCII letters"),
        ("größe", "topic 'größe': a name has ASCII letters"),
        ("a\n", r"topic 'a\n': a name has ASCII letters"),
        ("..", "topic '..': that is no name of a topic"),
        ("x" * 250, f"topic {'x' * 20}…: a name of 250 characters, 249 are allowed"),
    ],
)
def test_kafka_does_not_take_these_names(name: str, line: str) -> None:
    assert (name_mistake(name) or "").startswith(line)
