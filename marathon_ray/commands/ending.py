"""``marathon submit --stop``: a job of Ray is asked to end in good order, and only where it does not, Ray stops it."""

import shlex
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from ray.job_submission import JobDetails, JobStatus, JobSubmissionClient
from ray.util.state import list_actors

from marathon_ray.outcome import EXIT
from marathon_ray.report.words import lasting
from marathon_ray.rotation.inbox import NAMESPACE, name
from marathon_ray.usage import UsageError

WAIT: Final = "RAY_JOB_STOP_WAIT_TIME_S"
_RAYS_WAIT: Final = 3.0  # s, where the job's own environment says nothing
_SETTLES: Final = 30.0  # s that Ray may need to see the end of what it has killed
_LOOK: Final = 0.5
_TELLS: Final = 10.0  # s between two lines
_ENDS: Final = {code: f"{outcome}, exit code {code}" for outcome, code in EXIT.items() if code}
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Asking:
    """How a job is asked to end: in words, and by which command, itself a job, which `needs` these of a node."""

    words: str
    entry: str
    needs: dict[str, float]


def asking(job: JobDetails, bench: str) -> Asking | None:
    """A rotation is told by its bench's box, whatever else by a signal to its driver, which must be that job's still; None
    where it has none, so that nobody can be asked."""
    driver = job.driver_info
    if driver is None:
        return None
    needs = {f"node:{driver.node_ip_address}": 0.001}  # there a driver's number means that driver
    if bench:
        return Asking(f"the command stop, bench {bench}", f"python -m marathon_ray stop --bench {bench}", needs)
    own = f"grep -qaF -- {shlex.quote(str(job.submission_id))} /proc/{driver.pid}/environ"
    return Asking("SIGTERM", f"{own} && kill -TERM {driver.pid}", needs)


def bench_of(address: str, job: JobDetails) -> str:
    """Whose box that job has opened; empty where it serves no rotation."""
    if job.driver_info is None:
        return ""
    filters: list[Any] = [("job_id", "=", job.driver_info.id), ("ray_namespace", "=", NAMESPACE)]
    boxes = [actor.name or "" for actor in list_actors(address, filters=filters) if actor.state != "DEAD"]
    return next((box.removeprefix(name("")) for box in boxes if box.startswith(name(""))), "")


def end(address: str, number: str, within: float, tell: Tell) -> None:
    """That job has ended. Raises UsageError where there is none, or it has not."""
    jobs = JobSubmissionClient(address)
    job = _found(jobs, number, address)
    if job.status.is_terminal():
        return tell(f"{number} had ended before: {_how(job)}")
    bench = bench_of(address, job)
    if how := asking(job, bench):
        tell(f"{number} is asked to end by {how.words}; it has {lasting(within)}")
        folder = (job.runtime_env or {}).get("working_dir")  # the job's own code, if it has brought it along
        env = {"working_dir": folder} if folder and how.words != "SIGTERM" else {}
        asked = jobs.submit_job(entrypoint=how.entry, runtime_env=env, entrypoint_resources=how.needs)
        job = _awaited(jobs, number, within, tell, asked, lambda: bool(bench) and not bench_of(address, job))
    else:
        tell(f"{number} has no driver that could be asked")
    if not job.status.is_terminal():
        env = (job.runtime_env or {}).get("env_vars") or {}
        wait = float(env.get(WAIT, _RAYS_WAIT))
        tell(f"{number} is stopped by Ray, which kills it after {lasting(wait)}")
        jobs.stop_job(number)
        job = _awaited(jobs, number, wait + _SETTLES, tell)
    if not job.status.is_terminal():
        raise UsageError(f"job {number}: Ray was told to stop it, and it is {job.status} still")
    return tell(f"{number} has ended: {_how(job)}")


def _found(jobs: JobSubmissionClient, number: str, address: str) -> JobDetails:
    try:
        job = jobs.get_job_info(number)
    except RuntimeError as error:
        if "status code 404" in str(error):
            raise UsageError(f"job {number}: Ray at {address} knows none of that name") from None
        raise
    if job.submission_id != number:
        raise UsageError(
            f"job {number}: write the name under which it was submitted, {job.submission_id or 'if it was'}"
        )
    return job


def _awaited(
    jobs: JobSubmissionClient, number: str, within: float, tell: Tell, asked: str = "", ends: Callable[[], bool] = bool
) -> JobDetails:
    """The job when it has ended, the time is over, or what `asked` it could not, unless it `ends` by itself already. A question
    that is open by then is withdrawn: it would be put to whoever comes next."""
    began = time.monotonic()
    tells = _TELLS
    while not (job := jobs.get_job_info(number)).status.is_terminal():
        past = time.monotonic() - began
        if past >= within:
            tell(f"{number} has not ended within {lasting(within)}")
            if asked and not jobs.get_job_status(asked).is_terminal():
                jobs.stop_job(asked)
            break
        if asked and jobs.get_job_status(asked) == JobStatus.FAILED:
            if ends():
                asked = ""
                tell(f"{number} hears no command any more: it comes to its end")
                continue
            said = " ".join(jobs.get_job_logs(asked).strip().splitlines()[-1:])
            tell(f"{number} could not be asked, see job {asked}: {said[:300]}")
            break
        if past >= tells:
            tell(f"{number} is {job.status}, {lasting(past)} of {lasting(within)}")
            tells = past + _TELLS
        time.sleep(_LOOK)
    return job


def _how(job: JobDetails) -> str:
    return f"{job.status}" + (f" ({_ENDS[job.driver_exit_code]})" if job.driver_exit_code in _ENDS else "")
