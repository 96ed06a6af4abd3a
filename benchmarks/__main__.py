"""`python -m benchmarks`: measure everything, save the figures, write README.md."""

import argparse
import signal
import sys
from functools import partial
from typing import Final

from benchmarks import machine, report
from benchmarks.figures import Figures
from benchmarks.process import measure
from benchmarks.ray_head import RayHead
from benchmarks.runs import RunFigures, Runs
from benchmarks.suite import Suite
from marathon_ray.kafka.local import LocalKafka

RECORDS: Final = {100: 1_000_000, 1024: 300_000}  # by size: about a second of work for the fastest client
SECONDS: Final = 10.0  # of each window of a whole run, and of what it is measured beside
WARM: Final = 5.0
PARTS: Final = ("clients", "runs")
_tell = partial(print, flush=True)


def clients(kafka: LocalKafka, repetitions: int, scale: float) -> Figures:
    """The figures of all clients."""
    records = {size: round(count * scale) for size, count in RECORDS.items()}
    version = kafka.version(1)
    suite = Suite(kafka.bootstrap(), lambda job: measure(job, version), repetitions, records, tell=_tell)
    suite.run()
    series = {
        name: {client: tuple(samples) for client, samples in clients.items()} for name, clients in suite.samples.items()
    }
    return Figures(machine.about(version), tuple(suite.loads), series)


def runs(kafka: LocalKafka, repetitions: int, scale: float) -> RunFigures:
    """The figures of whole runs, on a Ray of their own."""
    version = kafka.version(1)
    with RayHead() as head:
        made = Runs(head, kafka.bootstrap(), lambda job: measure(job, version), SECONDS * scale, WARM, _tell)
        for _ in range(repetitions):
            made.round()
    values = {name: tuple(figures) for name, figures in made.values.items()}
    return RunFigures(machine.about(version), tuple(made.loads), values)


def main() -> None:
    """Measure, or only render what was measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--repetitions", type=int, default=3, help="rounds of each table")
    parser.add_argument("--scale", type=float, default=1.0, help="times the usual number of records, and time of runs")
    parser.add_argument("--only", choices=PARTS, help="measure this part alone")
    parser.add_argument("--render", action="store_true", help="only write README.md, out of results/")
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what was started is ended, as on Ctrl-C
    parts = () if asked.render else (asked.only,) if asked.only else PARTS
    if parts:
        with LocalKafka(nodes=3, properties={"log.segment.delete.delay.ms": 1_000}) as kafka:
            if "clients" in parts:
                clients(kafka, asked.repetitions, asked.scale).save(report.FIGURES)
            if "runs" in parts:
                runs(kafka, asked.repetitions, asked.scale).save(report.RUNS)
    report.write()
    print(f"written: {report.README}")


if __name__ == "__main__":
    main()
