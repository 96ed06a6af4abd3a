"""Which Kafka a cluster is."""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, cast

import pytest

from marathon_ray.kafka import release as module
from marathon_ray.kafka.cluster import Cluster, KafkaError
from marathon_ray.kafka.release import facts, release


@pytest.mark.parametrize(
    ("level", "name"),
    [(0, ""), (6, ""), (7, "3.3"), (15, "3.7"), (19, "3.7"), (20, "3.8"), (22, "4.0"), (30, "4.3"), (31, "newer than 4.3")],
)  # fmt: skip
def test_brokers_support_what_their_release_brought_and_nothing_later(level: int, name: str) -> None:
    assert release(level) == name


Features = Mapping[str, Mapping[str, tuple[int, int]]]


def told(monkeypatch: pytest.MonkeyPatch, identity: str | None, features: Features | None) -> Mapping[str, str]:
    """What is known of a cluster that says so of itself; None: it says nothing in time."""

    def answer(*_: object) -> str:
        if identity is None:
            raise KafkaError("no answer")
        return identity

    def asked(properties: object, what: str, ask: Any, within: float) -> int:
        if features is None:
            raise KafkaError("no answer")
        return int(ask(SimpleNamespace(describe_features=lambda: features)))

    monkeypatch.setattr(module, "identity", answer)
    monkeypatch.setattr(module, "officers", SimpleNamespace(asked=asked))
    return facts(cast(Cluster, SimpleNamespace(client_properties=dict)))


def test_a_cluster_is_told_by_its_id_and_the_newest_that_its_brokers_support(monkeypatch: pytest.MonkeyPatch) -> None:
    features = {"metadata.version": {"supported": (7, 25)}, "group.version": {"supported": (0, 1)}}
    assert told(monkeypatch, "MkU3", features) == {"id": "MkU3", "version": "4.0"}


@pytest.mark.parametrize(
    ("identity", "features", "found"),
    [("MkU3", None, {"id": "MkU3"}), ("MkU3", {}, {"id": "MkU3"}), ("", None, {}), (None, {}, {})],
)
def test_what_a_cluster_does_not_tell_is_left_out(
    monkeypatch: pytest.MonkeyPatch, identity: str | None, features: Features | None, found: Mapping[str, str]
) -> None:
    assert told(monkeypatch, identity, features) == found


def test_a_cluster_of_two_releases_is_told_by_both_in_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "identity", lambda properties: "MkU3")
    two = SimpleNamespace(client_properties=dict, releases=lambda: ("4.1", "4.0"))
    assert facts(cast(Cluster, two)) == {"id": "MkU3", "version": "4.0, 4.1"}
