"""Interrupts a faulted run at random moments, by Ctrl-C, SIGTERM or SIGKILL, and looks for whatever is left of it.

python -m benchmarks.interruptions --times 50
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil
from confluent_kafka.admin import AdminClient

from marathon_ray.journal import NAME, left, read
from marathon_ray.kafka.local import LocalKafka

MARK: Final = "MARATHON_INTERRUPTED"  # in the environment of whatever a run starts, by which its processes are found
_HOW: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)
_ENDS_SECONDS: Final = 240.0
_GONE_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class Interruption:
    """One run that was interrupted `after` so many seconds, with its exit code, and what was left of it."""

    how: signal.Signals
    after: float
    phase: str
    code: int
    left: tuple[str, ...]


def interrupt(kafka: LocalKafka, folder: Path, *, places: str, how: signal.Signals, after: float) -> Interruption:
    """A run of kill-leader on that cluster is interrupted; after SIGKILL it is reclaimed."""
    token = f"{os.getpid()}-{time.monotonic_ns()}"
    environment = {**os.environ, MARK: token}
    results = folder / token
    base = [sys.executable, "-m", "marathon_ray"]
    fields = ["--steady", "6 s", "--down", "6 s", "--writers.rate", "2000 records/s"]
    where = ["--cluster", kafka.name, "--places", places, "--results", str(results), "--json"]
    run = subprocess.Popen(
        [*base, "run", "kill-leader", *fields, *where],
        env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    deadline = time.monotonic() + after
    while time.monotonic() < deadline and run.poll() is None:
        time.sleep(0.01)
    phase = _phase(results)
    if run.poll() is None:
        run.send_signal(how)
    code = run.wait(_ENDS_SECONDS)
    if how is signal.SIGKILL:
        reclaim = [*base, "reclaim", "--results", str(results)]
        done = subprocess.run(reclaim, capture_output=True, text=True, timeout=_ENDS_SECONDS)
        if done.returncode:
            return Interruption(how, after, phase, code, (f"reclaim: {done.stderr.strip()}",))
    return Interruption(how, after, phase, code, tuple(leftovers(kafka, results, token)))


def _phase(results: Path) -> str:
    entries = [entry for journal in results.glob(f"*/{NAME}") for entry in read(journal)]
    phases = [str(entry["phase"]) for entry in entries if entry["what"] == "phase"]
    return phases[-1] if phases else "begin" if entries else "before"


def leftovers(kafka: LocalKafka, results: Path, token: str) -> Iterator[str]:
    """What should not be there any more, a phrase each: `token` marks the processes, in whose environment it is."""
    deadline = time.monotonic() + _GONE_SECONDS
    while (found := list(_processes(token))) and time.monotonic() < deadline:
        time.sleep(0.2)
    yield from (f"process {name}" for name in found)
    admin = AdminClient({**kafka.client_properties(), "log_level": 0})
    yield from (f"topic {name}" for name in admin.list_topics(timeout=20).topics if name.startswith("m-"))
    groups = admin.list_consumer_groups(request_timeout=20).result().valid
    yield from (f"group {group.group_id}" for group in groups if group.group_id.startswith("m-"))
    yield from (f"node {node} is {kafka.state(node)}" for node in kafka.nodes if kafka.state(node) != "up")
    for journal in results.glob(f"*/{NAME}"):
        yield from (f"in the journal: {thing.kind} {thing.name}" for thing in left(read(journal)))


def _processes(token: str) -> Iterator[str]:
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == token and process.status() != psutil.STATUS_ZOMBIE:
                yield f"{process.pid} {' '.join(process.cmdline())[:100]}"
        except psutil.Error:
            continue


def main() -> None:
    """Print each interruption, and how many left something."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.interruptions", description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--places", choices=["ray", "here"], default="ray")
    parser.add_argument("--longest", type=float, default=45.0, help="seconds within which the moment is drawn")
    asked = parser.parse_args()
    draw, codes, dirty = random.Random(asked.seed), Counter[str](), 0
    with LocalKafka(nodes=3) as kafka, tempfile.TemporaryDirectory() as folder:
        for number in range(asked.times):
            how, after = _HOW[number % len(_HOW)], draw.uniform(0.0, asked.longest)
            one = interrupt(kafka, Path(folder), places=asked.places, how=how, after=after)
            codes[f"{one.how.name} {one.code}"] += 1
            dirty += bool(one.left)
            print(f"{number + 1:3}  {how.name:8} after {after:5.1f} s in {one.phase:8} exit {one.code:3}  ", end="")
            print("; ".join(one.left) or "nothing left", flush=True)
    print(f"{dirty} of {asked.times} left something; {dict(codes)}")


if __name__ == "__main__":
    main()
