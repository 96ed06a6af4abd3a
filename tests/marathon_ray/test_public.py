"""What users import: every name is there, type checkers see the same ones, and nothing heavy is loaded before it is asked for."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import marathon_ray


def test_every_public_name_can_be_had() -> None:
    assert {name: getattr(marathon_ray, name) is not None for name in marathon_ray.__all__} == dict.fromkeys(
        marathon_ray.__all__, True
    )
    assert set(marathon_ray.__all__) <= set(dir(marathon_ray))


def test_type_checkers_see_the_same_names_in_the_same_modules() -> None:
    tree = ast.parse(Path(str(marathon_ray.__file__)).read_text())
    (block,) = [node for node in tree.body if isinstance(node, ast.If)]
    seen = {
        alias.asname: node.module
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.asname == alias.name
    }
    assert seen == marathon_ray._HOMES


def test_no_public_name_is_hidden_by_a_module_that_was_imported() -> None:
    folder = Path(str(marathon_ray.__file__)).parent
    assert not set(marathon_ray._HOMES) & {path.stem for path in folder.iterdir()}


def test_run_is_a_function_whatever_was_imported_before() -> None:
    look = "import marathon_ray.cli, marathon_ray.commands.run, marathon_ray; print(marathon_ray.run.__module__)"
    done = subprocess.run([sys.executable, "-c", look], check=True, capture_output=True, text=True)
    assert done.stdout == "marathon_ray.running\n"


def test_a_name_that_is_not_there_is_told() -> None:
    with pytest.raises(AttributeError, match="module marathon_ray has no attribute Kil"):
        marathon_ray.Kil  # noqa: B018


@pytest.mark.parametrize(
    ("code", "absent"),
    [
        ("import marathon_ray", ["ray", "pydantic", "numba", "confluent_kafka", "cyclopts"]),
        ("from marathon_ray import *", ["ray", "cyclopts", "plotly"]),
        ("import marathon_ray.cli", ["ray", "pydantic", "numba", "confluent_kafka", "plotly"]),
    ],
)
def test_what_is_not_asked_for_is_not_loaded(code: str, absent: list[str]) -> None:
    look = f"{code}\nimport sys\nprint(*(name for name in {absent} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-W", "error", "-c", look], check=True, capture_output=True, text=True)
    assert done.stdout.split() == []
