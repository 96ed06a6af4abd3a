"""Our own clients under measurement: the real workers, driven as a run drives them."""

import time
from functools import partial
from typing import Final
from unittest.mock import patch

import numpy as np

from actors import auditor, producer
from actors.auditor import FIRST, Auditor, Pass
from actors.composer import Composer, Identity, Times
from actors.load import FixedSize, Keys, Sizes
from actors.pace import Clock
from actors.producer import Producer
from actors.reader import Reader
from actors.rows import STREAM_SHIFT
from actors.spec import Auditors, Producers
from actors.target import Target, TopicPlace
from actors.units import UNLIMITED, Rate
from benchmarks.driven import Driven, driven
from benchmarks.job import IN_FLIGHT, Job, Sample
from benchmarks.meter import Meter

_RUN: Final = 0x6D617261  # marks records of all benchmarks: what one process writes another reads
_START_WITHIN: Final = 60.0
_END_WITHIN: Final = 240.0
_CUT_EVERY: Final = 1.0
_ROUND: Final = 1.0  # seconds


def target(job: Job) -> Target:
    """Where the workers of a job work."""
    places = {job.topic: TopicPlace(1, job.partitions)}
    return Target(_RUN, {"bootstrap.servers": job.bootstrap}, places)


def producers(job: Job) -> Producers:
    """All partitions in one hand."""
    return Producers(
        to=(job.topic,),
        size=FixedSize(size=job.size),
        rate=Rate.parse(f"{job.rate} records/s") if job.rate else UNLIMITED,
        idempotent=job.idempotent,
        in_flight=IN_FLIGHT,
        properties=job.properties,
        partitions={job.topic: tuple(range(job.partitions))},
    )


def auditors(job: Job, *, trailing: float = 0.0) -> Auditors:
    """All partitions in one hand."""
    partitions = {job.topic: tuple(range(job.partitions))}
    return Auditors(of=(job.topic,), trailing=trailing, partitions=partitions, properties=job.properties)


def produce(job: Job) -> Sample:
    """From the first acknowledgement to the last report, closing the client included."""
    worker = Producer("producer", target(job))
    worker.apply(1, producers(job))
    with driven(worker) as at_work:
        at_work.until(lambda counts: counts["acknowledged"] > 0, within=_START_WITHIN)
        meter, before = Meter(), at_work.counts["acknowledged"]
        at_work.until(lambda counts: counts["acknowledged"] >= before + job.records, within=_END_WITHIN)
    if lost := at_work.counts["refused"] + at_work.counts["unknown"]:
        raise RuntimeError(f"{lost} records were not acknowledged: {dict(at_work.counts)}")
    return meter.sample(at_work.counts["acknowledged"] - before)


class Unfilled(Composer):
    """Sends the same values again and again: no body, no checksum, only what a report must come back with."""

    def __init__(self, sizes: Sizes, keys: Keys, compressible: float) -> None:
        super().__init__(sizes, keys, compressible)
        self.batch.sizes[:] = int(self._sizes.max())

    def compose(self, identity: Identity, first: int, count: int, times: Times) -> None:
        """Only the opaque words and the intended times are new."""
        numbers = np.arange(first, first + count, dtype=np.uint64)
        self.batch.opaque[:count] = numbers | np.uint64(identity.stream << STREAM_SHIFT)
        self.batch.values[:count, 4] = times.first


def produce_unverified(job: Job) -> Sample:
    """The same loop with nothing in the records that could be verified."""
    with patch.object(producer, "Composer", Unfilled):
        return produce(job)


def read(job: Job) -> Sample:
    """One pass over the whole topic, everything verified, from making the client on."""
    _read(job.of(1))  # what is compiled is loaded now
    meter = Meter()
    return meter.sample(_read(job))


def _read(job: Job) -> int:
    one, clock = Pass(FIRST, target(job), auditors(job), None), Clock()
    deadline, cut_at, count = time.monotonic() + _END_WITHIN, 0.0, 0
    while count < job.records:
        if errors := one.book(one.take(0.1), clock):
            raise RuntimeError(f"the reader met errors: {errors[0]}")
        if (now := time.monotonic()) >= cut_at or int(one.reading.sums[0]) + count >= job.records:
            cut_at = now + _CUT_EVERY
            count += one.cut(clock.wall()).counts["read"]
        if now > deadline:
            raise TimeoutError(f"{count} of {job.records} records within {_END_WITHIN:g} s")
    one.close()
    return count


def read_unverified(job: Job) -> Sample:
    """The same loop without the checksum."""
    with patch.object(auditor, "Reader", partial(Reader, verify=False)):
        return read(job)


def produce_for(job: Job) -> Sample:
    """For a window of time, collected from once a second, as a run does."""
    worker = Producer("producer", target(job))
    worker.apply(1, producers(job))
    with driven(worker, every=_ROUND) as at_work:
        return _window(job, at_work, ("acknowledged",))


def audit_for(job: Job) -> Sample:
    """The same of both passes of an auditor, the second one two seconds behind."""
    worker = Auditor("auditor", target(job))
    worker.apply(1, auditors(job, trailing=2.0))
    with driven(worker, every=_ROUND) as at_work:
        return _window(job, at_work, ("first read", "second read"))


def _window(job: Job, at_work: Driven, names: tuple[str, ...]) -> Sample:
    """A record counts once that all of these have counted."""
    at_work.until(lambda counts: counts[names[0]] > 0, within=_START_WITHIN)
    at_work.during(job.warm)
    meter, before = Meter(), at_work.counts.copy()
    at_work.during(job.seconds)
    return meter.sample(sum(at_work.counts[name] - before[name] for name in names) // len(names))


def audit(job: Job) -> Sample:
    """Both passes of an auditor over the whole topic; a record counts once although it is read twice."""
    _read(job.of(1))
    meter = Meter()
    worker = Auditor("auditor", target(job))
    worker.apply(1, auditors(job))
    with driven(worker) as at_work:
        both = ("first read", "second read")
        at_work.until(lambda counts: all(counts[name] >= job.records for name in both), within=_END_WITHIN)
    return meter.sample(job.records)
