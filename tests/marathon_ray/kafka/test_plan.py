"""Options of a local cluster: what is refused before anything exists."""

from typing import get_type_hints

import pytest

from marathon_ray.kafka.cluster import KafkaError
from marathon_ray.kafka.plan import Options, Plan, parse_property, plan


def test_options_and_plan_have_the_same_names() -> None:
    assert set(get_type_hints(Options)) == set(Plan.model_fields)


def test_all_nodes_vote_unless_fewer_voters_are_asked_for() -> None:
    assert plan({"nodes": 5}).controllers == 5
    assert plan({"nodes": 5, "voters": 3}).controllers == 3


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"nodes": 0}, "nodes 0: Input should be greater than or equal to 1"),
        ({"nodes": -1}, "nodes -1: Input should be greater than or equal to 1"),
        ({"nodes": 2, "voters": 3}, "voters 3 is more than the 2 nodes there are"),
        ({"heap": "lots"}, r"heap 'lots': String should match pattern '^\d+[mg]$'"),
        ({"name": "../up"}, "name '../up': String should match pattern '^[a-z0-9][a-z0-9-]{0,31}$'"),
        ({"port": 80}, "port 80: Input should be greater than or equal to 1024"),
        ({"properties": {"a b": 1}}, "property 'a b' is not a name like log.retention.ms"),
        ({"properties": {"a": "1\n2"}}, "property a has a value of more than one line"),
        ({"properties": {"node.id": 7}}, "property node.id follows from the plan and cannot be set"),
        ({"node_properties": {4: {"a": 1}}}, "properties for node 4: there are nodes 1 to 3"),
        ({"node_properties": {1: {"": 1}}}, "property '' is not a name like log.retention.ms"),
        ({"brokers": 3}, "brokers 3: Extra inputs are not permitted"),
    ],
)
def test_what_cannot_be_met_is_refused_in_one_line(options: Options, line: str) -> None:
    with pytest.raises(KafkaError) as caught:
        plan(options)
    assert str(caught.value) == line


def test_a_property_is_split_at_its_first_equals_sign() -> None:
    assert parse_property("sasl.jaas.config = a=b;") == ("sasl.jaas.config", "a=b;")


@pytest.mark.parametrize("text", ["retention", "", "=3", "listeners=PLAINTEXT://:1"])
def test_a_malformed_property_is_refused(text: str) -> None:
    with pytest.raises(KafkaError):
        parse_property(text)
