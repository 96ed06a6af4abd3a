"""Numbers and times read as people write them."""

import pytest

from marathon_ray.report.words import lasting, latency, number, short


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (3.44, "3.4 s"), (59.94, "59.9 s"), (59.96, "1 min"), (125, "2 min 5 s"), (3599.7, "1 h"),
     (27_000, "7 h 30 min"), (86_400, "1 d"), (90_000, "1 d 1 h"), (3_605, "1 h")],
)  # fmt: skip
def test_how_long_it_took(seconds: float, text: str) -> None:
    assert lasting(seconds) == text


@pytest.mark.parametrize(
    ("us", "text"),
    [(0, "0 µs"), (999, "999 µs"), (1_000, "1 ms"), (12_340, "12.3 ms"), (999_400, "999 ms"), (1.5e6, "1.5 s")],
)
def test_how_late_it_was(us: float, text: str) -> None:
    assert latency(us) == text


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0"), (999, "999"), (999.9, "1k"), (61_000, "61k"), (1.25e6, "1.25M"), (2e9, "2G")]
)
def test_how_many_in_short(count: float, text: str) -> None:
    assert short(count) == text


@pytest.mark.parametrize(("count", "text"), [(8_203_118, "8,203,118"), (0.12345, "0.123"), (1234.5, "1,234")])
def test_how_many(count: float, text: str) -> None:
    assert number(count) == text
