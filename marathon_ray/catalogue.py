"""Finding scenarios: by name in every folder `scenarios` beside us and beside the user, or in a file of one's own."""

import re
import sys
import traceback
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Final

from pydantic import ValidationError

from marathon_ray.complaint import complaint
from marathon_ray.scenario import Scenario
from marathon_ray.usage import UsageError, nearest

FOLDER: Final = "scenarios"
_HOME: Final = Path(__file__).resolve().parents[1]
_FILE: Final = re.compile(r"(?P<path>.+\.py)(?::(?P<name>\w+))?")


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The scenarios by name, and for each file that could not be imported one line that says why."""

    scenarios: Mapping[str, type[Scenario]]
    unreadable: tuple[str, ...] = ()


def find(wanted: str) -> type[Scenario]:
    """The scenario of that name ("kill-leader"), or of that file ("./mine.py", "./mine.py:KillTwo").

    Raises UsageError where there is none, where a file holds several, and where two files hold one of the same name.
    """
    if file := _FILE.fullmatch(wanted):
        return _in_file(Path(file["path"]), file["name"])
    known = read()
    if found := known.scenarios.get(wanted):
        return found
    why = f"scenario {wanted!r} is not known; {nearest(wanted, known.scenarios)}"
    raise UsageError("\n".join([why, *known.unreadable[:1]]))


def anywhere(wanted: str) -> str:
    """The same scenario, for whoever stands in another folder."""
    if file := _FILE.fullmatch(wanted):
        return f"{Path(file['path']).absolute()}{wanted.removeprefix(file['path'])}"
    return wanted


def title(wanted: str) -> str:
    """What the scenario that is found so is called in reports; as it was written where there is none."""
    try:
        return find(wanted).title()
    except UsageError:
        return wanted


def read(folders: Iterable[Path] | None = None) -> Catalogue:
    """Import all that is in the folders (None: those that there are). Raises UsageError where two files hold one name."""
    found: dict[str, type[Scenario]] = {}
    unreadable: list[str] = []
    for path in [path for folder in folders or _folders() for path in sorted(folder.glob("[!_]*.py"))]:
        try:
            here = _scenarios(_imported(path))
        except UsageError as error:
            unreadable.append(str(error))
            continue
        for scenario in here:
            name = scenario.title()
            if other := found.get(name):
                raise UsageError(
                    f"scenario {name} is in {_file(other)} and in {_file(scenario)}: give one another name"
                )
            found[name] = scenario
    return Catalogue(dict(sorted(found.items())), tuple(unreadable))


def _folders() -> Iterator[Path]:
    """Ours, and all on the way of imports but those of another installation of ours."""
    for place in dict.fromkeys(Path(entry).resolve() for entry in [str(_HOME), str(Path.cwd()), *sys.path]):
        another = (place / "marathon_ray").is_dir() and place != _HOME
        if (place / FOLDER).is_dir() and not another:
            _importable(place)
            yield place / FOLDER


def _in_file(path: Path, name: str | None) -> type[Scenario]:
    if not path.is_file():
        raise UsageError(f"{path}: there is no such file")
    _importable(path.resolve().parent)
    found = {scenario.__name__: scenario for scenario in _scenarios(_imported(path.resolve()))}
    if name is None and len(found) == 1:
        return next(iter(found.values()))
    if name is None:
        raise UsageError(
            f"{path}: say which of {', '.join(found)}, as {path}:CLASS" if found else f"{path}: no scenario in it"
        )
    if name not in found:
        there = name in vars(_imported(path.resolve()))
        why = f"is no scenario: write class {name}(Scenario)" if there else f"is not in it; {nearest(name, found)}"
        raise UsageError(f"{path}: {'' if there else 'scenario '}{name} {why}")
    return found[name]


def _scenarios(module: ModuleType) -> list[type[Scenario]]:
    """Those that the module itself defines."""
    own = [value for value in vars(module).values() if isinstance(value, type) and value.__module__ == module.__name__]
    return [value for value in own if issubclass(value, Scenario)]


def _imported(path: Path) -> ModuleType:
    """The module of that file, once; UsageError says in one line why it cannot be imported."""
    name = _module_name(path)
    if name in sys.modules:
        return sys.modules[name]
    spec = spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise UsageError(f"{path}: this is no Python file")
    module = module_from_spec(spec)
    sys.modules[name] = module  # before it runs: pydantic looks there for the names in its annotations
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:  # whatever a user's file may raise
        del sys.modules[name]
        raise UsageError(_why(path, error)) from error
    return module


def _module_name(path: Path) -> str:
    """As it is imported, or where another file has that name, one that no other has."""
    name = f"{FOLDER}.{path.stem}"
    known = sys.modules.get(name)
    if known is None or Path(str(known.__file__)).resolve() == path:
        return name
    return f"{name}_{zlib.crc32(str(path).encode()):08x}"


def _why(path: Path, error: BaseException) -> str:
    own = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    line = error.lineno if isinstance(error, SyntaxError) else (own or [None])[-1]
    what = complaint(error) if isinstance(error, ValidationError) else f"{type(error).__name__}: {error}".strip(": ")
    return f"{path}{f', line {line}' if line else ''}: {what.splitlines()[0]}"


def blamed(error: BaseException) -> str | None:
    """Where a scenario's own code has raised that, and what; None where it was not such code."""
    files = {str(module.__file__) for name, module in sys.modules.items() if name.startswith(f"{FOLDER}.")}
    last = traceback.extract_tb(error.__traceback__)[-1]
    return _why(Path(last.filename), error) if last.filename in files else None


def _importable(folder: Path) -> None:
    """What lies there can be imported by what lies there."""
    if str(folder) not in sys.path:
        sys.path.append(str(folder))


def _file(scenario: type[Scenario]) -> str:
    return str(sys.modules[scenario.__module__].__file__)
