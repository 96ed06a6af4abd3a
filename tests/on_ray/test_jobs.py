"""Jobs of a Ray cluster as people submit them: from a checkout, from a folder of their own, and stopped in good order."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from benchmarks.ray_head import RayHead
from marathon_ray.journal import NAME, left, read
from marathon_ray.kafka.local import LocalKafka
from marathon_ray.outcome import Outcome
from marathon_ray.report.report import Report

pytestmark = [
    pytest.mark.on_ray,
    pytest.mark.on_kafka,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # of Ray's own client
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]
ROOT = Path(__file__).parents[2]
_SECONDS = 300.0

MINE = '''
"""A scenario that no installation has."""
import asyncio
from collections.abc import Iterator
from pathlib import Path

import marathon_ray
from marathon_ray import Integrity, Producers, Promise, Scenario, Toolkit, Topic


class Mine(Scenario):
    """All that is acknowledged is there."""

    orders: Topic = Topic(partitions=2)
    writers: Producers = Producers(to="orders", rate="500 records/s")
    steady: int = 3
    mends: int = 0

    def promises(self) -> Iterator[Promise]:
        yield Integrity("orders")

    async def workload(self, kit: Toolkit) -> None:
        kit.note(f"code in {Path(marathon_ray.__file__).parents[1]}")
        try:
            await kit.steady(self.steady)
        finally:
            await asyncio.sleep(self.mends)
'''


@pytest.fixture(scope="module")
def kafka() -> Iterator[str]:
    """The address of three brokers."""
    with LocalKafka(nodes=3) as running:
        yield running.client_properties()["bootstrap.servers"]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the wheel is installed, as it is on the nodes."""
    built, place = tmp_path_factory.mktemp("built"), tmp_path_factory.mktemp("installed")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(built)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = built.glob("*.whl")
    install = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-index", "--target", str(place), str(wheel)]
    subprocess.run(install, check=True, capture_output=True)
    return place


@pytest.fixture(scope="module")
def head(installed: Path) -> Iterator[RayHead]:
    """A head whose `python` is the one of the tests, and has the wheel installed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
        patch.setenv("PYTHONPATH", str(installed))
        one = RayHead()
        with one:
            yield one


def folder(place: Path, *, whole: bool) -> Path:
    """A folder with a scenario in it, and, as a checkout has them, all packages."""
    for package in ("actors", "marathon_ray", "scenarios") if whole else ():
        shutil.copytree(ROOT / package, place / package, ignore=shutil.ignore_patterns("__pycache__"))
    (place / "scenarios").mkdir(parents=True, exist_ok=True)
    (place / "scenarios" / "mine.py").write_text(MINE)
    return place


def submitted(head: RayHead, working_dir: Path, *command: str) -> str:
    options = ("--address", head.dashboard, "--working-dir", str(working_dir))
    done = subprocess.run(
        [sys.executable, "-m", "marathon_ray", "submit", *options, "--", *command],
        env=head.environment, cwd=working_dir.parent, capture_output=True, text=True, timeout=_SECONDS,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.split()[0]


def asked(head: RayHead, path: str, *, method: str = "GET") -> Any:
    """What the dashboard says: Ray's own client reads its token once for a process, before there is one."""
    token = {"Authorization": f"Bearer {head.environment['RAY_AUTH_TOKEN']}"}
    with urlopen(Request(f"{head.dashboard}{path}", headers=token, method=method), timeout=60) as answer:
        return json.load(answer)


def log(head: RayHead, job: str) -> str:
    return str(asked(head, f"/api/jobs/{job}/logs")["logs"])[-3000:]


def until(head: RayHead, job: str, wanted: str) -> None:
    deadline = time.monotonic() + _SECONDS
    while (status := asked(head, f"/api/jobs/{job}")["status"]) != wanted:
        assert time.monotonic() < deadline, log(head, job)
        assert status in ("PENDING", "RUNNING"), log(head, job)
        time.sleep(0.2)


def until_loaded(head: RayHead, job: str, results: Path) -> None:
    deadline = time.monotonic() + _SECONDS
    while not any("workload" in file.read_text() for file in results.glob(f"*/{NAME}")):
        assert time.monotonic() < deadline, log(head, job)
        time.sleep(0.2)


def stopped(head: RayHead, job: str, *options: str) -> tuple[int, list[str], str]:
    """Its exit code, what it told, and what it complained of."""
    command = [sys.executable, "-m", "marathon_ray", "submit", "--address", head.dashboard, "--stop", job, *options]
    done = subprocess.run(command, env=head.environment, capture_output=True, text=True, timeout=_SECONDS)
    return done.returncode, done.stdout.splitlines(), done.stderr


def told(results: Path) -> Any:
    (own,) = (folder for folder in results.iterdir() if (folder / NAME).exists())
    assert left(read(own / NAME)) == {}
    return Report.read(own)


def code(report: Report) -> Path:
    (place,) = [note.text.removeprefix("code in ") for note in report.notes if note.text.startswith("code in ")]
    return Path(place)


def test_a_checkout_goes_along_and_its_code_is_what_runs(head: RayHead, kafka: str, tmp_path: Path) -> None:
    checkout, results = folder(tmp_path / "checkout", whole=True), tmp_path / "results"
    job = submitted(head, checkout, "run", "mine", "--cluster", kafka, "--results", str(results))
    until(head, job, "SUCCEEDED")
    report = told(results)
    assert report.outcome == Outcome.PASSED
    assert report.total("acknowledged") == report.total("found") > 500
    assert "working_dir" in str(code(report))
    actors = asked(head, "/api/v0/actors?detail=true")["data"]["result"]["result"]
    names = {actor["name"] for actor in actors}
    assert {f"m-bench-{report.run}-{fleet}-1" for fleet in ("writers", "auditors")} <= names


def test_a_folder_of_ones_own_goes_along_where_the_wheel_is_installed(
    head: RayHead, installed: Path, kafka: str, tmp_path: Path
) -> None:
    own, results = folder(tmp_path / "own", whole=False), tmp_path / "results"
    ray = [str(Path(sys.executable).with_name("ray")), "job", "submit", "--address", head.dashboard, "--working-dir"]
    entry = [*f"python -m marathon_ray run mine --ray auto --cluster {kafka} --results".split(), str(results)]
    done = subprocess.run(
        [*ray, str(own), "--", *entry], env=head.environment, capture_output=True, text=True, timeout=_SECONDS
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    report = told(results)
    assert (report.outcome, code(report)) == (Outcome.PASSED, installed)
    assert re.search(r"mine\s+PASSED", done.stdout)


def test_a_job_that_is_stopped_has_cleaned_up(head: RayHead, kafka: str, tmp_path: Path) -> None:
    own, results = folder(tmp_path / "own", whole=False), tmp_path / "results"
    long = ("--steady", "900", "--mends", "6")  # more than the 3 s that Ray gives a job if nobody says more
    job = submitted(head, own, "run", "mine", *long, "--cluster", kafka, "--results", str(results))
    until_loaded(head, job, results)
    asked(head, f"/api/jobs/{job}/stop", method="POST")
    until(head, job, "STOPPED")
    report = told(results)
    assert (report.outcome, report.cause) == (Outcome.INTERRUPTED, "SIGTERM")


def test_a_run_to_which_ray_gives_three_seconds_ends_in_good_order_by_our_stop(
    head: RayHead, kafka: str, tmp_path: Path
) -> None:
    own, results = folder(tmp_path / "own", whole=False), tmp_path / "results"
    long = f"python -m marathon_ray run mine --steady 900 --mends 6 --ray auto --cluster {kafka} --results {results}"
    command = [str(Path(sys.executable).with_name("ray")), "job", "submit", "--address", head.dashboard, "--no-wait"]
    command += ["--submission-id", "mine-1", "--working-dir", str(own), "--", *long.split()]
    subprocess.run(command, env=head.environment, check=True, capture_output=True, timeout=_SECONDS)
    until_loaded(head, "mine-1", results)
    code, lines, error = stopped(head, "mine-1")
    assert (code, error) == (0, ""), log(head, "mine-1")
    assert [lines[0], lines[-1]] == [
        "mine-1 is asked to end by SIGTERM; it has 5 min",
        "mine-1 has ended: FAILED (interrupted, exit code 4)",
    ]
    report = told(results)
    assert (report.outcome, report.cause) == (Outcome.INTERRUPTED, "SIGTERM")
    assert stopped(head, "mine-1")[1] == ["mine-1 had ended before: FAILED (interrupted, exit code 4)"]


def test_a_rotation_is_ended_by_its_command_and_is_a_job_that_succeeded(
    head: RayHead, kafka: str, tmp_path: Path
) -> None:
    own, results = folder(tmp_path / "own", whole=False), tmp_path / "results"
    entry = {"run": "mine", "fields": {"steady": "900", "mends": "6"}}
    plan = {"bench": "nightly", "metrics": "127.0.0.1:0", "clusters": {"one": kafka}, "scenarios": [entry]}
    (own / "plan.yaml").write_text(json.dumps(plan))
    job = submitted(head, own, "serve", "plan.yaml", "--results", str(results))
    until_loaded(head, job, results)
    code, lines, error = stopped(head, job)
    assert (code, error) == (0, ""), log(head, job)
    assert [lines[0], lines[-1]] == [
        f"{job} is asked to end by the command stop, bench nightly; it has 5 min",
        f"{job} has ended: SUCCEEDED",
    ]
    report = told(results)
    assert (report.outcome, report.cause) == (Outcome.INTERRUPTED, "stopped by command")


def test_a_job_that_there_is_not_is_told_in_a_line(head: RayHead) -> None:
    line = f"marathon: job nobody: Ray at {head.dashboard} knows none of that name\n"
    assert stopped(head, "nobody") == (2, [], line)


def test_a_head_that_wants_a_token_says_so_in_a_line(head: RayHead) -> None:
    stranger = {name: value for name, value in head.environment.items() if not name.startswith("RAY_AUTH")}
    command = [sys.executable, "-m", "marathon_ray", "submit", "--address", head.dashboard, "--", "stop"]
    done = subprocess.run(command, env=stranger, capture_output=True, text=True, timeout=_SECONDS)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"marathon: Ray at {head.dashboard}: Authentication required")
