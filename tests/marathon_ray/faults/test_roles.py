"""Whom a role means, in the eyes of a cluster that is made up."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from marathon_ray.faults.fault import Role
from marathon_ray.faults.roles import (
    active_controller,
    any_broker,
    follower_of,
    group_coordinator,
    leader_of,
    share_of_brokers,
    transaction_coordinator,
)
from marathon_ray.kafka.cluster import KafkaError


@dataclass(frozen=True)
class Seen:
    """What these eyes see: partition 0 is led by 2, nobody leads 1."""

    live: tuple[int, ...] = (1, 2, 3)
    led: Mapping[int, int] = field(default_factory=lambda: {0: 2, 1: -1})

    def brokers(self) -> tuple[int, ...]:
        return self.live

    def leaders(self, topic: str) -> Mapping[int, int]:
        return {"orders": self.led}[topic]

    def replicas(self, topic: str) -> Mapping[int, tuple[int, ...]]:
        return {0: (2, 3, 1), 1: (4, 5)} if topic == "orders" else {}

    def in_sync(self, topic: str) -> Mapping[int, tuple[int, ...]]:
        return self.replicas(topic)

    def controller(self) -> int:
        return 3

    def coordinator(self, *, group: str = "", transaction: str = "") -> int:
        return {("readers", ""): 1, ("", "payments"): 2}[group, transaction]


@pytest.mark.parametrize(
    ("role", "nodes", "words"),
    [
        (leader_of("orders"), (2,), "leader of orders-0"),
        (active_controller(), (3,), "active controller"),
        (group_coordinator("readers"), (1,), "coordinator of group readers"),
        (transaction_coordinator("payments"), (2,), "coordinator of transactions of payments"),
        (share_of_brokers("100 %"), (1, 2, 3), "100 % of brokers"),
    ],
)
def test_a_role_that_one_has_does_not_depend_on_the_draw(role: Role, nodes: tuple[int, ...], words: str) -> None:
    assert {role.nodes(Seen(), draw) for draw in range(5)} == {nodes}
    assert str(role) == words


def test_where_several_would_do_the_draw_decides_and_each_has_its_turn() -> None:
    assert {follower_of("orders").nodes(Seen(), draw) for draw in range(10)} == {(1,), (3,)}
    assert {any_broker().nodes(Seen(), draw) for draw in range(10)} == {(1,), (2,), (3,)}
    pairs = {share_of_brokers("70 %").nodes(Seen(), draw) for draw in range(50)}
    assert pairs == {(1, 2), (1, 3), (2, 3)}
    assert share_of_brokers("70 %").nodes(Seen(), 7) == share_of_brokers("70 %").nodes(Seen(), 7)


def test_a_dead_broker_follows_nobody() -> None:
    assert {follower_of("orders").nodes(Seen(live=(2, 3)), draw) for draw in range(10)} == {(3,)}


def test_a_share_is_never_more_than_it_says() -> None:
    ten = Seen(live=tuple(range(10)))
    assert [len(share_of_brokers(share).nodes(ten, 1)) for share in ("70 %", 0.29, "10 %", 1)] == [7, 2, 1, 10]
    assert len(share_of_brokers("34 %").nodes(Seen(), 1)) == 1


@pytest.mark.parametrize(
    ("role", "eyes", "line"),
    [
        (leader_of("orders", partition=1), Seen(), "nobody leads partition 1 of topic orders"),
        (follower_of("orders"), Seen(live=(2,)), "no live broker follows partition 0 of topic orders"),
        (any_broker(), Seen(live=()), "no broker lives"),
        (share_of_brokers("33 %"), Seen(), "33 % of 3 live brokers is none"),
    ],
)
def test_a_role_that_nobody_has_is_told(role: Role, eyes: Seen, line: str) -> None:
    with pytest.raises(KafkaError, match=line):
        role.nodes(eyes, 0)


def test_a_mistake_of_the_scenario_is_no_matter_of_the_cluster() -> None:
    with pytest.raises(ValueError, match="topic orders has no partition 7, only 2 of them"):
        leader_of("orders", partition=7).nodes(Seen(), 0)
    with pytest.raises(ValueError, match="befalls more than nobody"):
        share_of_brokers("0 %")
    with pytest.raises(ValueError, match="write 0 % to 100 %"):
        share_of_brokers("120 %")
