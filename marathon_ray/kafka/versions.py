"""Which Kafka a name means: "4.3" is the newest 4.3.x that is served, "4.3.1" is just that."""

from __future__ import annotations

import re
from collections.abc import Sequence

from marathon_ray.kafka.cluster import KafkaError

OLDEST = (4, 0)  # before, a node may need ZooKeeper and does not run on today's Java
_NAME = re.compile(r"\d+\.\d+(\.\d+)?")


def numbers(version: str) -> tuple[int, ...]:
    """Return "4.3.1" as (4, 3, 1)."""
    return tuple(int(part) for part in version.split("."))


def check_name(name: str) -> None:
    """Raise KafkaError if the name is not like "4.3" or "4.3.1", or is older than what we can run."""
    if not _NAME.fullmatch(name):
        raise KafkaError(f"Kafka version {name!r} is not like 4.3 or 4.3.1")
    if numbers(name)[:2] < OLDEST:
        raise KafkaError(f"Kafka version {name} is too old: {OLDEST[0]}.{OLDEST[1]} or newer is needed")


def released(versions: Sequence[str]) -> list[str]:
    """Keep the plain releases that we can run, oldest first."""
    plain = [version for version in versions if re.fullmatch(r"\d+\.\d+\.\d+", version)]
    return sorted((version for version in plain if numbers(version)[:2] >= OLDEST), key=numbers)


def choose(name: str, served: Sequence[str]) -> str:
    """Return the newest served version that the name covers; KafkaError lists what there is if none does."""
    check_name(name)
    covered = [version for version in released(served) if f"{version}.".startswith(f"{name}.")]
    if not covered:
        raise KafkaError(f"Kafka version {name} is not served; there are {', '.join(released(served)) or 'none'}")
    return covered[-1]
