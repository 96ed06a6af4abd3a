"""``marathon status`` and its like: commands to a controller that serves a rotation, by the Ray cluster that both reach."""

import sys
from typing import Any

from marathon_ray.rotation.speaking import WHY, spoken
from marathon_ray.running import BENCH
from marathon_ray.usage import UsageError


def status(*, bench: str = BENCH, ray: str = "auto") -> None:
    """Print what the rotation does, and what it has done.

    Parameters
    ----------
    bench
        The name in the plan.
    ray
        The address of the Ray cluster on which its controller runs.
    """
    _say(bench, ray, "status")


def hold(*, bench: str = BENCH, ray: str = "auto") -> None:
    """No further run begins until `release`; the one that goes on comes to its end."""
    _say(bench, ray, "hold")


def release(*, bench: str = BENCH, ray: str = "auto") -> None:
    """Runs begin again."""
    _say(bench, ray, "release")


def interrupt(why: str = WHY, /, *, bench: str = BENCH, ray: str = "auto") -> None:
    """The run that goes on heals, cleans up and ends; its turn is tried again."""
    _say(bench, ray, "interrupt", why=why)


def skip(*, bench: str = BENCH, ray: str = "auto") -> None:
    """The turn is over, and a run that goes on is interrupted."""
    _say(bench, ray, "skip")


def pause(*, bench: str = BENCH, ray: str = "auto") -> None:
    """Like `hold`, and the run that goes on is interrupted."""
    _say(bench, ray, "pause")


def resume(*, bench: str = BENCH, ray: str = "auto") -> None:
    """Like `release`."""
    _say(bench, ray, "resume")


def mute(duration: str, /, *, bench: str = BENCH, ray: str = "auto") -> None:
    """Nobody is alerted for so long ("2 h"; "0 s": as ever); events are written down all the same."""
    _say(bench, ray, "mute", duration=duration)


def change(
    field: str, value: str | None = None, /, *, clear: bool = False, bench: str = BENCH, ray: str = "auto"
) -> None:
    """A field of the plan is as given here, in YAML, from the next run on: `marathon set every "10 min"`, `marathon set
    scenarios.kill-leader.fields.writers.rate "5 MB/s"`. It stays so, over a restart too, until it is cleared.

    Parameters
    ----------
    clear
        The field is as the plan says.
    """
    if clear == (value is not None):
        raise UsageError(f"{field}: write its value, or --clear")
    _say(bench, ray, "set", field=field, value=value)


def stop(*, bench: str = BENCH, ray: str = "auto") -> None:
    """The rotation ends: the run that goes on heals, cleans up and ends. For a job of Ray: `marathon submit --stop`."""
    _say(bench, ray, "stop")


def _say(bench: str, address: str, word: str, **arguments: Any) -> None:  # noqa: ANN401
    sys.stdout.write(f"{spoken(bench, address, word, **arguments)}\n")
