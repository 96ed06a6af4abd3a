"""How fast three brokers start, and whether anything stays when their driver is killed at a random moment.

python -m benchmarks.boot --boots 10
python -m benchmarks.boot --kills 50 --results kills.jsonl      (goes on where it stopped)
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psutil
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from marathon_ray.kafka import state
from marathon_ray.kafka.cluster import KafkaError
from marathon_ray.kafka.local import LocalKafka

LEASE = 3  # seconds
GRACE = 7.0  # seconds after the lease in which all must be gone
LATEST = 8.0  # seconds after the driver's start: the last moment of a kill, well after a boot
DRIVER = """
import sys, time
from marathon_ray.kafka.local import LocalKafka
with LocalKafka(nodes=int(sys.argv[1]), lease=float(sys.argv[2])):
    time.sleep(600)
"""


def boot() -> tuple[float, float]:
    """Start three nodes; return the seconds until all name each other, and until three replicas hold a record."""
    begin = time.monotonic()
    with LocalKafka(nodes=3) as kafka:
        up = time.monotonic() - begin
        admin = AdminClient({**kafka.client_properties(), "log_level": 0})
        admin.create_topics([NewTopic("t", num_partitions=3, replication_factor=3)])["t"].result(30)
        producer = Producer({**kafka.client_properties(), "acks": "all", "log_level": 0})
        for partition in range(3):
            producer.produce("t", b"x", partition=partition)
        assert producer.flush(30) == 0
        return up, time.monotonic() - begin


@contextmanager
def scratch_home() -> Iterator[Path]:
    """A home for clusters of its own, with a path short enough for a socket; what is in it is removed at the end."""
    home = Path(tempfile.mkdtemp(prefix="mb-"))
    try:
        yield home
    finally:
        shutil.rmtree(home, ignore_errors=True)


def kill_driver(moment: float, *, nodes: int = 3) -> list[str]:
    """Kill a driver (SIGKILL) ``moment`` seconds after its start; return what of its cluster is left after the lease."""
    with scratch_home() as home:
        environment = {**os.environ, "MARATHON_HOME": str(home)}
        command = [sys.executable, "-c", DRIVER, str(nodes), str(LEASE)]
        with subprocess.Popen(command, env=environment, cwd=Path(__file__).parents[1]) as driver:
            time.sleep(moment)
            ports = ports_of(home)
            driver.kill()
        deadline = time.monotonic() + LEASE + GRACE
        while (left := leftovers(home, ports)) and time.monotonic() < deadline:
            time.sleep(0.1)
        return left


def ports_of(home: Path) -> list[int]:
    """Return the ports of the clusters in ``home``, as far as they are written down yet."""
    found: list[int] = []
    for path in home.glob("kafka/*"):
        try:
            found += [port for node in state.load(path).nodes.values() for port in node.ports]
        except KafkaError:
            continue
    return found


def leftovers(home: Path, ports: list[int]) -> list[str]:
    """Return in words which processes, directories and ports are left of the clusters in ``home``."""
    mark = str(home / "kafka")
    lines = ((process.pid, process.info["cmdline"] or []) for process in psutil.process_iter(["cmdline"]))
    processes = [f"process {pid}" for pid, line in lines if any(mark in part for part in line)]
    directories = [f"directory {path}" for path in home.glob("kafka/*")]
    return processes + directories + [f"port {port}" for port in ports if is_taken(port)]


def is_taken(port: int) -> bool:
    """Whether anything listens at this port of 127.0.0.1, or has it without reuse (a closed connection does not)."""
    with closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
        return False


def run_boots(count: int) -> None:
    """Print the least, median and longest time of ``count`` boots, the first of which warms the caches."""
    boot()
    for what, times in zip(("up", "writable"), zip(*(boot() for _ in range(count)), strict=True), strict=True):
        print(f"{what:9} min {min(times):.2f} s  median {statistics.median(times):.2f} s  max {max(times):.2f} s")


def run_kills(count: int, results: Path) -> int:
    """Kill ``count`` drivers in all, those in ``results`` included; print what is left; return how many left things."""
    done = [json.loads(line) for line in results.read_text().splitlines()] if results.exists() else []
    moments = [random.Random(number).uniform(0, LATEST) for number in range(count)]
    for number in range(len(done), count):
        done.append({"seed": number, "moment": round(moments[number], 3), "left": kill_driver(moments[number])})
        with results.open("a") as file:
            file.write(json.dumps(done[-1]) + "\n")
        print(f"{number + 1} of {count}: killed after {moments[number]:.2f} s, left: {done[-1]['left'] or 'nothing'}")
    bad = sum(bool(each["left"]) for each in done)
    print(f"{count} drivers killed between 0 and {LATEST:g} s after their start, {bad} left something")
    return bad


def main() -> None:
    """Read the arguments and run what they ask for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--boots", type=int, default=0)
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--results", type=Path, default=Path("kills.jsonl"))
    arguments = parser.parse_args()
    if arguments.boots:
        run_boots(arguments.boots)
    if arguments.kills:
        sys.exit(bool(run_kills(arguments.kills, arguments.results)))


if __name__ == "__main__":
    main()
