"""A job's command line and environment, and what is refused before a Ray is asked."""

import shlex
from pathlib import Path

import pytest

from marathon_ray import cli
from marathon_ray.commands.submit import entrypoint, environment
from marathon_ray.usage import UsageError

NOBODY = "http://127.0.0.1:1"


def words(*command: str) -> list[str]:
    return shlex.split(entrypoint(command))[3:]


def test_a_run_goes_to_the_ray_of_the_job_unless_it_says_otherwise() -> None:
    assert words("run", "x", "--results", "/r", "--writers.rate", "5 MB/s")[-2:] == ["--ray", "auto"]
    assert "5 MB/s" in words("run", "x", "--results=/r", "--writers.rate", "5 MB/s")
    for said in ("--ray=10.0.0.1:6379", "--places"):
        assert "auto" not in words("run", "x", "--results", "/r", said)
    assert words("stop", "--bench", "b") == ["stop", "--bench", "b"]


def test_results_that_would_go_with_the_job_are_refused() -> None:
    for command in ("run", "serve"):
        with pytest.raises(UsageError, match="--results"):
            entrypoint((command, "x"))


def test_a_job_that_is_stopped_has_time_to_mend(tmp_path: Path) -> None:
    assert environment(None) == {"env_vars": {"RAY_JOB_STOP_WAIT_TIME_S": "120"}}
    assert environment(tmp_path)["working_dir"] == str(tmp_path)


def test_who_has_submitted_is_told_how_to_read_the_log_and_how_to_stop_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("marathon_ray.commands.submit._submitted", lambda *_: "job-1")
    assert cli.run(["submit", "--address", "http://head:8265", "--", "serve", "x", "--results", "/r"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "job-1",
        "log         ray job logs --address http://head:8265 -f job-1",
        "stop        marathon submit --address http://head:8265 --stop job-1",
    ]


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ((), "submit what? write marathon submit -- run steady-write …"),
        (("--working-dir", "nowhere", "--", "stop"), "working dir nowhere: there is no such folder"),
        (
            ("--within", "9 min", "--", "stop"),
            "--within 9 min: it says how long a job has for its end; say which one with --stop JOB",
        ),
        (("--address", NOBODY, "--", "stop"), f"Ray at {NOBODY}: Failed to connect to Ray at address: {NOBODY}."),
    ],
)
def test_what_cannot_be_is_told_in_a_line(
    arguments: tuple[str, ...], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["submit", *arguments]) == 2
    assert capsys.readouterr().err == f"marathon: {line}\n"
