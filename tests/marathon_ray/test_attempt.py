"""An attempt that is cut short judges what was seen, and takes nothing for lost that was only not looked at."""

import asyncio
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from actors.tally import Outcome
from marathon_ray import Producers, Scenario, Topic
from marathon_ray.attempt import Attempt, Site
from marathon_ray.journal import Journal
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
