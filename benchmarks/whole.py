"""One whole run, `marathon run … --json` in a process of its own: what it says of itself, and what Ray uses beside it."""

import json
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final, TypeAlias

import psutil

from benchmarks.ray_head import RayHead, between

LOADS: Final = Path(__file__).with_name("loads.py")
_WITHIN: Final = 600.0
_TIMES: Final = ("user", "nice", "system", "irq", "softirq", "steal"), ("idle", "iowait")  # guests' are in the user's
Times: TypeAlias = Any  # of psutil, which does not name the type
_COUNTED: Final = {"writers": ("acknowledged", 1), "readers": ("read", 1), "auditors": ("read", 2)}  # read twice


@dataclass(frozen=True, slots=True)
class Used:
    """CPU seconds in a window, over its wall time, and the records that were handled there: each counted once."""

    cpu: float
    wall: float
    records: int

    @property
    def micros(self) -> float:
        """CPU a record, µs."""
        return self.cpu / self.records * 1e6

    @property
    def share(self) -> float:
        """Of a core, per cent."""
        return self.cpu / self.wall * 100


@dataclass(frozen=True, slots=True)
class Whole:
    """`used` is by fleet, and of "driver" and "Ray itself", over the workload; `first` is when the first record was
    acknowledged, in seconds since the command was given, `busy` the share of the machine's processors (0 to 1) that was in
    use until that was heard, `seat` what the largest seat held, in bytes."""

    used: Mapping[str, Used]
    first: float
    busy: float = 0.0
    seat: int = 0


@dataclass(slots=True)
class Heard:
    """The objects that a run has printed so far; what Ray itself had used when those of the workload came, and the bytes
    that the largest seat held at most."""

    rounds: list[Mapping[str, Any]] = field(default_factory=list)
    ended: Mapping[str, Any] = field(default_factory=dict)
    looks: list[tuple[float, dict[int, float]]] = field(default_factory=list)
    seat: int = 0
    since: Times = field(default_factory=psutil.cpu_times)
    busy: float = 0.0  # of the machine, from the begin until an acknowledgement was told

    def take(self, line: str, head: RayHead) -> None:
        """One more line."""
        value = json.loads(line)
        if "phase" in value:
            self.rounds.append(value)
            if value["acks"] and not self.busy:
                self.busy = busy(self.since, psutil.cpu_times())
            if value["phase"] == "workload":
                self.looks.append((time.monotonic(), head.spent()))
                self.seat = max(self.seat, head.largest_seat())
        elif "outcome" in value:
            self.ended = value


def busy(since: Times, until: Times) -> float:
    """The share of all processors' time (0 to 1) in which somebody had them, be it another machine on the same ones."""
    used, idle = (sum(float(getattr(until, name) - getattr(since, name)) for name in names) for names in _TIMES)
    return used / (used + idle)


def used(rounds: Sequence[Mapping[str, Any]]) -> dict[str, Used]:
    """What driver and fleets used over the rounds of the workload but the first, which may have begun before it.

    The driver's records are those that were acknowledged. Raises ValueError where the workload has no such rounds.
    """
    mine = [one for one in rounds if one["phase"] == "workload"][1:]
    if not mine:
        raise ValueError("the workload has no two rounds")
    wall = mine[-1]["until"] - mine[0]["since"]
    made: dict[str, Used] = {}
    for name, (count, times) in _COUNTED.items():
        fleet = [one["fleets"][name] for one in mine if name in one["fleets"]]
        records = sum(each["counts"].get(count, 0) for each in fleet) // times
        made |= {name: Used(sum(each["cpu"] for each in fleet), wall, records)} if fleet else {}
    return {**made, "driver": Used(sum(one["cpu"] for one in mine), wall, made["writers"].records)}


def first_acknowledged(rounds: Sequence[Mapping[str, Any]], began: float) -> float:
    """Seconds from `began` (wall clock) to the first acknowledgement. Raises ValueError where none came."""
    for one in rounds:
        if one["acks"]:
            return datetime.fromisoformat(one["acks"][0]).timestamp() - began
    raise ValueError("no record was acknowledged")


def whole(head: RayHead, bootstrap: str, scenario: str, *fields: str) -> Whole:
    """That scenario of `loads` has run. Raises RuntimeError where it did not pass, or not end within ten minutes; what it
    wrote is kept then."""
    heard = Heard()
    results = tempfile.mkdtemp(prefix="marathon-")
    with tempfile.TemporaryFile() as errors:
        where = ["--cluster", bootstrap, "--ray", head.address, "--results", results, "--json"]
        command = [sys.executable, "-m", "marathon_ray", "run", f"{LOADS}:{scenario}", *fields, *where]
        began = time.time()
        process = subprocess.Popen(
            command, env=head.environment, stdout=subprocess.PIPE, stderr=errors, text=True
        )  # fmt: skip
        watchdog = threading.Timer(_WITHIN, process.terminate)
        watchdog.start()
        try:
            for line in process.stdout or ():
                heard.take(line, head)
        except BaseException:
            process.terminate()
            process.wait()
            shutil.rmtree(results)
            raise
        finally:
            code = process.wait()
            watchdog.cancel()
        errors.seek(0)
        words = errors.read().decode(errors="replace")
    if code or heard.ended.get("outcome") != "passed":
        raise RuntimeError(f"a run of {scenario} ended with {code}: {dict(heard.ended)} {words[-1_000:]}")
    shutil.rmtree(results)
    (since, before), (until, after) = heard.looks[0], heard.looks[-1]
    mine = used(heard.rounds)
    own = Used(between(before, after), until - since, mine["writers"].records)
    return Whole({**mine, "Ray itself": own}, first_acknowledged(heard.rounds, began), heard.busy, heard.seat)
