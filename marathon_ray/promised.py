"""What a scenario promises, and why that could never be kept, or never be told. Pure."""

import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from actors.spec import Consumers, Producers
from actors.units import UNLIMITED, Rate
from marathon_ray.complaint import complaint
from marathon_ray.offered import Load, peaks, read_by, written_by
from marathon_ray.promises.drained import Drained
from marathon_ray.promises.promise import Promise
from marathon_ray.promises.rate import KeepsRate
from marathon_ray.promises.recovery import WritableAgain
from marathon_ray.scenario import Scenario

_CONTRACT: Final = ("mistakes", "begin", "step", "verdict")


def unpromisable(scenario: Scenario) -> Iterator[str]:
    """Why not, a sentence each; whatever the scenario's own code raises is one."""
    seen: list[Promise] = []
    try:
        for promise in scenario.promises():
            found = [*_mistakes(promise, scenario)]
            if not found and promise in seen:
                found = [f"{promise}: it is promised twice"]
            seen.append(promise)
            yield from found
    except ValidationError as error:
        yield complaint(error)
    except Exception as error:  # noqa: BLE001 - whatever a user's code may raise
        yield f"{scenario.title()}: its promises cannot be told: {_told(error)}"


def _mistakes(promise: Promise, scenario: Scenario) -> Iterator[str]:
    if isinstance(promise, type) or not all(callable(getattr(promise, name, None)) for name in _CONTRACT):
        yield f"{scenario.title()}: promises {promise!r}, which is none: write one as Integrity({next(iter(scenario.topics))!r})"
        return
    found = [*promise.mistakes(scenario.declared)]
    yield from found or _hopeless(promise, scenario)


def _hopeless(promise: Promise, scenario: Scenario) -> Iterator[str]:
    if not scenario.suffers and (isinstance(promise, WritableAgain) or getattr(promise, "inside", None)):
        name = type(promise).__name__
        yield f"{name} is about faults, and the scenario has none: name those that it injects in suffers"
    if isinstance(promise, Drained):
        yield from _never_caught_up(promise, scenario)
    if isinstance(promise, KeepsRate) and isinstance(promise.at_least, Rate):
        yield from _too_fast(promise.fleet, promise.at_least, scenario)


def _never_caught_up(promise: Drained, scenario: Scenario) -> Iterator[str]:
    """A group that may read no faster than is written never catches up."""
    spec = scenario.fleets.get(promise.fleet)
    if isinstance(spec, Consumers) and spec.rate.amount is not None:
        loads = peaks(scenario)
        free, limited = (read_by(each, loads) for each in (spec.model_copy(update={"rate": UNLIMITED}), spec))
        if free and limited and limited.records < free.records:
            yield f"{promise.fleet}: may read {spec.rate}, and more is written: it never catches up"


def _too_fast(fleet: str, goal: Rate, scenario: Scenario) -> Iterator[str]:
    """No fleet does more than it is asked for."""
    spec = scenario.fleets.get(fleet)
    most: float | None = None
    if isinstance(spec, Producers):
        most = _amount(written_by(spec, peaks(scenario)), goal)
    elif isinstance(spec, Consumers) and spec.rate.unit == goal.unit and spec.rate.amount is not None:
        most = float(spec.rate.amount)
    if (
        isinstance(spec, Producers | Consumers)
        and most is not None
        and goal.amount is not None
        and most < goal.amount * (1 - 1e-9)
    ):
        yield f"{fleet}: at least {goal} are promised, and no more than {spec.rate} are asked for"


def _amount(load: Load | None, like: Rate) -> float | None:
    if load is None:
        return None
    return load.records if like.unit == "records" else load.bytes


def _told(error: Exception) -> str:
    *_, last = traceback.extract_tb(error.__traceback__)
    where = "" if last.filename == __file__ else f" ({Path(last.filename).name}:{last.lineno})"
    return f"{type(error).__name__}: {' '.join(str(error).split())}{where}"
