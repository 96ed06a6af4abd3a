"""The house's limits: sizes, names, where pointers may be, and that every module is used."""

import ast
import re
import statistics
from collections.abc import Iterator
from pathlib import Path

import pytest

from marathon_ray.cli import COMMANDS

ROOT = Path(__file__).parents[1]
PLANES = ("actors", "marathon_ray", "scenarios")
SOURCES = sorted(path for plane in PLANES for path in (ROOT / plane).rglob("*.py"))
TREES = {path: ast.parse(path.read_text()) for path in SOURCES}
BOUNDARY = {"actors/bindings.py", "actors/librdkafka.py", "actors/fetch.py", "actors/rows.py", "actors/checksum.py"}
# One prctl, so that no broker outlives a killed guardian, and one malloc_trim.
KERNEL = {"marathon_ray/kafka/guardian.py", "marathon_ray/memory.py"}
# Modules that are started, not imported.
ENTRIES = {"marathon_ray/__main__.py", "marathon_ray/cli.py"}
ENTRIES |= {path.relative_to(ROOT).as_posix() for path in (ROOT / "scenarios").glob("*.py")}  # found by their names
ENTRIES |= {f"{where.partition(':')[0].replace('.', '/')}.py" for where, _ in COMMANDS.values()}
SHAPELESS = {"util", "utils", "common", "helper", "helpers", "base", "manager", "misc"}
FILE_LINES, FUNCTION_LINES, ARGUMENTS = 400, 50, 6
MEDIAN_FILE, MEDIAN_FUNCTION, P95_FUNCTION = 150, 7, 30
COMPILED = {"actors/kernels.py", "actors/rows.py"}  # numba functions take columns: no values, no keywords


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of the body without its docstring."""
    body = node.body[1:] if ast.get_docstring(node) is not None else node.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def imported(tree: ast.Module) -> set[str]:
    """Every module that the tree imports, and every name that it imports from one."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_a_file_keeps_the_limits(path: Path) -> None:
    assert path.stem not in SHAPELESS, f"{name(path)}: say what it is about"
    assert len(path.read_text().splitlines()) <= FILE_LINES
    assert ast.get_docstring(TREES[path]), f"{name(path)}: begin with a line that says what it is"
    for node in functions(TREES[path]):
        assert length(node) <= FUNCTION_LINES, f"{name(path)}:{node.lineno} {node.name}"
        arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        own = [argument for argument in arguments if argument.arg not in ("self", "cls")]
        assert len(own) <= ARGUMENTS or name(path) in COMPILED, f"{name(path)}:{node.lineno} {node.name}"


def test_functions_and_files_are_small_on_the_whole() -> None:
    lengths = [length(node) for tree in TREES.values() for node in functions(tree)]
    assert statistics.median(lengths) <= MEDIAN_FUNCTION
    assert statistics.quantiles(lengths, n=20)[-1] <= P95_FUNCTION
    assert statistics.median(len(path.read_text().splitlines()) for path in SOURCES) <= MEDIAN_FILE


def test_pointers_stay_inside_the_boundary() -> None:
    knows = re.compile(r"\bctypes\b|inttoptr|load_u(8|16|32|64)\b|from_address")
    outside = {name(path) for path in SOURCES if knows.search(path.read_text())}
    assert outside <= BOUNDARY | KERNEL


def test_every_module_is_used() -> None:
    used = {module for tree in TREES.values() for module in imported(tree)}
    tests = [*(ROOT / "tests").rglob("*.py"), *(ROOT / "benchmarks").rglob("*.py")]
    used |= {module for path in tests for module in imported(ast.parse(path.read_text()))}
    unused = {
        name(path)
        for path in SOURCES
        if path.stem != "__init__"
        and name(path) not in ENTRIES
        and ".".join(path.relative_to(ROOT).with_suffix("").parts) not in used
    }
    started = {found for found in unused if f"-m {found[:-3].replace('/', '.')}" in _all_text()}
    assert unused - started == set()


def _all_text() -> str:
    """The sources with their strings, where a module that is run is named."""
    text = "".join(path.read_text() for path in SOURCES)
    return re.sub(r'"-m",\s*"([\w.]+)"', r"-m \1", text)


def test_the_lock_holds_hashes_and_no_addresses() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    assert "://" not in lock
    blocks = re.split(r"\n(?=\S)", lock.strip())
    assert all("--hash=sha256:" in block for block in blocks)
