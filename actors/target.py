"""Where a worker works: the cluster's client properties, the run, and its topics by ordinal and size."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple


class TopicPlace(NamedTuple):
    """A topic's ordinal in the run (what heads and tallies carry) and how many partitions it has."""

    ordinal: int
    partitions: int


@dataclass(frozen=True, slots=True)
class Target:
    """`properties` are librdkafka's (bootstrap.servers, security …); `run` is 32 random bits that mark the run's records."""

    run: int
    properties: Mapping[str, str]
    topics: Mapping[str, TopicPlace] = field(default_factory=dict)

    def named(self, ordinal: int) -> str:
        """The name of the topic with that ordinal. Raises KeyError where there is none."""
        return next(name for name, place in self.topics.items() if place.ordinal == ordinal)


def new_client() -> int:
    """A client's number: 63 random bits, so that no two lives of any handle share one."""
    return secrets.randbits(63)
