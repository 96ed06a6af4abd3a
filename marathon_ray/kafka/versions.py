"""Which Kafka a name means: "4.3" is the newest 4.3.x that is served, "4.3.1" is just that."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Annotated, TypeAlias

from pydantic import AfterValidator

from marathon_ray.kafka.cluster import KafkaError

NEWEST = "newest"
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


def newer(served: Sequence[str], runs: Iterable[str]) -> list[str]:
    """Return the releases, oldest first, that all nodes can be moved to: newer than what one runs, older than none."""
    now = [numbers(version) for version in runs]
    return [version for version in released(served) if min(now) < numbers(version) >= max(now)]


def covers(name: str, version: str) -> bool:
    """Whether the name means that version, or the newest of some with it."""
    return name == NEWEST or f"{version}.".startswith(f"{name}.")


def choose(name: str, served: Sequence[str]) -> str:
    """Return the newest served version that the name covers; KafkaError lists what there is if none does."""
    check_name(name)
    covered = [version for version in released(served) if covers(name, version)]
    if not covered:
        raise KafkaError(f"Kafka version {name} is not served; there are {', '.join(released(served)) or 'none'}")
    return covered[-1]


def _named(name: str) -> str:
    try:
        if name != NEWEST:
            check_name(name)
    except KafkaError as error:
        raise ValueError(str(error)) from None
    return name


Version: TypeAlias = Annotated[str, AfterValidator(_named)]
"""The name of a Kafka version, or "newest", as a field of a model."""
