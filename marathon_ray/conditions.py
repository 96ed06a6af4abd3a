"""What a scenario may wait for: `await kit.until(in_sync("orders"), within="5 min")`. Any function of a view is one, too."""

import contextlib
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from actors.units import parse_size, size_text
from marathon_ray.faults.fault import Eyes
from marathon_ray.kafka.cluster import KafkaError


class View(Protocol):
    """What conditions look at; topics and fleets go by the scenario's fields."""

    @property
    def eyes(self) -> Eyes:
        """The cluster, as it says that it is."""

    def lag(self, fleet: str, /) -> int | None:
        """Records that the fleet's group is behind; None where that is not known yet."""

    def fresh(self, fleet: str, /) -> int:
        """Records that were acknowledged in the last round, about a second, where that fleet reads."""

    def written(self, topic: str, /) -> int:
        """Bytes of values acknowledged in the topic so far."""


@runtime_checkable
class Condition(Protocol):
    """Something that comes to hold."""

    @property
    def name(self) -> str:
        """What is waited for, in a few words."""

    def holds(self, view: View) -> bool:
        """Whether it does now; may block, some ten seconds at most. What cannot be seen does not hold."""


def caught_up(fleet: str, *, behind: int | None = None) -> Condition:
    """The fleet's group has read all up to where the logs were seen to end, but for so many records at most; without a number
    for what was acknowledged in the last round, since those that write do not wait."""
    return CaughtUp(fleet, behind)


def in_sync(topic: str) -> Condition:
    """Every partition is led, all its replicas are in sync, and the brokers that have them live."""
    return InSync(topic)


def size(topic: str, at_least: str | int) -> Condition:
    """So many bytes ("10 GB") of values have been acknowledged. Raises ValueError on what is no size."""
    return Written(topic, parse_size(at_least))


@dataclass(frozen=True, slots=True)
class CaughtUp:
    """See `caught_up`."""

    fleet: str
    behind: int | None = None

    @property
    def name(self) -> str:
        """In words."""
        return f"{self.fleet} caught up"

    def holds(self, view: View) -> bool:
        """Whether the lag is known and small enough."""
        lag = view.lag(self.fleet)
        return lag is not None and lag <= (view.fresh(self.fleet) if self.behind is None else self.behind)


@dataclass(frozen=True, slots=True)
class InSync:
    """See `in_sync`."""

    topic: str

    @property
    def name(self) -> str:
        """In words."""
        return f"{self.topic} in sync"

    def holds(self, view: View) -> bool:
        """Whether the cluster says so; one that does not answer says nothing."""
        with contextlib.suppress(KafkaError):
            live = set(view.eyes.brokers())
            replicas, in_sync_ = view.eyes.replicas(self.topic), view.eyes.in_sync(self.topic)
            led = set(view.eyes.leaders(self.topic).values()) <= live
            return led and all(set(have) == set(in_sync_.get(at, ())) <= live for at, have in replicas.items())
        return False


@dataclass(frozen=True, slots=True)
class Written:
    """See `size`."""

    topic: str
    at_least: int

    @property
    def name(self) -> str:
        """In words."""
        return f"{size_text(self.at_least)} in {self.topic}"

    def holds(self, view: View) -> bool:
        """Whether so much was acknowledged."""
        return view.written(self.topic) >= self.at_least
