"""A value between two, of any unit, drawn as a person would write it."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from actors.units import Rate, parse_duration, parse_size
from marathon_ray.rotation.quantity import Between, Choice

CHOICE: TypeAdapter[Choice] = TypeAdapter(Choice)


@given(st.integers())
@pytest.mark.parametrize(
    ("least", "most", "parse"),
    [
        (2, 40, int),
        (0.25, 0.75, float),
        ("10 s", "2 h", parse_duration),
        ("1 KiB", "3 MiB", parse_size),
        ("5 MB/s", "90 MB/s", lambda text: float(Rate.parse(text).amount or 0)),
        ("2k records/s", "9k records/s", lambda text: float(Rate.parse(text).amount or 0)),
    ],
)
def test_what_is_drawn_lies_between_and_can_be_read_again(
    least: object, most: object, parse: object, seed: int
) -> None:
    between = Between.model_validate({"from": least, "to": most})
    drawn = between.draw(random.Random(seed))
    assert parse(least) * 0.99 <= parse(drawn) <= parse(most) * 1.01  # type: ignore[operator]


def test_a_choice_is_a_value_a_list_or_a_range() -> None:
    assert CHOICE.validate_python(True).ends() == ("true",)
    assert CHOICE.validate_python([1, "2 s"]).ends() == ("1", "2 s")
    assert CHOICE.validate_python({"from": "1 s", "to": "5 s"}).ends() == ("1 s", "5 s")


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ([], "write one value, a list of values"),
        ([[1]], "write one value, a list of values"),
        (None, "write one value, a list of values"),
        ({"from": 5, "to": 2}, "from 5 to 2: the first is the greater one"),
        ({"from": "1 s", "to": "1 MB"}, "write two numbers, durations, sizes or rates"),
        ({"from": "1 s"}, "Field required"),
    ],
)
def test_what_is_no_choice_is_refused(bad: object, why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        CHOICE.validate_python(bad)
