"""The sabotage board: errors planted in our own path, each of which must be found, and nothing else with it."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from marathon_ray.blocking import blocking
from marathon_ray.clusters import Opened
from marathon_ray.folder import folder
from marathon_ray.journal import NAME, Journal, Thing
from marathon_ray.kafka import admin
from marathon_ray.kafka.cluster import KafkaError
from marathon_ray.kafka.topics import Topic
from marathon_ray.names import Names
from marathon_ray.plant import Plant, Played
from marathon_ray.planted import PARTITIONS, groups, play, topics
from marathon_ray.reclaim import begin
from marathon_ray.stops import InterruptionError, Stops

_AT_ONCE: Final = 3  # runs; each mostly waits, for a group to come together and for ends to be told


async def check(
    opened: Opened,
    names: Names,
    results: Path,
    plants: Sequence[Plant],
    tell: Callable[[Played], None],
    note: Callable[[str], object],
) -> list[Played]:
    """Play these plants on that cluster, some at a time, each in topics of its own that are gone afterwards. A folder in
    `results` has the journal of it, and signals end it as they end a run.

    Raises KafkaError where the topics cannot be had, InterruptionError where a signal has ended it.
    """
    stops, thing = Stops(note), Thing("cluster", opened.name)
    with folder(results, f"check-{names.run}") as own, Journal(own / NAME) as journal:
        begin(journal, names, opened.name)
        journal.intend(thing, ours=opened.ours)
        stops.install()
        try:
            cluster = await stops.step(blocking(opened.acquire))
            wanted = {names.of(f"check{number}"): plant for number, plant in enumerate(plants)}
            played = await _on(cluster.client_properties(), wanted, journal, stops, tell)
        finally:
            await stops.step(blocking(opened.release), bears=2)
            journal.undone(thing)
            stops.remove()
        if stops.count:  # also where all that went on by then was seen to its end
            raise InterruptionError(stops.cause)
        journal.write("end", right=sum(each.right for each in played), of=len(played))
        return played


async def _on(
    properties: Mapping[str, str],
    plants: Mapping[str, Plant],
    journal: Journal,
    stops: Stops,
    tell: Callable[[Played], None],
) -> list[Played]:
    wanted = await stops.step(blocking(_rehearsed, properties, plants))
    readers = [group for topic, plant in plants.items() for group in groups(plant, topic)]
    things = [*(Thing("topic", name) for name in wanted), *(Thing("group", name) for name in readers)]
    for thing in things:
        journal.intend(thing)
    try:
        await stops.step(blocking(admin.create, properties, wanted))
        return await stops.step(_all(properties, plants, tell))
    finally:
        await stops.step(blocking(_remove, properties, wanted, readers), bears=1)
        for thing in things:
            journal.undone(thing)


def _rehearsed(properties: Mapping[str, str], plants: Mapping[str, Plant]) -> dict[str, Topic]:
    """The topics of all plants, which go by the first of theirs. Raises KafkaError where they cannot be had; none is made."""
    brokers = len(admin.look(properties, ()).brokers)
    topic = Topic(partitions=PARTITIONS, replication=min(3, brokers), min_insync=min(2, brokers))
    wanted = {name: topic for first, plant in plants.items() for name in topics(plant, first)}
    admin.check(properties, wanted)
    return wanted


def _remove(properties: Mapping[str, str], wanted: Iterable[str], readers: Iterable[str]) -> None:
    admin.delete(properties, wanted)
    admin.delete_groups(properties, readers)


async def _all(
    properties: Mapping[str, str], plants: Mapping[str, Plant], tell: Callable[[Played], None]
) -> list[Played]:
    """Those that copy take longest, so they begin. Cut short, those that go on come to their end, and no other one begins."""
    seats = asyncio.Semaphore(_AT_ONCE)

    async def one(topic: str) -> Played:
        async with seats:
            played = await blocking(_tried, properties, plants[topic], topic)
        tell(played)
        return played

    async with asyncio.TaskGroup() as group:
        begun = sorted(plants, key=lambda topic: not plants[topic].copying)
        tasks = {topic: group.create_task(one(topic)) for topic in begun}
    return [tasks[topic].result() for topic in plants]


def _tried(properties: Mapping[str, str], plant: Plant, topic: str) -> Played:
    try:
        return play(plant, properties, topic)
    except (TimeoutError, RuntimeError, KafkaError) as error:
        return Played(plant, why=str(error))
