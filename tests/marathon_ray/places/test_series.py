"""Which series a worker's doings become: each part once, by labels that do not grow with runs."""

from types import SimpleNamespace
from typing import Any

import pytest

from actors.order import Answer, Host, Order
from actors.spec import Producers
from actors.tally import Part, Tally
from actors.target import Target
from marathon_ray.places import series
from marathon_ray.round import Phase, Round


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


def test_all_fates_of_records_and_bytes_of_both_ways_are_told(told: list[tuple[str, float, dict[str, str]]]) -> None:
    counts = {"attempted": 9, "acknowledged": 5, "refused": 3, "unknown": 1, "read": 7, "another": 8}
    order = Order("writers-0", Target(1, {}), 1, Producers(to="t").slice(0, 1, {"t": 2}))
    series.Seats().tell(order, answer({**counts, "bytes": 50, "read bytes": 70}))
    records = {tags["what"]: value for name, value, tags in told if name == "marathon_records"}
    assert records == {name: count for name, count in counts.items() if name != "another"}
    assert [value for name, value, _ in told if name == "marathon_bytes"] == [120]


def test_nothing_counts_again_once_all_parts_are_confirmed(told: list[tuple[str, float, dict[str, str]]]) -> None:
    order = Order("writers-0", Target(1, {}), 1, Producers(to="t").slice(0, 1, {"t": 2}))
    seat = series.Seats()
    for said in (answer({"read": 1}), answer(), answer({"read": 1}, {"read": 2})):  # a late answer, out of turn
        seat.tell(order, said)
    assert [value for name, value, _ in told if name == "marathon_records"] == [1, 2]


def test_a_seat_tells_under_the_number_that_it_has_by_now(told: list[tuple[str, float, dict[str, str]]]) -> None:
    seat, spec = series.Seats(), Producers(to="t")
    seat.tell(Order("writers-0", Target(1, {}), 1, spec.slice(0, 2, {"t": 2})), answer({"read": 1}))
    seat.tell(Order("writers-0", Target(1, {}), 2, spec.slice(1, 2, {"t": 2})), answer({"read": 1}, {"read": 2}))
    assert [tags["worker"] for name, _, tags in told if name == "marathon_records"] == ["0", "1"]


def test_a_seat_without_a_worker_tells_nothing(told: list[tuple[str, float, dict[str, str]]]) -> None:
    seat = series.Seats()
    seat.tell(None, Answer("life", Host()))
    seat.tell(None, answer({"read": 1}))
    assert told == []


def test_how_far_groups_are_behind_is_told_by_fleet(told: list[tuple[str, float, dict[str, str]]]) -> None:
    series.Lags()(Round(0, 1, 0, Phase.WORKLOAD, lag={"readers": 17, "copiers": 0}))
    assert told == [
        ("marathon_lag_records", 17, {"fleet": "readers"}),
        ("marathon_lag_records", 0, {"fleet": "copiers"}),
    ]
