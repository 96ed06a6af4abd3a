"""docs/catalogue.md: which scenarios, fleets, promises, faults, roles, conditions and events there are, from the code itself."""

import inspect
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from pydantic.fields import FieldInfo

import marathon_ray
from actors.spec import Auditors, Consumers, Producers, Transactors
from marathon_ray.catalogue import read
from marathon_ray.faults.fault import missing
from marathon_ray.fields import build, flags, takes
from marathon_ray.kafka.existing import Existing
from marathon_ray.kafka.topics import Topic
from marathon_ray.news import KINDS
from marathon_ray.planning import plan
from marathon_ray.promises.generator import GeneratorHonest
from marathon_ray.scenario import Scenario
from marathon_ray.toolkit import Toolkit

SCENARIOS: Final = Path(__file__).parents[1] / "scenarios"
PAGE: Final = Path(__file__).parents[1] / "docs" / "catalogue.md"
_MODULES: Final = re.compile(r"(?:[a-z_]+\.)+(?=[A-Z])|'(?=[A-Z])|(?<=[a-z])'(?=\])")  # of names in annotations


class Declares(Scenario):
    """All that a scenario can declare."""

    topic: Topic
    producers: Producers
    consumers: Consumers
    transactors: Transactors
    auditors: Auditors


def page() -> str:
    """All of docs/catalogue.md."""
    return "\n".join(line.rstrip() for line in _page()) + "\n"


def _page() -> Iterator[str]:
    yield "# What there is"
    yield ""
    yield "Written from the code by `python -m tests.reference > docs/catalogue.md`; a test holds it fresh."
    for title, lines in (
        ("Scenarios", _scenarios()),
        ("Topics and fleets", _declared()),
        ("Promises", _promises()),
        ("Faults", _faults()),
        ("Whom a fault befalls", _calls(_public("marathon_ray.faults.roles"))),
        ("What to wait for", _calls(_public("marathon_ray.conditions"))),
        ("What a phase may do", _calls(_methods(Toolkit))),
        ("Events", _events()),
    ):
        yield from ("", f"## {title}", "", *lines)


def _scenarios() -> Iterator[str]:
    yield from (
        "Each has the field `at_most`, too: a duration; what is not over by then hangs, and proves nothing.",
        "",
    )
    for number, (name, scenario) in enumerate(read([SCENARIOS]).scenarios.items()):
        yield from ([""] if number else [])
        yield from (f"### {name}", "", scenario.promise(), "")
        yield from (f"- promises: {line}" for line in plan(build(scenario)).demands)
        yield f"- faults: {', '.join(fault.__name__ for fault in scenario.suffers) or 'none'}"
        yield f"- declares: {', '.join(_own(scenario))}"


def _own(scenario: type[Scenario]) -> Iterator[str]:
    """Topics and fleets by their kind, other fields with their defaults."""
    for name, field in _declared_by(scenario):
        shown = [flag for flag in flags(scenario) if flag.name == name]
        kind = getattr(field.annotation, "__name__", "")
        yield f"`{name}` ({shown[0].default if shown else kind})"


def _declared_by(scenario: type[Scenario]) -> Iterator[tuple[str, FieldInfo]]:
    """Without those that every scenario has."""
    yield from ((name, field) for name, field in scenario.model_fields.items() if name not in Scenario.model_fields)


def _declared() -> Iterator[str]:
    for number, (name, field) in enumerate(_declared_by(Declares)):
        kind = field.annotation
        yield from ([""] if number else [])
        yield from (f"**{getattr(kind, '__name__', '')}**", "", *_whole(kind), "")
        own = [flag for flag in flags(Declares) if flag.name.startswith(f"{name}.")]
        yield from _table((flag.name.partition(".")[2], flag.takes, flag.default) for flag in own)


def _promises() -> Iterator[str]:
    for number, kind in enumerate([*_public("marathon_ray.promises."), GeneratorHonest]):
        if kind.__name__ == "Promise":
            continue
        safety = "safety: it outranks an interruption" if kind.safety else "liveness or rate"
        also = "; part of every run" if kind is GeneratorHonest else ""
        yield from ([""] if number else [])
        yield from (f"**{kind.__name__}** ({safety}{also})", "", *_whole(kind))
        if fields := kind.__pydantic_fields__:
            yield from ("", *_table(_fields(fields)))


def _faults() -> Iterator[str]:
    yield "| fault | what it does | a cluster that cannot |"
    yield "| --- | --- | --- |"
    upgrades = _public("marathon_ray.faults.upgrade")
    for kind in [*_public("marathon_ray.faults.broker"), *filter(inspect.isclass, upgrades)]:
        (lacking,) = missing([kind], Existing({"bootstrap.servers": "nobody:9092"}))
        yield f"| `{kind.__name__}({', '.join(inspect.signature(kind).parameters)})` | {_first(kind)} | is skipped: {lacking.partition(': ')[2]} |"
    yield ""
    yield from _calls(filter(inspect.isfunction, upgrades))


def _events() -> Iterator[str]:
    yield "| event | severity | what it says |"
    yield "| --- | --- | --- |"
    yield from (f"| {kind} | {severity} | {text} |" for kind, (severity, text) in KINDS.items())


def _calls(some: Iterable[Any]) -> Iterator[str]:
    for call in some:
        signature = inspect.signature(call)
        parameters = [one for one in signature.parameters.values() if one.name != "self"]
        shown = str(signature.replace(parameters=parameters, return_annotation=signature.empty))
        yield f"- `{call.__name__}{_MODULES.sub('', shown)}`: {_first(call)}"


def _methods(kind: type) -> list[Any]:
    return [call for name, call in vars(kind).items() if inspect.isfunction(call) and not name.startswith("_")]


def _public(home: str) -> list[Any]:
    """What users import that is defined there, in the order of names."""
    names = [name for name, where in marathon_ray._HOMES.items() if where.startswith(home)]
    return [getattr(marathon_ray, name) for name in names]


def _fields(fields: Mapping[str, FieldInfo]) -> Iterator[tuple[str, str, str | None]]:
    for name, field in fields.items():
        default = field.get_default(call_default_factory=True)
        yield name, takes(field), None if field.is_required() else str(default or "")


def _table(fields: Iterable[tuple[str, str, str | None]]) -> Iterator[str]:
    """A line for each field: its name, what it takes, and its default (None: it must be given)."""
    yield "| field | takes | default |"
    yield "| --- | --- | --- |"
    for name, kind, default in fields:
        yield f"| `{name}` | {kind.replace('|', 'or')} | {'(must be given)' if default is None else default} |"


def _first(thing: Any) -> str:
    return next(_whole(thing))


def _whole(thing: Any) -> Iterator[str]:
    """The docstring, a paragraph a line."""
    for number, paragraph in enumerate(inspect.cleandoc(thing.__doc__ or "").split("\n\n")):
        yield from ([""] if number else [])
        yield " ".join(paragraph.split())


if __name__ == "__main__":
    sys.stdout.write(page())
