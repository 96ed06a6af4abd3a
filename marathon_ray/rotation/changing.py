"""A plan with fields changed by command. Pure."""

import copy
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

import yaml

from marathon_ray.catalogue import title
from marathon_ray.rotation.plan import Plan
from marathon_ray.usage import UsageError, nearest

FIELDS: Final = ("scenarios", "order", "every", "upgrades", "quiet", "budget", "prices", "patience")
Place = tuple[str | int, ...]


def changed(content: Mapping[str, Any], changes: Mapping[str, str]) -> dict[str, Any]:
    """What stands in a plan, with these fields as given, in YAML; whether that is a plan is not looked at.

    A field is named by its parts, as `patience.rest`; one of a scenario by the scenario's name or its number in the list
    from 0, as `scenarios.kill-leader.fields.writers.rate`. Raises UsageError of one line where there is no such place, or
    it is none that can change.
    """
    out: dict[str, Any] = copy.deepcopy(dict(content))
    for field, text in changes.items():
        _put(out, place_of(out, field), _value(field, text), field)
    return out


def place_of(content: Mapping[str, Any], field: str) -> Place:
    """Where that field stands in a plan. Raises UsageError."""
    first, _, rest = field.partition(".")
    if first not in FIELDS:
        if first in Plan.model_fields:
            raise UsageError(f"{field}: the controller was started with it; change the plan, and start it again")
        raise UsageError(f"{field}: a plan has no such field that can be set; {nearest(first, FIELDS)}")
    if first != "scenarios" or not rest:
        return (first, *(rest.split(".") if rest else ()))
    number, rest = _entry(content["scenarios"], rest, field)
    part, _, name = rest.partition(".")  # a scenario's own field is one name, dots and all
    return (first, number, part, *([name] if name else ()))


def _entry(entries: Sequence[Mapping[str, Any]], rest: str, field: str) -> tuple[int, str]:
    """The number of the entry that is meant, and what of it."""
    names = [{str(number), str(entry["run"]), title(str(entry["run"]))} for number, entry in enumerate(entries)]
    found = [
        (number, rest.removeprefix(f"{name}."))
        for number, known in enumerate(names)
        for name in known
        if rest.startswith(f"{name}.")
    ]
    meant = {number for number, _ in found}
    if len(meant) > 1:
        numbers = " and ".join(f"scenarios.{number}" for number in sorted(meant))
        raise UsageError(f"{field}: {numbers} have that name; write the number")
    if not found:
        raise UsageError(f"{field}: write scenarios.NAME.FIELD; {_known(names, rest)}")
    return min(found, key=lambda each: len(each[1]))  # mine.py begins as the name of its scenario does, and is meant


def _known(names: Iterable[set[str]], rest: str) -> str:
    return nearest(rest.partition(".")[0], [name for known in names for name in known if not name.isdecimal()])


def _value(field: str, text: str) -> Any:  # noqa: ANN401 - whatever YAML says
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise UsageError(f"{field} {text!r}: that is no YAML: {getattr(error, 'problem', error)}") from None


def _put(content: Any, place: Place, value: Any, field: str) -> None:  # noqa: ANN401
    for step, part in pairwise(place):
        content = content.setdefault(step, {}) if isinstance(content, dict) else content[step]
        if isinstance(content, list) and not isinstance(part, int):
            raise UsageError(f"{field}: {step} is a list; set it as a whole")
        if not isinstance(content, dict | list):
            raise UsageError(f"{field}: {step} is {content!r}, which has no parts")
    content[place[-1]] = value
