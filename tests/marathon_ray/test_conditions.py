"""What is waited for, in the view of a run that is made up."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from marathon_ray.conditions import Condition, caught_up, in_sync, size
from marathon_ray.kafka.cluster import KafkaError


@dataclass
class Seen:
    """Eyes and view in one: a topic of two partitions on brokers 1 to 3."""

    live: tuple[int, ...] = (1, 2, 3)
    led: Mapping[int, int] = field(default_factory=lambda: {0: 1, 1: 2})
    isr: Mapping[int, tuple[int, ...]] = field(default_factory=lambda: {0: (1, 2), 1: (3, 2)})
    behind: int | None = 0
    written_now: int = 0
    size: int = 0

    @property
    def eyes(self) -> "Seen":
        return self

    def lag(self, fleet: str) -> int | None:
        return {"readers": self.behind}[fleet]

    def fresh(self, fleet: str) -> int:
        return {"readers": self.written_now}[fleet]

    def written(self, topic: str) -> int:
        return {"orders": self.size}[topic]

    def brokers(self) -> tuple[int, ...]:
        if not self.live:
            raise KafkaError("nobody answers")
        return self.live

    def leaders(self, topic: str) -> Mapping[int, int]:
        return {"orders": self.led}[topic]

    def replicas(self, topic: str) -> Mapping[int, tuple[int, ...]]:
        return {"orders": {0: (1, 2), 1: (2, 3)}}[topic]

    def in_sync(self, topic: str) -> Mapping[int, tuple[int, ...]]:
        return {"orders": self.isr}[topic]

    def controller(self) -> int:
        return 1

    def coordinator(self, *, group: str = "", transaction: str = "") -> int:
        return 1


@pytest.mark.parametrize(
    ("condition", "view", "holds"),
    [
        (in_sync("orders"), Seen(), True),
        (in_sync("orders"), Seen(isr={0: (1,), 1: (2, 3)}), False),
        (in_sync("orders"), Seen(isr={0: (1, 2)}), False),
        (in_sync("orders"), Seen(led={0: 1, 1: -1}), False),
        (in_sync("orders"), Seen(live=(1, 2)), False),
        (in_sync("orders"), Seen(live=()), False),
        (caught_up("readers"), Seen(), True),
        (caught_up("readers"), Seen(behind=1), False),
        (caught_up("readers"), Seen(behind=100, written_now=100), True),
        (caught_up("readers"), Seen(behind=101, written_now=100), False),
        (caught_up("readers", behind=0), Seen(behind=1, written_now=100), False),
        (caught_up("readers"), Seen(behind=None), False),
        (caught_up("readers", behind=10), Seen(behind=10), True),
        (size("orders", "10 kB"), Seen(size=9_999), False),
        (size("orders", "10 kB"), Seen(size=10_000), True),
    ],
)
def test_a_condition_holds_when_it_is_seen_to(condition: Condition, view: Seen, holds: bool) -> None:
    assert condition.holds(view) is holds
    assert isinstance(condition, Condition)


def test_conditions_say_what_they_wait_for() -> None:
    conditions = (in_sync("orders"), caught_up("readers"), size("orders", "10 GB"))
    assert [one.name for one in conditions] == ["orders in sync", "readers caught up", "10 GB in orders"]


def test_a_size_that_is_none_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="write whole bytes"):
        size("orders", "much")


def test_a_topic_that_is_not_declared_is_no_condition_that_may_come_to_hold() -> None:
    with pytest.raises(KeyError):
        in_sync("odrers").holds(Seen())
