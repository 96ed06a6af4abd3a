"""Interrupts runs that kill or freeze a broker at random moments, by Ctrl-C, SIGTERM or SIGKILL, and looks for whatever is left.

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
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import psutil
from confluent_kafka.admin import AdminClient

from benchmarks import interrupted, machine, report
from benchmarks.interruptions_result import INTERRUPTIONS, Interruption, InterruptionsResult
from marathon_ray.journal import NAME, left, read
from marathon_ray.kafka.local import LocalKafka

MARK: Final = "MARATHON_INTERRUPTED"  # in the environment of whatever a run starts, by which its processes are found
SCENARIOS: Final = {"kill-leader": "kill-leader", "freeze-follower": interrupted.__file__}
_HOW: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)
_MARATHON: Final = [sys.executable, "-m", "marathon_ray"]
_ENDS_SECONDS: Final = 240.0
_GONE_SECONDS: Final = 60.0


def interrupt(
    kafka: LocalKafka, folder: Path, *, scenario: str, places: str, how: signal.Signals, after: float
) -> Interruption:
    """A run on that cluster is interrupted; after SIGKILL it is reclaimed."""
    token = f"{os.getpid()}-{time.monotonic_ns()}"
    results = folder / token
    with tempfile.TemporaryDirectory(prefix="mi-") as temporary:  # a short path: Ray has sockets below
        names = dict.fromkeys(("TMPDIR", "RAY_TMPDIR"), temporary)
        run = _run(kafka, results, SCENARIOS[scenario], places, {**os.environ, **names, MARK: token})
        try:
            phase, code = _cut(run, results, how, after)
        finally:
            _end(run)
        left = [*_reclaimed(results, how), *leftovers(kafka, results, token)]
        left += [f"file {path.name}" for path in Path(temporary).iterdir()]
    return Interruption(scenario, how.name, after, phase, code, tuple(left))


def _run(
    kafka: LocalKafka, results: Path, scenario: str, places: str, environment: Mapping[str, str]
) -> "subprocess.Popen[bytes]":
    fields = ["--steady", "6 s", "--down", "6 s", "--writers.rate", "2000 records/s"]
    where = ["--cluster", kafka.name, "--places", places, "--results", str(results), "--json"]
    return subprocess.Popen(
        [*_MARATHON, "run", scenario, *fields, *where],
        env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip


def _cut(run: "subprocess.Popen[bytes]", results: Path, how: signal.Signals, after: float) -> tuple[str, int]:
    """The phase in which it got the signal, and its exit code."""
    deadline = time.monotonic() + after
    while time.monotonic() < deadline and run.poll() is None:
        time.sleep(0.01)
    phase = _phase(results)
    if run.poll() is None:
        run.send_signal(how)
    return phase, run.wait(_ENDS_SECONDS)


def _end(run: "subprocess.Popen[bytes]") -> None:
    """It has ended in good order, also where whoever looks at it was interrupted meanwhile."""
    if run.poll() is None:
        run.send_signal(signal.SIGINT)
        run.wait(_ENDS_SECONDS)


def _reclaimed(results: Path, how: signal.Signals) -> list[str]:
    """Why a killed run could not be, if so."""
    if how is not signal.SIGKILL:
        return []
    command = [*_MARATHON, "reclaim", "--results", str(results)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_ENDS_SECONDS)
    return [f"reclaim: {done.stderr.strip()}"] if done.returncode else []


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
    parser.add_argument("--save", action="store_true", help="keep what came of it, and tell it in README.md")
    asked = parser.parse_args()
    draw, done, scenarios = random.Random(asked.seed), list[Interruption](), list(SCENARIOS)
    with LocalKafka(nodes=3) as kafka, tempfile.TemporaryDirectory() as folder:
        about = machine.about(kafka.version(1))
        for number in range(asked.times):
            scenario, how = scenarios[number % len(scenarios)], _HOW[number % len(_HOW)]
            after = draw.uniform(0.0, asked.longest)
            one = interrupt(kafka, Path(folder), scenario=scenario, places=asked.places, how=how, after=after)
            done.append(one)
            print(f"{number + 1:3}  {scenario:15} {one.how:8} after {after:5.1f} s ", end="")
            print(f"in {one.phase:8} exit {one.code:3}  {'; '.join(one.left) or 'nothing left'}", flush=True)
    result = InterruptionsResult(about, tuple(done))
    print(result.summary())
    if asked.save:
        result.save(INTERRUPTIONS)
        report.write()


if __name__ == "__main__":
    main()
