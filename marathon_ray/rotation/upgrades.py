"""A newer Kafka than a cluster's: who is asked for one and when, and the turn that it puts before the plan's."""

import asyncio
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from marathon_ray.clusters import open_cluster
from marathon_ray.event import Event
from marathon_ray.kafka.cluster import CanUpgrade
from marathon_ray.kafka.versions import numbers
from marathon_ray.news import found_release, no_releases
from marathon_ray.rotation.ledger import Standing
from marathon_ray.rotation.plan import Plan, Upgrades
from marathon_ray.rotation.turns import Turn

SCENARIO: Final = "rolling-upgrade"
_WITHIN: Final = 60.0  # s for one cluster's answer


def upgrade(plan: Plan, standing: Standing) -> Turn | None:
    """The turn that comes before the plan's: the first upgrade that is due and still wanted. Always the same."""
    if plan.upgrades is None:
        return None
    for cluster in watched(plan, plan.upgrades):
        if release := standing.due.get(cluster):
            chance = random.Random(f"{plan.seed}:{cluster}:{release}")  # noqa: S311 - to be drawn again
            drawn = tuple((name, choice.draw(chance)) for name, choice in plan.upgrades.fields.items())
            return Turn(standing.number, SCENARIO, cluster, (("to", release), *drawn), chance.getrandbits(32), release)
    return None


def watched(plan: Plan, upgrades: Upgrades) -> tuple[str, ...]:
    """The clusters that a newer Kafka is looked for, where they can be upgraded."""
    return upgrades.clusters or tuple(plan.clusters)


def fresh(offers: Mapping[str, Sequence[str]], found: Mapping[str, str]) -> dict[str, str]:
    """By cluster, the newest of the releases that it can be moved to (oldest first), if it is newer than was found before."""
    newest = {cluster: releases[-1] for cluster, releases in offers.items() if releases}
    return {
        cluster: release
        for cluster, release in newest.items()
        if cluster not in found or numbers(release) > numbers(found[cluster])
    }


def offered(cluster: str, max_age: float) -> list[str]:
    """The releases that what a plan calls so can be moved to, oldest first, as they were so many seconds ago at most; none
    where it cannot be upgraded. Blocks. Raises KafkaError where nobody can say."""
    able = open_cluster(cluster).cluster
    return able.offers(max_age=max_age) if isinstance(able, CanUpgrade) else []


@dataclass(slots=True)
class Watch:
    """Asks for newer releases, now and then. `offers` is who is asked: see `offered`."""

    offers: Callable[[str, float], list[str]] = offered
    _looked: float | None = None  # monotonic

    def is_due(self, plan: Plan, standing: Standing) -> bool:
        """Whether it is time to ask, between two turns: never while one is tried again."""
        if plan.upgrades is None or standing.outcomes:
            return False
        return self._looked is None or time.monotonic() - self._looked >= plan.upgrades.every

    async def look(self, plan: Plan, standing: Standing) -> tuple[dict[str, str], list[Event]]:
        """By cluster, the newer release that was not found before; and what is to be told, errors included."""
        self._looked = time.monotonic()
        offers: dict[str, list[str]] = {}
        events: list[Event] = []
        for cluster, every in _asked(plan):
            try:
                async with asyncio.timeout(_WITHIN):
                    offers[cluster] = await asyncio.to_thread(self.offers, plan.clusters[cluster], every)
            except TimeoutError:
                events.append(no_releases(cluster, f"no answer within {_WITHIN:g} s"))
            except Exception as error:  # noqa: BLE001 - whatever went wrong, runs go on
                events.append(no_releases(cluster, " ".join(str(error).split()) or type(error).__name__))
            else:
                events.append(no_releases(cluster))
        found = fresh(offers, standing.releases)
        return found, [*events, *(found_release(cluster, release, SCENARIO) for cluster, release in found.items())]


def _asked(plan: Plan) -> Iterator[tuple[str, float]]:
    if plan.upgrades:
        yield from ((cluster, plan.upgrades.every) for cluster in watched(plan, plan.upgrades))
