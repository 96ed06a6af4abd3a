"""An attempt that is cut short judges what was seen, and takes nothing for lost that was only not looked at."""

import asyncio
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from actors.tally import Outcome
from marathon_ray import Producers, Scenario, Topic, Transactors
from marathon_ray.attempt import Attempt, Site
from marathon_ray.journal import Journal
from marathon_ray.kafka import admin
from marathon_ray.names import Names
from marathon_ray.rounds import Rounds
from tests.model.bench import Bench, run


class Cut(Scenario):
    """All is kept."""

    orders: Topic = Topic(partitions=2)
    writers: Producers = Producers(to="orders", rate="1 records/s")


@pytest.mark.parametrize("drains", [False, True])
def test_an_end_that_was_seen_while_writers_went_on_counts_only_once_it_is_told_anew(
    tmp_path: Path, drains: bool
) -> None:
    bench = Bench()
    bench.write(Outcome.ACKNOWLEDGED, 0, 3, offset=0)
    bench.both(run(0, 3))  # the second pass has come to the end, as it was then
    bench.write(Outcome.ACKNOWLEDGED, 4, 9, offset=4)
    bench.read("first", run(4, 9))
    with Journal(tmp_path / "journal.jsonl") as journal:
        cluster = cast(Any, SimpleNamespace(client_properties=dict))
        attempt = Attempt(Cut(), Names("bench", "00000000"), Site(cluster, cast(Any, None), journal), seed=0)
        attempt.begin()
        attempt.accounts = bench.accounts
        attempt.rounds = Rounds({}, bench.accounts, [attempt._fold], began=time.monotonic())
        if drains:
            attempt._count_ends_anew()
            bench.read("second", [], position=4)
        asyncio.run(attempt.finish())
    assert [finding.kind for finding in attempt.findings] == (["gone"] if drains else [])
    assert bench.total("unaudited") == (0 if drains else 6)


class Copied(Scenario):
    """All that was written is copied."""

    orders: Topic = Topic(partitions=1)
    copies: Topic = Topic(partitions=1)
    writers: Producers = Producers(to="orders", rate="1 records/s")
    copiers: Transactors = Transactors(of="orders", to="copies", group="copiers")


def test_transactors_live_until_they_have_committed_all_that_was_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps, committed = list[str](), iter([{}, {0: 7}, {0: 10}])  # nothing; the last transaction is open yet; all

    def commits(_: object, group: str) -> dict[tuple[str, int], int]:
        found = next(committed)
        steps.append(f"{group} at {found.get(0, 0)}")
        return {("m-bench-00000000-orders", partition): offset for partition, offset in found.items()}

    async def a_round(within: float) -> None:
        steps.append("a round")

    async def retire(self: Attempt, *kinds: type) -> None:
        steps.append(" and ".join(kind.__name__ for kind in kinds))

    async def reads(self: Attempt) -> None:
        steps.append("reads")

    async def ends(self: Attempt) -> dict[tuple[int, int], int]:
        return {(1, 0): 10, (2, 0): 3}

    for name, stub in (("_retire", retire), ("_read_to_the_ends", reads), ("_ends", ends), ("_enter", lambda *_: None)):
        monkeypatch.setattr(Attempt, name, stub)
    monkeypatch.setattr(admin, "commits", commits)
    with Journal(tmp_path / "journal.jsonl") as journal:
        cluster = cast(Any, SimpleNamespace(client_properties=dict))
        attempt = Attempt(Copied(), Names("bench", "00000000"), Site(cluster, cast(Any, None), journal), seed=0)
        attempt.accounts = cast(Any, SimpleNamespace(copied=lambda topic: steps.append(f"topic {topic} is copied")))
        fleet = SimpleNamespace(name="copiers", spec=Copied().copiers, works=True)
        attempt.rounds = cast(
            Any,
            SimpleNamespace(
                fleets={"copiers": fleet},
                next=a_round,
                places=lambda _: [(1, 0)],
                run=lambda: asyncio.sleep(60),
            ),
        )
        asyncio.run(attempt.drain())
    looks = ["copiers at 0", "a round", "copiers at 7", "a round", "copiers at 10", "topic 2 is copied"]
    assert steps == ["Producers", *looks, "Transactors", "reads"]
