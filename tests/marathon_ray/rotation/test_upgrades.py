"""A newer Kafka: what is new, whose turn it is then, and when it is asked for. Nobody is asked here."""

import asyncio
import time
from dataclasses import replace
from typing import Any

import pytest

from marathon_ray.event import Severity
from marathon_ray.kafka.cluster import KafkaError
from marathon_ray.outcome import Outcome
from marathon_ray.rotation import upgrades
from marathon_ray.rotation.ledger import Standing, after, standing
from marathon_ray.rotation.turns import Turn
from marathon_ray.rotation.upgrades import Watch, fresh, offered, upgrade
from tests.marathon_ray.rotation.plans import a_plan

AT = "2026-01-01T00:00:00+00:00"


def newer(cluster: str, release: str) -> dict[str, Any]:
    return {"what": "newer", "at": AT, "cluster": cluster, "release": release}


def test_new_is_what_is_newer_than_all_that_was_found_for_that_cluster() -> None:
    offers = {"one": ["4.9.9", "4.10.0"], "two": ["4.4.0"], "three": [], "four": ["4.4.0"], "five": ["4.3.1"]}
    found = {"one": "4.9.9", "two": "4.4.0", "five": "4.4.0"}
    assert fresh(offers, found) == {"one": "4.10.0", "four": "4.4.0"}


def test_an_upgrade_that_is_due_comes_before_the_turn_of_its_number_and_but_once() -> None:
    plan = a_plan(upgrades={"clusters": ["two"], "fields": {"steady": ["1 s", "2 s"], "writers.rate": "1 MB/s"}})
    assert upgrade(plan, Standing(number=7)) is None
    now = standing([newer("one", "4.4.0"), newer("two", "4.4.0")])
    turn = upgrade(plan, now)
    assert turn == upgrade(plan, now)  # always the same
    assert turn is not None
    assert (turn.number, turn.scenario, turn.cluster, turn.release) == (0, "rolling-upgrade", "two", "4.4.0")
    assert turn.flags[0] == "--to=4.4.0"
    assert turn.flags[1] in ("--steady=1 s", "--steady=2 s")
    now = after(
        replace(now, outcomes=(Outcome.PASSED,)), {"what": "turn over", "at": AT, "number": 0, "upgraded": "two"}
    )
    assert (now.number, now.outcomes, dict(now.releases)) == (0, (), {"one": "4.4.0", "two": "4.4.0"})
    assert upgrade(plan, now) is None
    assert upgrade(plan, after(now, newer("two", "4.4.1"))) is not None


def test_what_the_plan_does_not_want_any_more_is_not_played() -> None:
    now = standing([newer("one", "4.4.0"), newer("gone", "4.4.0")])
    assert upgrade(a_plan(), now) is None
    assert upgrade(a_plan(upgrades={"clusters": ["two"]}), now) is None
    turn = upgrade(a_plan(upgrades={}), now)
    assert turn is not None
    assert turn.cluster == "one"


def test_a_turn_is_the_same_after_it_was_written_down() -> None:
    turn = Turn(3, "rolling-upgrade", "one", (("to", "4.4.0"),), 5, "4.4.0")
    assert Turn.attempted(turn.facts) == turn
    before = {name: value for name, value in turn.facts.items() if name != "release"}  # as journals had it
    assert Turn.attempted(before).release == ""


def test_it_is_asked_for_when_the_time_has_come_and_no_turn_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    plan, watch = a_plan(upgrades={"every": "1 h"}), Watch(lambda *_: [])
    assert not watch.is_due(a_plan(), Standing())
    assert not watch.is_due(plan, Standing(outcomes=(Outcome.INTERRUPTED,)))
    assert watch.is_due(plan, Standing())
    asyncio.run(watch.look(plan, Standing()))
    now += 3599
    assert not watch.is_due(plan, Standing())
    now += 1
    assert watch.is_due(plan, Standing())


def test_one_that_cannot_be_asked_is_told_and_the_others_are_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upgrades, "_WITHIN", 0.05)
    asked: list[tuple[str, float]] = []
    over = asyncio.Event()

    async def look() -> Any:
        loop = asyncio.get_running_loop()

        def offers(cluster: str, max_age: float) -> list[str]:
            asked.append((cluster, max_age))
            if cluster == "broken":
                raise KafkaError("no\nconnection")
            if cluster == "silent":
                asyncio.run_coroutine_threadsafe(over.wait(), loop).result()
            return ["4.3.1", "4.4.0"]

        plan = a_plan(
            upgrades={"every": "1 h"},
            clusters={"b": "broken", "s": "silent", "w": "well"},
            scenarios=[{"run": "steady-write"}],
        )
        try:
            return await Watch(offers).look(plan, Standing())
        finally:
            over.set()

    found, events = asyncio.run(look())
    assert (found, asked) == ({"w": "4.4.0"}, [("broken", 3600.0), ("silent", 3600.0), ("well", 3600.0)])
    assert [(event.about, event.severity, event.over, event.message.splitlines()[1:]) for event in events] == [
        ("b: releases", Severity.WARNING, False, ["no connection"]),
        ("s: releases", Severity.WARNING, False, ["no answer within 0.05 s"]),
        ("w: releases", Severity.INFO, True, []),
        ("w: Kafka 4.4.0", Severity.INFO, False, ["the next turn is rolling-upgrade"]),
    ]


def test_what_cannot_be_upgraded_is_offered_nothing() -> None:
    assert offered("kafka.example:9092", 60) == []
