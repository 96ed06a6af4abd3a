"""A mistake in a model's input costs a line, two at most, and never shows a secret."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from actors.spec import Producers
from marathon_ray.complaint import complaint


class Login(BaseModel, extra="forbid"):
    """Something with a secret."""

    password: int = 0
    properties: dict[str, int] = {}


def said(model: type[BaseModel], **given: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        model(**given)
    return complaint(caught.value, of="writers")


def test_the_field_the_value_and_the_limit_are_named() -> None:
    line = "writers.workers 0: Input should be greater than or equal to 1"
    assert said(Producers, to="orders", workers=0) == line


def test_a_sentence_of_our_own_is_not_introduced_twice() -> None:
    assert said(Producers, to="orders", rate="0/s") == "writers: rate 0 records/s: it is above 0, or unlimited"
    assert said(Producers, to="orders", rate="fast").startswith("writers: rate 'fast': write 30k records/s, ")


def test_a_second_mistake_has_a_line_and_the_others_are_counted() -> None:
    text = said(Producers, to="orders", workers=0, index=-1, in_flight=0, fast=1)
    first, second = text.splitlines()
    assert first.startswith("writers.workers 0: ")
    assert second.startswith("writers.index -1: ")
    assert second.endswith("(and 2 more)")


def test_a_long_value_is_cut() -> None:
    text = said(Producers, to="orders", workers="x" * 10_000)
    assert "…: Input should be a valid integer" in text
    assert len(text) < 200


def test_secrets_are_not_shown() -> None:
    assert said(Login, password="hunter2") == (
        "writers.password ***: Input should be a valid integer, unable to parse string as an integer"
    )
    assert "hunter2" not in said(Login, properties={"sasl.password": "hunter2"})
    assert "hunter2" not in said(Login, extra={"sasl.password": "hunter2"})
