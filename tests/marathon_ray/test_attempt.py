"""An attempt that is cut short judges what was seen, and takes nothing for lost that was only not looked at."""

import asyncio
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from actors.tally import Outcome
from marathon_ray import Producers, Scenario, Topic, Transactors
from marathon_ray import attempt as attempts
from marathon_ray.attempt import Attempt, Site
from marathon_ray.journal import Journal
from marathon_ray.kafka.cluster import KafkaError
from marathon_ray.names import Names
from marathon_ray.rounds import BenchError, Rounds
from marathon_ray.terms import GroupTerms
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


def drained(
    attempt: Attempt,
    monkeypatch: pytest.MonkeyPatch,
    *,
    committed: Iterable[int | None],
    played: bool,
    unread: Iterable[str] = (),
) -> list[str]:
    """The steps of its drain, where the log ends at 10 and the cluster says one after the other what is committed."""
    steps, words = list[str](), [*committed]

    def commits(_: object, group: str, places: Iterable[tuple[str, int]]) -> dict[tuple[str, int], int]:
        assert [*places] == [("m-bench-00000000-orders", 0)]
        steps.append(f"{group} at {(at := words.pop(0))}")
        if at is None:
            raise KafkaError("the coordinator is not there")
        return dict.fromkeys(places, at)

    async def a_round(within: float) -> None:
        steps.append("a round")

    async def retire(self: Attempt, *kinds: type) -> None:
        steps.append(" and ".join(kind.__name__ for kind in kinds))

    async def reads(self: Attempt) -> list[str]:
        steps.append("reads")
        return [*unread]

    async def ends(self: Attempt) -> dict[tuple[int, int], int]:
        return {(1, 0): 10, (2, 0): 3}

    for name, stub in (("_retire", retire), ("_read_to_the_ends", reads), ("_ends", ends), ("_enter", lambda *_: None)):
        monkeypatch.setattr(Attempt, name, stub)
    monkeypatch.setattr(attempts, "commits", commits)
    attempt.accounts = cast(Any, SimpleNamespace(copied=lambda topic: steps.append(f"topic {topic} is copied")))
    fleet = SimpleNamespace(name="copiers", spec=Copied().copiers, works=True)
    places = {"copiers": [(1, 0)]}
    attempt.rounds = cast(
        Any,
        SimpleNamespace(fleets={"copiers": fleet}, next=a_round, places=places.get, run=lambda: asyncio.sleep(60)),
    )
    attempt._played = played
    try:
        asyncio.run(attempt.drain())
    except BenchError as error:
        steps.append(str(error))
    return steps


@pytest.fixture
def copying(tmp_path: Path) -> Iterator[Attempt]:
    with Journal(tmp_path / "journal.jsonl") as journal:
        cluster = cast(Any, SimpleNamespace(client_properties=dict))
        yield Attempt(Copied(), Names("bench", "00000000"), Site(cluster, cast(Any, None), journal), seed=0)


def test_transactors_live_until_they_have_committed_all_that_was_written(
    copying: Attempt, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = ["copiers at None", "a round", "copiers at 7", "a round", "copiers at 10", "topic 2 is copied"]
    steps = drained(copying, monkeypatch, committed=(None, 7, 10), played=True)
    assert steps == ["Producers", *looks, "Transactors", "reads"]


def test_transactors_that_come_to_no_end_are_told_of_when_all_else_is_read(
    copying: Attempt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempts, "_DRAIN_SECONDS", 0)
    steps = drained(copying, monkeypatch, committed=(7,), played=True)
    late = "copiers did not copy to the end within 0 s"
    assert steps == ["Producers", "copiers at 7", "Transactors", "reads", late]


def test_what_is_not_read_in_time_is_told_beside_what_is_not_copied(
    copying: Attempt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempts, "_DRAIN_SECONDS", 0)
    steps = drained(copying, monkeypatch, committed=(7,), played=True, unread=["something was not read"])
    assert steps[-2:] == ["reads", "copiers did not copy to the end, something was not read within 0 s"]
    assert drained(copying, monkeypatch, committed=(10,), played=True, unread=["a", "b"])[-1] == "a, b within 0 s"


def test_nobody_waits_for_transactors_where_the_scenario_did_not_come_to_its_end(
    copying: Attempt, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = drained(copying, monkeypatch, committed=(), played=False)
    assert steps == ["Producers and Transactors", "Transactors", "reads"]


def hasty(attempt: Attempt, monkeypatch: pytest.MonkeyPatch) -> Rounds:
    """Its rounds, in which nobody tells anything; it reads to the ends of logs for a moment, in which it looks for them once."""
    bench = Bench()
    attempt.accounts = bench.accounts
    rounds = attempt.rounds = Rounds({}, bench.accounts, [], began=time.monotonic())

    async def nothing(*_: object) -> None:
        return None

    monkeypatch.setattr(rounds, "next", nothing)
    monkeypatch.setattr(Attempt, "_look_for_starts", nothing)
    monkeypatch.setattr(attempts, "_DRAIN_SECONDS", 0.01)
    monkeypatch.setattr(attempts, "_ENDS_SECONDS", 0.02)
    return rounds


@pytest.mark.parametrize(
    ("ends", "left"),
    [
        ({(1, 0): 10, (1, 1): 0}, []),
        ({(1, 0): 10, (1, 1): 8}, ["the second pass read orders-1 to 8 of 8 and found no end there"]),
        ({(1, 0): 12, (1, 1): 7}, [
            "the first pass read orders-0 to 10 of 12 and found no end there",
            "the first pass read orders-1 to 8 of 7 and found no end there",
            "the second pass read orders-0 to 10 of 12 and found no end there",
            "the second pass read orders-1 to 8 of 7 and found no end there",
        ]),
    ],
)  # fmt: skip
def test_a_partition_that_no_pass_finds_the_end_of_is_named(
    ends: dict[tuple[int, int], int], left: list[str], copying: Attempt, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds = hasty(copying, monkeypatch)

    async def tells(within: float) -> None:
        rows = [(reading, 1, 0, 10, True) for reading in ("first", "second")]
        rounds.told.take([*rows, ("first", 1, 1, 8, True), ("second", 1, 1, 8, False)])

    async def of_the_logs(self: Attempt) -> dict[tuple[int, int], int]:
        return ends

    monkeypatch.setattr(rounds, "next", tells)
    monkeypatch.setattr(Attempt, "_ends", of_the_logs)
    assert asyncio.run(copying._read_to_the_ends()) == left
    assert copying.drained is (left == [])


def test_a_last_word_that_comes_when_the_time_is_over_counts(copying: Attempt, monkeypatch: pytest.MonkeyPatch) -> None:
    rounds, looks = hasty(copying, monkeypatch), 0

    async def of_the_logs(self: Attempt) -> dict[tuple[int, int], int]:
        nonlocal looks
        looks += 1
        if looks > 1:
            rounds.told.take((reading, 1, 0, 10, True) for reading in ("first", "second"))
        return {(1, 0): 10}

    monkeypatch.setattr(Attempt, "_ends", of_the_logs)
    assert asyncio.run(copying._read_to_the_ends()) == []
    assert copying.drained


def test_what_was_left_uncopied_when_a_run_was_cut_short_is_no_finding(copying: Attempt) -> None:
    bench = Bench(groups={"live": GroupTerms(isolation="read_committed")})
    copying.accounts = bench.accounts
    copying.rounds = Rounds({}, bench.accounts, [copying._fold], began=time.monotonic())
    bench.write(Outcome.ACKNOWLEDGED, 0, 9, offset=0)
    bench.both(run(0, 9))
    for reading in ("first", "second", "live"):
        bench.read(reading, run(0, 5), place=(1, 0))
    asyncio.run(copying.finish())
    assert [finding.kind for finding in copying.findings if "copied" in finding.kind] == []
