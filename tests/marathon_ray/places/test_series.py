"""Which series a worker's doings become: each part once, by labels that do not grow with runs."""

from types import SimpleNamespace
from typing import Any

import pytest

from actors.order import Answer, Host, Order
from actors.spec import Producers
from actors.tally import Part, Tally
from actors.target import Target
from marathon_ray.places import series


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, float, dict[str, str]]]:
    rows: list[tuple[str, float, dict[str, str]]] = []

    def make(name: str, *_: Any) -> Any:
        def note(value: float, tags: dict[str, str]) -> None:
            rows.append((name, value, tags))

        return SimpleNamespace(inc=note, set=note)

    monkeypatch.setattr(series, "Counter", make)
    monkeypatch.setattr(series, "Gauge", make)
    return rows


def answer(*counts: dict[str, int]) -> Answer:
    parts = tuple(Part(version, 0, counts=each) for version, each in enumerate(counts, 1))
    return Answer("life", Host(), Tally("big-writers-3.2", parts))


def test_a_part_that_comes_again_counts_once(told: list[tuple[str, float, dict[str, str]]]) -> None:
    spec = Producers(to="t").slice(1, 2, {"t": 2})
    order = Order("big-writers-3.2", Target(1, {}), 1, spec)
    seat = series.Seats()
    seat.tell(order, answer({"acknowledged": 5, "bytes": 50}))
    seat.tell(None, answer({"acknowledged": 5, "bytes": 50}, {"acknowledged": 2, "unknown": 1}))
    mine = {"fleet": "big-writers", "worker": "1"}
    assert [row for row in told if row[0] == "marathon_records"] == [
        ("marathon_records", 5, {**mine, "what": "acknowledged"}),
        ("marathon_records", 2, {**mine, "what": "acknowledged"}),
        ("marathon_records", 1, {**mine, "what": "unknown"}),
    ]
    assert [value for name, value, _ in told if name == "marathon_bytes"] == [50]
    assert [value for name, value, _ in told if name == "marathon_unconfirmed_parts"] == [1, 2]


def test_a_seat_without_a_worker_tells_nothing(told: list[tuple[str, float, dict[str, str]]]) -> None:
    series.Seats().tell(None, Answer("life", Host()))
    assert told == []
