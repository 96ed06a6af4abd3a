"""Upgrades of a cluster that is made up: what is done, what is healed, and to which release it can go."""

from dataclasses import dataclass, field

import pytest

from marathon_ray.faults.fault import missing
from marathon_ray.faults.roles import broker, share_of_brokers
from marathon_ray.faults.upgrade import Finalize, Upgrade, newer_release
from marathon_ray.kafka.cluster import KafkaError
from marathon_ray.kafka.existing import Existing
from marathon_ray.scenario import UnfitError
from tests.marathon_ray.faults.test_broker import Nodes


@dataclass
class Upgradable(Nodes):
    """Can be moved to newer releases."""

    there: list[str] = field(default_factory=lambda: ["4.3.0", "4.3.1", "4.4.0"])
    said: list[object] = field(default_factory=list)

    def releases(self) -> set[str]:
        return {"4.2.1"}

    def offers(self, *, max_age: float | None = None) -> list[str]:
        return self.there

    def fetch(self, version: str) -> None:
        self.said.append(("fetch", version))

    def upgrade(self, node: int, version: str, *, at_most: float | None = None) -> None:
        self.said.append(("upgrade", node, version, at_most))

    def finalize(self, version: str) -> None:
        self.said.append(("finalize", version))


def test_each_node_is_upgraded_in_turn_and_one_that_is_left_down_is_started() -> None:
    cluster, fault = Upgradable(), Upgrade(broker(2), "4.3.1")
    fault.inject(cluster, (2, 3), at_most=9.0)
    assert cluster.said == [("upgrade", 2, "4.3.1", 9.0), ("upgrade", 3, "4.3.1", 9.0)]
    assert fault.healed(cluster, (2, 3))
    cluster.states[2] = "down"
    assert not fault.healed(cluster, (2, 3))
    fault.heal(cluster, (2, 3))
    assert (cluster.done, fault.healed(cluster, (2, 3))) == ([("start", 2)], True)


def test_features_are_put_in_force_and_stay() -> None:
    cluster, fault = Upgradable(), Finalize(share_of_brokers("100 %"), "4.3.1")
    fault.inject(cluster, (1, 2, 3), at_most=9.0)
    fault.heal(cluster, (1, 2, 3))
    assert (cluster.said, cluster.done, fault.healed(cluster, (1,))) == ([("finalize", "4.3.1")], [], True)


def test_they_say_what_they_do_and_what_a_cluster_cannot() -> None:
    words = [str(Upgrade(broker(2), "4.3.1")), str(Finalize(share_of_brokers("100 %"), "4.3.1"))]
    assert words == ["upgrade broker 2 to 4.3.1", "finalize 4.3.1 on 100 % of brokers"]
    assert missing((Upgrade, Finalize), Upgradable()) == []
    assert missing((Upgrade, Finalize), Existing({"bootstrap.servers": "a:1"})) == [
        "Upgrade: its nodes cannot be upgraded or started again",
        "Finalize: its nodes cannot be upgraded",
    ]


@pytest.mark.parametrize(
    ("name", "release"), [("newest", "4.4.0"), ("4.3", "4.3.1"), ("4.3.0", "4.3.0"), ("4.4", "4.4.0")]
)
def test_a_name_is_the_newest_release_of_it_and_is_at_hand_then(name: str, release: str) -> None:
    cluster = Upgradable()
    assert newer_release(cluster, name) == release
    assert cluster.said == [("fetch", release)]


def test_what_is_not_newer_or_not_known_is_refused_with_what_there_is() -> None:
    cluster = Upgradable()
    for name in ("4.2", "4.9"):
        with pytest.raises(KafkaError) as caught:
            newer_release(cluster, name)
        what = "none is offered that is newer than what the cluster runs; there are 4.3.0, 4.3.1, 4.4.0"
        assert str(caught.value) == f"Kafka {name}: {what}"
    with pytest.raises(KafkaError, match=r"; there are none$"):
        newer_release(Upgradable(there=[]), "4.4")
    with pytest.raises(UnfitError, match="no Kafka is offered that is newer than what the cluster runs"):
        newer_release(Upgradable(there=[]))
    assert cluster.said == []
