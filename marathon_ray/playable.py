"""Whether a scenario can be played at all, by what its class is: words, a workload, topics, and faults that are some."""

import inspect
from collections.abc import Iterator
from typing import Final

from actors.spec import Auditors
from marathon_ray.kafka.topics import name_mistake
from marathon_ray.scenario import Scenario

AUDITORS: Final = "auditors"  # the fleet that every run has, whether or not it is declared
_PHASES: Final = ("prepare", "warmup", "workload", "cleanup")


def unplayable(scenario: Scenario) -> Iterator[str]:
    """Why not, a sentence each."""
    name = scenario.title()
    if not scenario.promise():
        yield f"{name}: it has no docstring, whose first line says what it promises"
    if not scenario.topics:
        yield f"{name}: it declares no topic, so there is nothing to lose"
    if type(scenario).workload is Scenario.workload:
        yield f"{name}: it has no workload: write async def workload(self, kit)"
    for phase in _PHASES:
        if not _takes_a_kit(getattr(scenario, phase)):
            yield f"{name}: its {phase} cannot be awaited with a kit: write async def {phase}(self, kit)"
    yield from _no_faults(scenario)
    for topic in scenario.topics:
        if mistake := name_mistake(topic):
            yield mistake
    yield from _in_the_way(scenario)


def _takes_a_kit(phase: object) -> bool:
    if not (callable(phase) and inspect.iscoroutinefunction(phase)):
        return False
    try:
        inspect.signature(phase).bind("kit")
    except TypeError:
        return False
    return True


def _no_faults(scenario: Scenario) -> Iterator[str]:
    suffers: object = scenario.suffers
    if not isinstance(suffers, tuple | list):
        yield f"{scenario.title()}: suffers {_short(suffers)}: write the faults' classes in brackets, as (Kill,)"
        return
    for fault in suffers:
        if not (isinstance(fault, type) and hasattr(fault, "needs") and hasattr(fault, "inject")):
            yield f"{scenario.title()}: suffers {_short(fault)}: that is no fault's class, as Kill is"


def _short(value: object) -> str:
    return value.__name__ if isinstance(value, type) else str(value)


def _in_the_way(scenario: Scenario) -> Iterator[str]:
    """A declared fleet stands in for the auditors of every run only where it audits all."""
    spec = scenario.fleets.get(AUDITORS)
    audits = set(spec.of) if isinstance(spec, Auditors) else set()
    others = (one for name, one in scenario.fleets.items() if isinstance(one, Auditors) and name != AUDITORS)
    left = scenario.topics.keys() - audits - {topic for one in others for topic in one.of}
    if spec is not None and left:
        yield (
            f"{AUDITORS}: a fleet of that name audits {', '.join(sorted(left))} in every run: name these "
            f"{type(spec).__name__} otherwise"
        )
