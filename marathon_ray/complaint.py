"""What pydantic says of bad input, a line for each mistake: the field, the value, and what would do."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from importlib import import_module
from typing import TYPE_CHECKING, Final

from pydantic import ValidationError
from pydantic_core import ArgsKwargs

from marathon_ray.usage import in_short

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_LONGEST: Final = 80  # characters of a value
_SECRET: Final = re.compile(r"password|secret|token")
_MISSING: Final = ("missing", "missing_argument")  # it is the whole that is shown as the value then
_UNKNOWN: Final = ("extra_forbidden", "unexpected_keyword_argument")
_OURS: Final = "value_error"  # pydantic's name for a ValueError of our own, whose text is a whole sentence


def complaint(error: ValidationError, *, of: str | None = None) -> str:
    """All of them in short: two lines at most."""
    return "\n".join(in_short(complaints(error, of=of)))


def complaints(error: ValidationError, *, of: str | None = None) -> list[str]:
    """A line for each mistake. `of` is what has the fields ("writers"); without it, it is the name of the model."""
    found = error.errors(include_url=False)
    return [_line(each, of or error.title) + _instead(each, error.title) for each in found]


def _line(mistake: ErrorDetails, of: str) -> str:
    """A sentence of our own names what is wrong: it needs no value where it names the field, or is about a whole."""
    where = [of, *map(str, mistake["loc"])]
    what = " ".join(mistake["msg"].removeprefix("Value error, ").split())
    if mistake["type"] == _OURS and what.startswith(f"{where[-1]} "):
        return f"{'.'.join(where[:-1] or where)}: {what}"
    whole = isinstance(mistake["input"], Mapping | ArgsKwargs)
    if mistake["type"] in _MISSING or (mistake["type"] == _OURS and whole):
        return f"{'.'.join(where)}: {what}"
    return f"{'.'.join(where)} {_value(where[-1], mistake['input'])}: {what}"


def _instead(mistake: ErrorDetails, title: str) -> str:
    """What was probably meant: one of the words that the field takes, or a field of what has this public name."""
    if mistake["type"] == "literal_error":
        return _meant(str(mistake["input"]), re.findall("'(.*?)'", mistake["ctx"]["expected"]))
    if mistake["type"] in _UNKNOWN and len(mistake["loc"]) == 1:
        model = getattr(import_module("marathon_ray"), title, None)
        return _meant(str(mistake["loc"][0]), getattr(model, "__pydantic_fields__", ()))
    return ""


def _meant(word: str, known: Iterable[str]) -> str:
    close = get_close_matches(word, list(known), n=1)
    return f"; did you mean {close[0]}?" if close else ""


def _value(where: str, value: object) -> str:
    if _SECRET.search(where) or (isinstance(value, Mapping | Sequence) and _SECRET.search(repr(value))):
        return "***"
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
