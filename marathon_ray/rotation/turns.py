"""Whose turn it is: which scenario, where and with what, told by the plan and the number of the turn alone."""

import random
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from marathon_ray.catalogue import find
from marathon_ray.fields import build
from marathon_ray.rotation.plan import Entry, Plan


@dataclass(frozen=True, slots=True)
class Turn:
    """One place in the rotation. `fields` are flags of the scenario as a person would write them; `release` is that of an
    upgrade, which comes before the plan's turn of that number."""

    number: int
    scenario: str
    cluster: str
    fields: tuple[tuple[str, str], ...]
    seed: int
    release: str = ""

    @property
    def facts(self) -> dict[str, Any]:
        """As the journal has them of an attempt."""
        return {**asdict(self), "fields": dict(self.fields)}

    @classmethod
    def attempted(cls, entry: Mapping[str, Any]) -> Self:
        """The turn of an attempt, by what the journal says of it."""
        known = {name: entry[name] for name in ("number", "scenario", "cluster", "seed")}
        return cls(**known, fields=tuple(entry["fields"].items()), release=entry.get("release", ""))

    @property
    def flags(self) -> tuple[str, ...]:
        """As arguments of `marathon run`."""
        return tuple(f"--{name}={value}" for name, value in self.fields)


def turn(plan: Plan, number: int) -> Turn:
    """The turn of that number, from 0; always the same."""
    chance = random.Random(f"{plan.seed}:{number}")  # noqa: S311 - to be drawn again is what it is for
    pairs = list(_pairs(plan))
    if plan.order == "drawn":
        weights = [entry.weight / len(plan.clusters_of(entry)) for entry, _ in pairs]
        ((entry, cluster),) = chance.choices(pairs, weights)
    else:
        entry, cluster = pairs[number % len(pairs)]
    fields = tuple((name, choice.draw(chance)) for name, choice in entry.fields.items())
    return Turn(number, entry.run, cluster, fields, chance.getrandbits(32))


def ends(one: Turn, began: datetime) -> str:
    """When its run comes to its end, as far as that is known beforehand, behind a comma; empty where it is not."""
    with suppress(Exception):  # of whatever kind: a scenario that cannot be had any more is the run's to tell
        if seconds := build(find(one.scenario), one.flags).lasts:
            return f", until {began.astimezone(UTC) + timedelta(seconds=seconds):%Y-%m-%d %H:%M:%S} UTC at least"
    return ""


def _pairs(plan: Plan) -> Iterator[tuple[Entry, str]]:
    for entry in plan.scenarios:
        for cluster in plan.clusters_of(entry):
            yield entry, cluster
