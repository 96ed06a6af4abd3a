"""A scenario's fields as flags of a command line: `--writers.rate "300 MB/s" --orders.partitions 12`."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import NoneType
from typing import Annotated, Any, Final, Literal, get_args, get_origin

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError, create_model
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, SettingsError

from actors.spec import Auditors, WorkerSpec
from actors.units import Rate, parse_duration, parse_share, parse_size
from marathon_ray.complaint import complaint, complaints
from marathon_ray.scenario import Scenario
from marathon_ray.usage import UsageError, nearest

# Of `marathon run` itself.
OPTIONS: Final = ("cluster", "places", "ray", "nodes", "results", "store", "seed", "json", "bench", "help")
_BY_RUN: Final = {WorkerSpec: ("index", "partitions"), Auditors: ("begin",)}  # what only a slice has
_UNITS: Final[Mapping[Callable[..., Any], str]] = {
    parse_duration: "duration",
    parse_size: "size",
    parse_share: "share",
}
_WORDS: Final[Mapping[type, str]] = {str: "text", int: "integer", float: "number", bool: "true | false", Rate: "rate"}


@dataclass(frozen=True, slots=True)
class Flag:
    """One field: its flag without dashes, what it takes in words, and its default as one would write it (None: it must
    be given)."""

    name: str
    takes: str
    default: str | None


def build(scenario: type[Scenario], arguments: Sequence[str] = ()) -> Scenario:
    """The scenario with its fields as the flags say, and nothing else: no variable of the environment counts.

    Raises UsageError on a flag that is not known, is given twice or has no value, and on all bad values.
    """
    given = values(scenario, arguments)
    try:
        settings = _settings(scenario)(_cli_parse_args=[f"--{name}={value}" for name, value in given.items()])
        return scenario(**{name: getattr(settings, name) for name in scenario.model_fields})
    except ValidationError as error:
        raise UsageError("\n".join(complaints(error, of=scenario.title()))) from None
    except SettingsError as error:
        raise UsageError(_unreadable(scenario, given, str(error))) from None


def values(scenario: type[Scenario], arguments: Sequence[str]) -> dict[str, str]:
    """What the flags say, by field. Raises UsageError on a flag that is not known, is given twice or has no value."""
    return _paired(arguments, [flag.name for flag in flags(scenario)])


def _unreadable(scenario: type[Scenario], given: Mapping[str, str], why: str) -> str:
    """Of all that was given, what has no parts where some must be."""
    for name, value in given.items():
        if f" {name}:" in why:
            return f'{scenario.title()}.{name} {value!r}: write KEY=VALUE,… or {{"KEY": "VALUE"}}'
    return f"{scenario.title()}: {why}"


def flags(scenario: type[Scenario]) -> Iterator[Flag]:
    """All flags of a scenario, in the order of its fields. Raises UsageError where a field has the name of an option."""
    for name, field in scenario.model_fields.items():
        if name in OPTIONS:
            raise UsageError(
                f"{scenario.title()}: field {name} has the name of an option of marathon run: name it otherwise"
            )
        yield from _flags_of(name, field, _default(scenario.title(), name, field))


def _flags_of(name: str, field: FieldInfo, default: object) -> Iterator[Flag]:
    inner = field.annotation
    if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
        yield Flag(name, takes(field), None if default is ... else _text(default))
        return
    by_run = [hidden for owner, names in _BY_RUN.items() if issubclass(inner, owner) for hidden in names]
    for each, its in inner.model_fields.items():
        if each not in by_run:
            given = default[each] if isinstance(default, dict) else _default(inner.__name__, each, its)
            yield from _flags_of(f"{name}.{each}", its, given)


def _default(owner: str, name: str, field: FieldInfo) -> object:
    """As JSON; `...` where there is none. Raises UsageError on a default that the field does not take."""
    if field.is_required():
        return ...
    alone: Any = {name: (field.annotation, field)}
    try:
        model = create_model(owner, __config__=ConfigDict(validate_default=True), **alone)()
    except ValidationError as error:
        raise UsageError(complaint(error)) from None
    return model.model_dump(mode="json")[name]


def _text(default: object) -> str:
    if isinstance(default, list | tuple):
        return ", ".join(map(_text, default))
    if isinstance(default, str):
        return default
    return json.dumps(default) if default or default in (False, 0) else ""


def takes(field: FieldInfo) -> str:
    """What the field takes, in words: "duration", "classic | consumer"."""
    return _words(Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation)


def _words(annotation: Any) -> str:  # noqa: ANN401 - whatever may stand behind a colon
    """The type in words: "integer", "classic | consumer"; "text" where only its texts count."""
    if get_origin(annotation) is Annotated:
        inner, *more = get_args(annotation)
        texts = [_UNITS.get(each.func, "text") for each in more if isinstance(each, BeforeValidator)]
        return texts[0] if texts and get_origin(inner) is not Literal else _words(inner)
    if annotation in _WORDS:
        return _WORDS[annotation]
    if get_origin(annotation) is Literal:
        return " | ".join(map(str, get_args(annotation)))
    kinds = [_words(each) for each in get_args(annotation) if each is not NoneType]
    return kinds[0] if NoneType in get_args(annotation) and kinds else "text"


def _paired(arguments: Sequence[str], known: Sequence[str]) -> dict[str, str]:
    """The values by flag."""
    given: dict[str, str] = {}
    left = list(arguments)
    while left:
        name, equals, value = left.pop(0).partition("=")
        if not name.startswith("--"):
            raise UsageError(f"{name!r} stands alone: write --FIELD VALUE, and a value with spaces in quotes")
        if name[2:] not in known:
            raise UsageError(f"{name} is not known; {_nearest_flag(name[2:], known)}")
        if not equals and (not left or left[0].startswith("--")):
            raise UsageError(f"{name} needs a value")
        if name[2:] in given:
            raise UsageError(f"{name} is given twice")
        given[name[2:]] = value if equals else left.pop(0)
    return given


def _nearest_flag(name: str, known: Sequence[str]) -> str:
    """Of all flags and options the one that was meant, else what can be said there."""
    field = name.partition(".")[0]
    inside = [flag for flag in known if flag.partition(".")[0] == field]
    return nearest(f"--{name}", [f"--{flag}" for flag in inside or [*known, *OPTIONS]])


def _settings(scenario: type[Scenario]) -> type[BaseSettings]:
    """The scenario as settings that come from a command line alone, and change single fields of what is declared."""

    class Settings(BaseSettings, scenario):  # type: ignore[misc, valid-type]
        model_config = SettingsConfigDict(nested_model_default_partial_update=True, cli_exit_on_error=False)

        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],  # noqa: ARG003 - the names are those of pydantic-settings
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
            dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
            file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return (init_settings,)

    return Settings
