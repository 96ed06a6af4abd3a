"""``marathon list`` and ``marathon show``: which scenarios there are, and what one is made of."""

import inspect
import sys
from collections.abc import Iterator

from rich.text import Text

from marathon_ray.catalogue import find, read
from marathon_ray.commands.printing import show as print_parts
from marathon_ray.commands.printing import table
from marathon_ray.fields import Flag, build, flags
from marathon_ray.planning import plan
from marathon_ray.scenario import Scenario
from marathon_ray.usage import UsageError


def list_all() -> None:
    """List the scenarios: each with its promise, and the faults that it injects."""
    known = read()
    rows = [(name, each.promise(), _faults(each)) for name, each in known.scenarios.items()]
    print_parts(table(("scenario", "promise", "faults"), rows))
    for line in known.unreadable:
        sys.stderr.write(f"marathon: {line}\n")


def show(name: str, /) -> None:
    """Show what a scenario promises, which faults it injects, and its fields, each of which is an option of `run`.

    Parameters
    ----------
    name
        A scenario's name, or a file: ./mine.py, ./mine.py:CLASS.
    """
    scenario = find(name)
    rows = [(f"--{flag.name}", flag.takes, _default(flag)) for flag in flags(scenario)]
    print_parts(
        Text(scenario.title(), style="bold"),
        inspect.cleandoc(scenario.__doc__ or ""),
        "",
        table(("", ""), _told(scenario)),
        "",
        table(("option", "takes", "default"), rows),
    )


def _told(scenario: type[Scenario]) -> Iterator[tuple[str, str]]:
    yield "faults", _faults(scenario) or "none"
    try:
        planned = plan(build(scenario))
    except UsageError as error:
        yield "promises", str(error).partition("\n")[0]
        return
    for number, line in enumerate(planned.demands or planned.mistakes or ("none",)):
        yield "" if number else "promises", line


def _default(flag: Flag) -> str:
    return "(must be given)" if flag.default is None else flag.default


def _faults(scenario: type[Scenario]) -> str:
    return ", ".join(fault.__name__ for fault in scenario.suffers)
