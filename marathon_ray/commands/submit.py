"""``marathon submit``: another command, as a job of a Ray cluster; it goes on when this terminal does not, until it is
stopped."""

import logging
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from actors.units import parse_duration
from marathon_ray.commands.plan import Fields
from marathon_ray.usage import UsageError

STOP_SECONDS: Final = 120  # Ray's own 3 are not enough to mend what was broken
_WITHIN: Final = "5 min"  # that a job has for its end
_LIVE_ON_RAY: Final = ("run", "serve", "check")
_LEAVE_RESULTS: Final = ("run", "serve")
_LEFT_OUT: Final = ("results", "dist")  # beside .git, .venv and what .gitignore names, which Ray leaves out


def submit(
    *command: Fields,
    address: str = "http://127.0.0.1:8265",
    working_dir: Path | None = None,
    stop: str | None = None,
    within: str | None = None,
) -> None:
    """Make a job of a command: marathon submit -- run steady-write --cluster HOST:PORT --results /mnt/results.

    It runs on the head, with the head's own `python`, and on the head's Ray unless it says --ray or --places. Results must
    lie where they outlive the job.

    Parameters
    ----------
    command
        Behind --, what would stand behind `marathon`.
    address
        The head's dashboard.
    working_dir
        A folder that goes along: a checkout, or one of your own with scenarios or a plan in it. The job begins there.
    stop
        No new job, but the end of this one: it is asked to heal, clean up and end, and stopped by Ray, which may kill, only
        where it does not.
    within
        How long it has for that, before Ray stops it: 5 min, where nothing else is said.
    """
    if stop is not None:
        return _stopped(stop, address, within or _WITHIN, alone=not command and working_dir is None)
    if within is not None:
        raise UsageError(f"--within {within}: it says how long a job has for its end; say which one with --stop JOB")
    entry = entrypoint(command)
    if working_dir is not None and not working_dir.is_dir():
        raise UsageError(f"working dir {working_dir}: there is no such folder")
    job = _submitted(entry, address, environment(working_dir))
    at = f"--address {address}"
    for line in (job, f"log         ray job logs {at} -f {job}", f"stop        marathon submit {at} --stop {job}"):
        _tell(line)
    return None


def entrypoint(command: tuple[str, ...]) -> str:
    """The job's command line. Raises UsageError where it would lose its results."""
    if not command:
        raise UsageError("submit what? write marathon submit -- run steady-write …")
    named = {word.partition("=")[0] for word in command}
    if command[0] in _LEAVE_RESULTS and "--results" not in named:
        raise UsageError(
            f"{command[0]}: the folder in which a job begins goes with it; say --results PATH, one of the head that stays"
        )
    on_ray = command[0] in _LIVE_ON_RAY and not named & {"--ray", "--places"}
    return shlex.join(["python", "-m", "marathon_ray", *command, *(["--ray", "auto"] if on_ray else [])])


def environment(working_dir: Path | None) -> dict[str, Any]:
    """Ray's runtime environment of the job."""
    made: dict[str, Any] = {"env_vars": {"RAY_JOB_STOP_WAIT_TIME_S": str(STOP_SECONDS)}}
    if working_dir is not None:
        made |= {"working_dir": str(working_dir), "excludes": list(_LEFT_OUT)}
    return made


def _submitted(entry: str, address: str, runtime_env: dict[str, Any]) -> str:
    with _of_ray(address):
        from ray.job_submission import JobSubmissionClient  # noqa: PLC0415 - a mistake needs no Ray

        return str(JobSubmissionClient(address).submit_job(entrypoint=entry, runtime_env=runtime_env))


def _stopped(job: str, address: str, within: str, *, alone: bool) -> None:
    if not alone:
        raise UsageError(f"--stop {job}: it ends a job that is there; leave the command out, and --working-dir")
    try:
        seconds = parse_duration(within)
    except ValueError as error:
        raise UsageError(f"within: {error}") from None
    with _of_ray(address):
        from marathon_ray.commands.ending import end  # noqa: PLC0415 - a mistake needs no Ray

        end(address, job, seconds, _tell)


@contextmanager
def _of_ray(address: str) -> Iterator[None]:
    """What a Ray's dashboard raises is told in a line."""
    from ray.exceptions import RayError  # noqa: PLC0415 - a mistake needs no Ray
    from ray.util.state.exception import RayStateApiException  # noqa: PLC0415

    logging.getLogger("ray").setLevel(logging.WARNING)  # it tells of every file that it packs
    try:
        yield
    except (OSError, RayError, RayStateApiException, RuntimeError, ValueError) as error:
        raise UsageError(f"Ray at {address}: {' '.join(str(error).split())[:300]}") from None


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
