"""Which clients are measured on what, and in which order."""

import os
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Final

from benchmarks import topics
from benchmarks.job import Job, Sample

SIZES: Final = {100: "100 B", 1024: "1 KiB"}
PARTITIONS: Final = (1, 10, 100, 1_000)
PRODUCING: Final = {
    True: ("ours produce", "ours produce unverified", "confluent produce_batch", "confluent produce", "java produce"),
    False: ("ours produce", "confluent produce_batch", "confluent produce"),
}
READING: Final = (
    "ours read", "ours read unverified", "ours audit", "confluent consume", "confluent poll", "java consume",
)  # fmt: skip
WIDE: Final = "partitions"
Measure = Callable[[Job], Sample]


def producing(size: int, *, idempotent: bool) -> str:
    """The name of a series."""
    return f"produce {SIZES[size]}, {'idempotent' if idempotent else 'not idempotent'}"


def reading(size: int) -> str:
    """The name of a series."""
    return f"consume {SIZES[size]}"


@dataclass
class Suite:
    """Takes the measurements, one process at a time; `samples[series][client]` grows by one a round."""

    bootstrap: str
    measure: Measure
    repetitions: int
    records: dict[int, int]  # by size
    tell: Callable[[str], None]
    samples: dict[str, dict[str, list[Sample]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))
    loads: list[float] = field(default_factory=list)

    def run(self) -> None:
        """Everything. What is compiled at first use, here and in the brokers, is compiled before."""
        self._warm_up()
        for size in SIZES:
            for idempotent, clients in PRODUCING.items():
                self._produce(size, clients, idempotent=idempotent)
            self._read(size)
        self._widen()

    @contextmanager
    def _job(self, size: int, partitions: int = 6) -> Iterator[Job]:
        """A job without a client, on a topic of its own."""
        topic = topics.create(self.bootstrap, partitions)
        records = self.records[size]
        yield Job(client="", bootstrap=self.bootstrap, topic=topic, records=records, size=size, partitions=partitions)
        topics.delete(self.bootstrap, topic)

    def _warm_up(self) -> None:
        with self._job(100) as job:
            for client in (*PRODUCING[True][:2], *READING[:3]):
                self.measure(replace(job, client=client))

    def _round(self, series: str, jobs: dict[str, Job]) -> None:
        self.loads.append(os.getloadavg()[0])
        for name, job in jobs.items():
            sample = self.measure(job)
            self.samples[series][name].append(sample)
            self.tell(f"{series}: {name} {sample.micros:.2f} µs a record")

    def _produce(self, size: int, clients: tuple[str, ...], *, idempotent: bool) -> None:
        for _ in range(self.repetitions):
            with self._job(size) as job:
                jobs = {name: replace(job, client=name, idempotent=idempotent) for name in clients}
                self._round(producing(size, idempotent=idempotent), jobs)

    def _read(self, size: int) -> None:
        with self._job(size) as job:
            self.measure(replace(job, client="ours produce"))
            for _ in range(self.repetitions):
                self._round(reading(size), {name: replace(job, client=name) for name in READING})

    def _widen(self) -> None:
        for _ in range(self.repetitions):
            for count in PARTITIONS:
                with self._job(100, count) as job:
                    self._round(WIDE, {str(count): replace(job, client="ours produce")})
