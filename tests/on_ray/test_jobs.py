"""Jobs of a Ray cluster as people submit them: from a checkout, from a folder of their own, and stopped in good order."""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ray.job_submission import JobStatus, JobSubmissionClient
from ray.util.state import list_actors

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
from collections.abc import Iterator
from pathlib import Path

import marathon_ray
from marathon_ray import Integrity, Producers, Promise, Scenario, Toolkit, Topic


class Mine(Scenario):
    """All that is acknowledged is there."""

    orders: Topic = Topic(partitions=2)
    writers: Producers = Producers(to="orders", rate="500 records/s")
    steady: int = 3

    def promises(self) -> Iterator[Promise]:
        yield Integrity("orders")

    async def workload(self, kit: Toolkit) -> None:
        kit.note(f"code in {Path(marathon_ray.__file__).parents[1]}")
        await kit.steady(self.steady)
'''


@pytest.fixture(scope="module")
def kafka() -> Iterator[str]:
    """The address of three brokers."""
    with LocalKafka(nodes=3) as running:
        yield running.client_properties()["bootstrap.servers"]


@pytest.fixture(scope="module")
def head() -> Iterator[RayHead]:
    """A head whose `python` has this package installed: the one of the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
        patch.setenv("PYTHONPATH", str(ROOT))
        one = RayHead()
        for name, value in one.environment.items():  # its token, for clients in this process
            patch.setenv(name, value)
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


def until(head: RayHead, job: str, *ends: JobStatus) -> None:
    client = JobSubmissionClient(head.dashboard)
    deadline = time.monotonic() + _SECONDS
    while (status := client.get_job_status(job)) not in ends:
        assert time.monotonic() < deadline, client.get_job_logs(job)
        assert not status.is_terminal(), client.get_job_logs(job)
        time.sleep(0.2)


def told(results: Path) -> Any:
    (own,) = results.iterdir()
    assert left(read(own / NAME)) == {}
    return Report.read(own)


def code(report: Report) -> Path:
    (place,) = [note.text.removeprefix("code in ") for note in report.notes if note.text.startswith("code in ")]
    return Path(place)


def test_a_checkout_goes_along_and_its_code_is_what_runs(head: RayHead, kafka: str, tmp_path: Path) -> None:
    checkout, results = folder(tmp_path / "checkout", whole=True), tmp_path / "results"
    job = submitted(head, checkout, "run", "mine", "--cluster", kafka, "--results", str(results))
    until(head, job, JobStatus.SUCCEEDED)
    report = told(results)
    assert report.outcome == Outcome.PASSED
    assert report.total("acknowledged") == report.total("found") > 500
    assert "working_dir" in str(code(report))
    names = {str(actor.name) for actor in list_actors(head.dashboard, detail=True)}  # as the dashboard has them
    assert {f"m-bench-{report.run}-{fleet}-1" for fleet in ("writers", "auditors")} <= names


def test_a_folder_of_ones_own_goes_along_where_the_package_is_installed(
    head: RayHead, kafka: str, tmp_path: Path
) -> None:
    own, results = folder(tmp_path / "own", whole=False), tmp_path / "results"
    ray = [str(Path(sys.executable).with_name("ray")), "job", "submit", "--address", head.dashboard, "--working-dir"]
    entry = [*f"python -m marathon_ray run mine --ray auto --cluster {kafka} --results".split(), str(results)]
    done = subprocess.run(
        [*ray, str(own), "--", *entry], env=head.environment, capture_output=True, text=True, timeout=_SECONDS
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    report = told(results)
    assert (report.outcome, code(report)) == (Outcome.PASSED, ROOT)
    assert re.search(r"mine\s+PASSED", done.stdout)


def test_a_job_that_is_stopped_has_cleaned_up(head: RayHead, kafka: str, tmp_path: Path) -> None:
    own, results = folder(tmp_path / "own", whole=False), tmp_path / "results"
    job = submitted(head, own, "run", "mine", "--steady", "900", "--cluster", kafka, "--results", str(results))
    until(head, job, JobStatus.RUNNING)
    deadline = time.monotonic() + _SECONDS
    while not any("workload" in file.read_text() for file in results.glob(f"*/{NAME}")):
        assert time.monotonic() < deadline, JobSubmissionClient(head.dashboard).get_job_logs(job)
        time.sleep(0.2)
    JobSubmissionClient(head.dashboard).stop_job(job)
    until(head, job, JobStatus.STOPPED)
    report = told(results)
    assert (report.outcome, report.cause) == (Outcome.INTERRUPTED, "SIGTERM")
