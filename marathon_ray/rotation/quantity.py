"""A value of a scenario's field as a rotation gives it: one, one of several, or drawn between two."""

import random
from collections.abc import Callable
from fractions import Fraction
from typing import Annotated, Any, Final, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from actors.units import Rate, duration_text, parse_duration, parse_size, size_text

_DIGITS: Final = 3  # that a drawn value has


class Between(BaseModel):
    """Any value from one to the other: numbers, durations, sizes or rates, both of one kind."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
    least: str | int | float = Field(alias="from")
    most: str | int | float = Field(alias="to")

    @model_validator(mode="after")
    def _is_a_range(self) -> "Between":
        low, high, _ = self._kind()
        if low > high:
            raise ValueError(f"from {self.least} to {self.most}: the first is the greater one")
        return self

    def draw(self, chance: random.Random) -> str:
        """One of them, as a person would write it."""
        low, high, text = self._kind()
        return text(chance.uniform(low, high))

    def ends(self) -> tuple[str, str]:
        """Both, as written."""
        return str(self.least), str(self.most)

    def _kind(self) -> tuple[float, float, Callable[[float], str]]:
        for parse, text in _KINDS:
            try:
                return parse(self.least), parse(self.most), text
            except ValueError:
                continue
        raise ValueError(f"from {self.least!r} to {self.most!r}: write two numbers, durations, sizes or rates")


def _number(value: str | int | float) -> float:
    return float(value)


def _whole(value: str | int | float) -> float:
    if isinstance(value, int) or (isinstance(value, str) and value.isdecimal()):
        return int(value)
    raise ValueError(value)


def _rate(unit: str) -> Callable[[str | int | float], float]:
    def parse(value: str | int | float) -> float:
        rate = Rate.parse(value)
        if rate.amount is None or rate.unit != unit:
            raise ValueError(value)
        return float(rate.amount)

    return parse


def _short(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")


_KINDS: Final[tuple[tuple[Callable[[Any], float], Callable[[float], str]], ...]] = (
    (_whole, lambda value: str(round(value))),
    (_number, lambda value: f"{_short(value):g}"),
    (parse_duration, lambda value: duration_text(_short(value))),
    (parse_size, lambda value: size_text(round(_short(value)))),
    (_rate("bytes"), lambda value: str(Rate(Fraction(round(_short(value))), "bytes"))),
    (_rate("records"), lambda value: str(Rate(Fraction(round(_short(value)))))),
)


class OneOf(BaseModel):
    """One of these."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    values: tuple[str, ...] = Field(min_length=1)

    def draw(self, chance: random.Random) -> str:
        """One of them."""
        return chance.choice(self.values)

    def ends(self) -> tuple[str, ...]:
        """All of them."""
        return self.values


def _choice(value: object) -> object:
    if isinstance(value, OneOf | Between):
        return value
    if isinstance(value, dict):
        return Between.model_validate(value)
    listed = value if isinstance(value, list | tuple) else [value]
    if not listed or any(isinstance(each, dict | list) or each is None for each in listed):
        raise ValueError("write one value, a list of values, or {from: VALUE, to: VALUE}")
    return OneOf(values=tuple(str(each).lower() if isinstance(each, bool) else str(each) for each in listed))


Choice: TypeAlias = Annotated[OneOf | Between, BeforeValidator(_choice)]
