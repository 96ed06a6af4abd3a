"""`python -m benchmarks`: measure everything, save the figures, write README.md."""

import argparse
from functools import partial

from benchmarks import machine, report
from benchmarks.figures import Figures
from benchmarks.process import measure
from benchmarks.suite import Suite
from marathon_ray.kafka.local import LocalKafka

RECORDS = {100: 1_000_000, 1024: 300_000}  # by size: about a second of work for the fastest client


def run(repetitions: int, scale: float) -> Figures:
    """The figures of all clients, on a cluster of their own."""
    records = {size: round(count * scale) for size, count in RECORDS.items()}
    with LocalKafka(nodes=3, properties={"log.segment.delete.delay.ms": 1_000}) as kafka:
        version = kafka.version(1)
        suite = Suite(
            kafka.bootstrap(), lambda job: measure(job, version), repetitions, records, tell=partial(print, flush=True)
        )
        suite.run()
    series = {
        name: {client: tuple(samples) for client, samples in clients.items()} for name, clients in suite.samples.items()
    }
    return Figures(machine.about(version), tuple(suite.loads), series)


def main() -> None:
    """Measure, or only render what was measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--repetitions", type=int, default=3, help="rounds of each table")
    parser.add_argument("--scale", type=float, default=1.0, help="times the usual number of records")
    parser.add_argument("--render", action="store_true", help="only write README.md, out of results/")
    asked = parser.parse_args()
    if not asked.render:
        run(asked.repetitions, asked.scale).save(report.FIGURES)
    report.write()
    print(f"written: {report.README}")


if __name__ == "__main__":
    main()
