"""What a run has found and spent so far is on the disk, for whoever comes after its process has died."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from actors.order import Host
from marathon_ray.journal import Journal, read
from marathon_ray.nodes import MARKET, heard
from marathon_ray.prices import Prices
from marathon_ray.running import Desk


def test_each_change_of_the_broken_promises_is_written_down_once(tmp_path: Path) -> None:
    nobody = cast(Any, None)
    with Journal(tmp_path / "journal.jsonl") as journal:
        desk = Desk(nobody, nobody, tmp_path, journal, nobody, nobody, nobody, nobody, nobody, 0)
        for broken in ({}, {"A": "1 lost"}, {"A": "2 lost"}, {"A": "2 lost", "B": "1 lost"}, {}):
            desk._note_broken(broken)
    assert [entry["promises"] for entry in read(tmp_path / "journal.jsonl")] == [
        {"A": "1 lost"},
        {"A": "2 lost", "B": "1 lost"},
        {},
    ]


def test_what_is_spent_is_written_down_twice_a_minute(tmp_path: Path) -> None:
    nobody = cast(Any, None)
    rounds = cast(Any, SimpleNamespace(nodes={}, written={1: 0}))
    with Journal(tmp_path / "journal.jsonl") as journal:
        desk = Desk(nobody, nobody, tmp_path, journal, nobody, nobody, nobody, nobody, nobody, 0)
        desk.prices = Prices.model_validate({"spot": "6 EUR"})
        for now in range(1, 100):
            heard(rounds.nodes, {"writers-0": Host("a", labels={MARKET: "spot"})}, now - 1.0, now)
            rounds.written[1] += 1000
            desk._note_spent(rounds, now)
    entries = list(read(tmp_path / "journal.jsonl"))
    assert [(entry["what"], entry["bytes"]) for entry in entries] == [
        ("spent", 30_000), ("spent", 60_000), ("spent", 90_000),
    ]  # fmt: skip
    assert entries[-1]["hours"] == {"spot": pytest.approx(90 / 3600)}
    assert entries[-1]["money"] == {"EUR": pytest.approx(0.15)}
