"""Whole runs beside the data plane alone and its peers, on the same brokers, in turns."""

import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Self

from benchmarks import topics
from benchmarks.figures import Spread
from benchmarks.job import Job, Sample
from benchmarks.ray_head import RayHead
from benchmarks.saved import load, save
from benchmarks.whole import Whole, whole

PACED: Final = 50_000  # records of 100 B a second, with which two cores are not full, brokers included
PACES: Final = {"unlimited": 0, "paced": PACED}
PLANE: Final = ("ours produce for", "ours audit for")
PEERS: Final = ("confluent produce_batch for", "confluent consume for")
WORKING: Final = ("driver", "writers", "auditors")  # of a whole run of the plane
SEATS: Final = 4
_SEATS_WITHIN: Final = 120.0


@dataclass(frozen=True, slots=True)
class RunFigures:
    """`values[name]` has one figure a round."""

    about: Mapping[str, str]  # machine, versions, date
    loads: tuple[float, ...]  # load averages seen before each measurement
    values: Mapping[str, tuple[float, ...]]

    def spread(self, name: str) -> Spread:
        """Raises KeyError on a figure that was not taken."""
        return Spread.of(list(self.values[name]))

    def save(self, path: Path) -> None:
        """The figures are there as JSON."""
        save(self, path)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Raises OSError where there is no such file."""
        values = load(path)
        series = {name: tuple(figures) for name, figures in values["values"].items()}
        return cls(values["about"], tuple(values["loads"]), series)


def costs(pace: str, run: Whole, plane: tuple[Sample, ...], peers: tuple[Sample, ...]) -> dict[str, float]:
    """CPU µs a record that is written, and read (by an auditor, twice), part by part and together; one round."""
    parts = {f"run, {name}": run.used[name].micros for name in WORKING}
    parts |= {name: sample.micros for name, sample in zip(PLANE + PEERS, plane + peers, strict=True)}
    sums = {"run": sum(run.used[name].micros for name in WORKING)}
    sums |= {"plane": sum(one.micros for one in plane), "peers": sum(one.micros for one in peers)}
    beside = {"Ray itself": run.used["Ray itself"].micros, "Ray itself, share": run.used["Ray itself"].share}
    ratios = {"run / plane": sums["run"] / sums["plane"], "run / peers": sums["run"] / sums["peers"]}
    rates = {"rate": run.used["writers"].records / run.used["writers"].wall, "plane rate": plane[0].rate}
    return {f"{pace}: {name}": value for name, value in (parts | sums | beside | ratios | rates).items()}


@dataclass
class Runs:
    """Takes the figures; each list of `values` grows by one a round."""

    head: RayHead
    bootstrap: str
    measure: Callable[[Job], Sample]
    seconds: float  # of each window
    warm: float
    tell: Callable[[str], None]
    values: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    loads: list[float] = field(default_factory=list)

    def round(self) -> None:
        """One of everything."""
        for pace, rate in PACES.items():
            run = self._run("Plane", rate)
            self._note(costs(pace, run, self._together(PLANE, rate), self._together(PEERS, rate)))
            self._note({f"{pace}: first record": run.first, f"{pace}: busy until it": run.busy * 100})
        eight = self._run("Eight", PACED)
        shares = {f"eight: {name}, share": each.share for name, each in eight.used.items()}
        self._note({**shares, "eight: first record": eight.first, "eight: busy until it": eight.busy * 100})
        self._note({"working seat: RSS": eight.seat / 1e6})
        self._note(self._idle())

    def _note(self, figures: Mapping[str, float]) -> None:
        for name, value in figures.items():
            self.values[name].append(value)
            self.tell(f"{name} {value:.3f}")

    def _run(self, scenario: str, rate: int) -> Whole:
        self.loads.append(os.getloadavg()[0])
        lasting = ["--warm", f"{self.warm} s", "--steady", f"{self.seconds} s"]
        paced = ["--writers.rate", f"{rate} records/s"] if rate else []
        return whole(self.head, self.bootstrap, scenario, *lasting, *paced)

    def _together(self, clients: tuple[str, ...], rate: int) -> tuple[Sample, ...]:
        """Each in a process of its own, at the same time."""
        self.loads.append(os.getloadavg()[0])
        topic = topics.create(self.bootstrap, 6)
        job = Job(
            client="", bootstrap=self.bootstrap, topic=topic, records=0, size=100, rate=rate,
            warm=self.warm, seconds=self.seconds,
        )  # fmt: skip
        with ThreadPoolExecutor(len(clients)) as pool:
            samples = tuple(pool.map(self.measure, (replace(job, client=client) for client in clients)))
        topics.delete(self.bootstrap, topic)
        return samples

    def _idle(self) -> dict[str, float]:
        """MB of the largest of a few seats."""
        command = [sys.executable, "-m", "benchmarks.idle", self.head.address, str(SEATS)]
        done = subprocess.run(
            command, env=self.head.environment, capture_output=True, text=True, timeout=_SEATS_WITHIN, check=True
        )
        sizes = json.loads(done.stdout.splitlines()[-1])
        rss, pss = (max(each[place] for each in sizes) / 1e6 for place in (0, 1))
        return {"idle seat: RSS": rss, "idle seat: PSS": pss}
