"""A job is asked to end before Ray stops it: what is asked of whom, how long it is waited, and what is told. Ray's client is a
stub with the client's own methods; tests/on_ray/test_jobs.py has the real one."""

import itertools
from types import SimpleNamespace
from typing import Any
from unittest.mock import create_autospec

import pytest
from ray.job_submission import DriverInfo, JobDetails, JobStatus, JobSubmissionClient, JobType

from marathon_ray import cli
from marathon_ray.commands import ending
from marathon_ray.commands.ending import asking

DRIVER = DriverInfo(id="02000000", node_ip_address="10.0.0.7", pid="4711")
ENDED = "job-1 has ended: FAILED (interrupted, exit code 4)"


def job(status: JobStatus = JobStatus.RUNNING, **facts: Any) -> JobDetails:
    code = 4 if status == JobStatus.FAILED else None
    base = {"type": JobType.SUBMISSION, "submission_id": "job-1", "entrypoint": "python -m marathon_ray run x"}
    return JobDetails(**{**base, "status": status, "driver_info": DRIVER, "driver_exit_code": code, **facts})


class Head:
    """A Ray of which a job is seen so, one look after the other, the last one for ever; a second passes at each nap."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seen: list[JobDetails] = []
        self.boxes: list[Any] = []
        self.filters: list[Any] = []
        self.client = create_autospec(JobSubmissionClient, instance=True)
        self.client.get_job_info.side_effect = lambda number: self.seen.pop(0) if len(self.seen) > 1 else self.seen[0]
        self.client.submit_job.return_value = "job-2"
        self.client.get_job_status.return_value = JobStatus.SUCCEEDED
        clock = itertools.count()
        monkeypatch.setattr(ending, "JobSubmissionClient", lambda address: self.client)
        monkeypatch.setattr(ending, "list_actors", self._list)
        monkeypatch.setattr(ending, "time", SimpleNamespace(monotonic=lambda: next(clock), sleep=lambda _: None))

    def _list(self, address: str, *, filters: list[Any]) -> list[Any]:
        self.filters += filters
        return self.boxes


@pytest.fixture
def head(monkeypatch: pytest.MonkeyPatch) -> Head:
    return Head(monkeypatch)


def stopped(capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, list[str]]:
    code = cli.run(["submit", "--address", "http://head:8265", "--stop", "job-1", *options])
    said = capsys.readouterr()
    return code, [*said.out.splitlines(), *said.err.splitlines()]


def test_a_run_is_asked_by_a_signal_to_its_own_driver_on_its_node() -> None:
    how = asking(job(), "")
    assert how is not None
    assert how.entry == "grep -qaF -- job-1 /proc/4711/environ && kill -TERM 4711"
    assert how.needs == {"node:10.0.0.7": 0.001}
    assert asking(job(driver_info=None), "") is None


def test_a_run_that_ends_when_it_is_asked_is_not_stopped_by_ray(head: Head, capsys: pytest.CaptureFixture[str]) -> None:
    head.seen = [*[job()] * 13, job(JobStatus.FAILED)]
    code, lines = stopped(capsys)
    assert (code, lines) == (
        0,
        [
            "job-1 is asked to end by SIGTERM; it has 5 min",
            "job-1 is RUNNING, 10 s of 5 min",
            ENDED,
        ],
    )
    assert head.client.submit_job.call_args.kwargs["entrypoint"].endswith("kill -TERM 4711")
    head.client.stop_job.assert_not_called()


def test_a_rotation_is_asked_by_its_command_with_the_code_of_its_job(
    head: Head, capsys: pytest.CaptureFixture[str]
) -> None:
    head.boxes = [
        SimpleNamespace(name="marathon-inbox-former", state="DEAD"),
        SimpleNamespace(name="marathon-inbox-nightly", state="ALIVE"),
    ]
    env = {"working_dir": "gcs://code.zip", "env_vars": {"SECRET": "x"}}
    head.seen = [job(runtime_env=env), job(runtime_env=env), job(JobStatus.SUCCEEDED)]
    assert stopped(capsys) == (
        0,
        ["job-1 is asked to end by the command stop, bench nightly; it has 5 min", "job-1 has ended: SUCCEEDED"],
    )
    assert head.client.submit_job.call_args.kwargs == {
        "entrypoint": "python -m marathon_ray stop --bench nightly",
        "runtime_env": {"working_dir": "gcs://code.zip"},
        "entrypoint_resources": {"node:10.0.0.7": 0.001},
    }
    assert head.filters == [("job_id", "=", "02000000"), ("ray_namespace", "=", "marathon")]
    head.client.stop_job.assert_not_called()


def test_a_job_that_does_not_end_in_its_time_is_stopped_by_ray_and_not_before(
    head: Head, capsys: pytest.CaptureFixture[str]
) -> None:
    env = {"env_vars": {"RAY_JOB_STOP_WAIT_TIME_S": "120"}}
    head.seen = [job(runtime_env=env)]

    def stop(number: str) -> bool:
        head.seen = [job(), job(JobStatus.STOPPED)]
        return True

    head.client.stop_job.side_effect = stop
    assert stopped(capsys, "--within", "5 s") == (
        0,
        [
            "job-1 is asked to end by SIGTERM; it has 5 s",
            "job-1 has not ended within 5 s",
            "job-1 is stopped by Ray, which kills it after 2 min",
            "job-1 has ended: STOPPED",
        ],
    )
    names = [call[0] for call in head.client.method_calls]
    assert names.index("submit_job") < names.index("stop_job")
    head.client.stop_job.assert_called_once_with("job-1")


def test_a_rotation_that_ends_by_itself_when_it_is_asked_is_waited_for(
    head: Head, capsys: pytest.CaptureFixture[str]
) -> None:
    head.boxes = [SimpleNamespace(name="marathon-inbox-nightly", state="ALIVE")]
    head.seen = [*[job()] * 5, job(JobStatus.SUCCEEDED)]

    def failed(number: str) -> JobStatus:
        head.boxes = []
        return JobStatus.FAILED

    head.client.get_job_status.side_effect = failed
    code, lines = stopped(capsys)
    assert (code, lines[1:]) == (
        0,
        ["job-1 hears no command any more: it comes to its end", "job-1 has ended: SUCCEEDED"],
    )
    head.client.stop_job.assert_not_called()


def test_a_question_that_is_open_when_the_time_is_over_is_withdrawn(
    head: Head, capsys: pytest.CaptureFixture[str]
) -> None:
    head.seen = [job()]
    head.client.get_job_status.return_value = JobStatus.PENDING
    stopped(capsys, "--within", "3 s")
    assert [call.args for call in head.client.stop_job.call_args_list] == [("job-2",), ("job-1",)]


def test_one_that_cannot_be_asked_is_stopped_by_ray_at_once_and_it_is_said_why(
    head: Head, capsys: pytest.CaptureFixture[str]
) -> None:
    head.seen = [job(), job(), job(JobStatus.STOPPED)]
    head.client.get_job_status.return_value = JobStatus.FAILED
    head.client.get_job_logs.return_value = "Traceback …\nmarathon: bench b: no controller serves it\n"
    code, lines = stopped(capsys)
    assert (code, lines[1:3]) == (
        0,
        [
            "job-1 could not be asked, see job job-2: marathon: bench b: no controller serves it",
            "job-1 is stopped by Ray, which kills it after 3 s",
        ],
    )


def test_one_without_a_driver_is_stopped_by_ray(head: Head, capsys: pytest.CaptureFixture[str]) -> None:
    head.seen = [job(driver_info=None), job(JobStatus.STOPPED)]
    code, lines = stopped(capsys)
    assert (code, lines[0]) == (0, "job-1 has no driver that could be asked")
    head.client.submit_job.assert_not_called()


def test_one_that_goes_on_whatever_ray_does_is_an_error(head: Head, capsys: pytest.CaptureFixture[str]) -> None:
    head.seen = [job(driver_info=None)]
    code, lines = stopped(capsys)
    assert (code, lines[-1]) == (2, "marathon: job job-1: Ray was told to stop it, and it is RUNNING still")


def test_one_that_has_ended_is_neither_asked_nor_stopped(head: Head, capsys: pytest.CaptureFixture[str]) -> None:
    head.seen = [job(JobStatus.FAILED)]
    assert stopped(capsys) == (0, ["job-1 had ended before: FAILED (interrupted, exit code 4)"])
    head.client.submit_job.assert_not_called()
    head.client.stop_job.assert_not_called()


@pytest.mark.parametrize(
    ("error", "line"),
    [
        ("Request failed with status code 404: Job job-1 does not exist.", "job job-1: Ray at http://head:8265 knows none of that name"),
        ("Request failed with status code 500: no\nmemory", "Ray at http://head:8265: Request failed with status code 500: no memory"),
    ],
)  # fmt: skip
def test_what_ray_refuses_is_told_in_a_line(
    head: Head, capsys: pytest.CaptureFixture[str], error: str, line: str
) -> None:
    head.client.get_job_info.side_effect = RuntimeError(error)
    assert stopped(capsys) == (2, [f"marathon: {line}"])


def test_a_driver_that_nobody_has_submitted_is_not_rays_to_stop(head: Head, capsys: pytest.CaptureFixture[str]) -> None:
    head.seen = [job(submission_id=None, type=JobType.DRIVER)]
    line = "marathon: job job-1: write the name under which it was submitted, if it was"
    assert stopped(capsys) == (2, [line])


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (("--", "stop"), "--stop job-1: it ends a job that is there; leave the command out, and --working-dir"),
        (("--within", "soon"), "within: duration 'soon': write 250 ms, "),
    ],
)
def test_what_cannot_be_is_told_before_a_ray_is_asked(
    head: Head, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], line: str
) -> None:
    code, (told,) = stopped(capsys, *options)
    assert (code, told[: len(line) + 10]) == (2, f"marathon: {line}")
    assert head.client.method_calls == []
