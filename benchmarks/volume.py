"""Very many records through a real Kafka, every one accounted for, in a process whose memory stays flat.

    python -m benchmarks.volume --records 100000000

The producer waits while the auditor is too far behind, and what both passes have read is deleted from the brokers. A
run that was ended goes on where its last settled window ends.
"""

import argparse
import shutil
import time
from dataclasses import replace
from pathlib import Path
from typing import Final

from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

from actors.auditor import Auditor
from actors.producer import Producer
from benchmarks import machine, ours, report, topics
from benchmarks.driven import Driven, driven
from benchmarks.figures import RESULTS
from benchmarks.job import Job
from benchmarks.meter import Meter, resident
from benchmarks.volume_result import Moment, VolumeResult
from marathon_ray.accounts import Accounts
from marathon_ray.finding import Window
from marathon_ray.kafka import homes
from marathon_ray.kafka.local import LocalKafka
from marathon_ray.terms import TopicTerms

PROGRESS: Final = RESULTS / "volume-progress.json"
BROKERS: Final = {
    "log.segment.bytes": 64 << 20,
    "log.retention.check.interval.ms": 2_000,  # when a deleted beginning gives its segments back
    "log.segment.delete.delay.ms": 1_000,
    "offsets.topic.replication.factor": 1,
}
_FREE: Final = 20 << 30  # bytes of disk that are left alone
_BEHIND: Final = 10_000_000  # records that the second pass may be behind
_TRAILING: Final = 2.0  # seconds
_DELETE_EVERY: Final = 5.0
_NOTE_EVERY: Final = 10.0
_START_WITHIN: Final = 120.0
_SLOWEST: Final = 20_000  # records a second
_DRAIN_WITHIN: Final = 600.0
_ADMIN_WITHIN: Final = 30.0


class Session:
    """One process's part of the work. `result` holds what is settled; what is not settled when it ends is done again."""

    def __init__(self, job: Job, result: VolumeResult, progress: Path) -> None:
        self.result = replace(result, moments=(*result.moments, ()))
        self._before, self._progress, self._job = result, progress, job
        self._accounts = Accounts({1: TopicTerms(topic_id=job.topic, partitions=job.partitions)})
        self._producer = Producer("producer", ours.target(job))
        self._auditor = Auditor("auditor", ours.target(job))
        self._admin = AdminClient({"bootstrap.servers": job.bootstrap, "log_level": 0})
        self._meter, self._revision, self._writes = Meter(), 0, False
        self._next_deletion = self._next_note = time.monotonic()

    def run(self) -> VolumeResult:
        """All records of the job, written, read twice and judged. Raises TimeoutError where nothing goes on."""
        self._auditor.apply(1, ours.auditors(self._job, trailing=_TRAILING))
        with driven(self._auditor, self._accounts.take) as reader:
            with driven(self._producer, self._accounts.take) as writer:
                self._write(writes=True)
                writer.until(lambda _: self._step(reader, writer), within=_START_WITHIN + self._job.records / _SLOWEST)
            self._auditor.apply(2, ours.auditors(self._job, trailing=0.0))
            reader.until(lambda _: self._drained(reader, writer), within=_DRAIN_WITHIN)
        self._enter(self._accounts.finish())
        if faults := self._accounts.balance().faults():
            raise RuntimeError(f"the balance does not add up: {faults}")
        self._note(writer)
        return self.result

    def _step(self, reader: Driven, writer: Driven) -> bool:
        """Collect, settle, hold the producer back or let it go on; says whether enough is acknowledged."""
        reader.collect()
        self._enter(self._accounts.settle())
        acknowledged = writer.counts["acknowledged"]
        behind = acknowledged - reader.counts["second read"]
        self._write(writes=behind < (_BEHIND if self._writes else _BEHIND // 2))
        self._keep(writer)
        return acknowledged >= self._job.records

    def _write(self, *, writes: bool) -> None:
        if writes != self._writes:
            self._revision, self._writes = self._revision + 1, writes
            spec = ours.producers(self._job)
            self._producer.apply(self._revision, spec if writes else spec.model_copy(update={"partitions": {}}))

    def _drained(self, reader: Driven, writer: Driven) -> bool:
        self._enter(self._accounts.settle())
        self._keep(writer)
        return reader.counts["second read"] >= writer.counts["acknowledged"]

    def _enter(self, window: Window) -> None:
        self.result = self.result.after(window)

    def _keep(self, writer: Driven) -> None:
        """Now and then: delete what is read, note how matters stand, save."""
        now = time.monotonic()
        if now >= self._next_deletion:
            self._next_deletion = now + _DELETE_EVERY
            self._delete()
        if now >= self._next_note:
            self._next_note = now + _NOTE_EVERY
            self._note(writer)

    def _delete(self) -> None:
        names = range(self._job.partitions)
        read = [min(self._accounts.stand(one, 1, number)[0] for one in ("first", "second")) for number in names]
        ends = [TopicPartition(self._job.topic, number, end) for number, end in enumerate(read) if end > 0]
        for future in self._admin.delete_records(ends).values() if ends else ():
            future.result(_ADMIN_WITHIN)
        if (free := shutil.disk_usage(homes.root()).free) < _FREE:
            raise OSError(f"{free >> 30} GiB of disk are free; {_FREE >> 30} GiB must be left")

    def _note(self, writer: Driven) -> None:
        spent = self._meter.sample(1)
        acknowledged = writer.counts["acknowledged"] + self._before.counts.get("acknowledged", 0)
        moment = Moment(spent.wall, resident(), acknowledged, self._accounts.rows)
        moments = (*self.result.moments[:-1], (*self.result.moments[-1], moment))
        seconds, cpu = self._before.seconds + spent.wall, self._before.cpu + spent.cpu
        self.result = replace(self.result, moments=moments, seconds=seconds, cpu=cpu)
        self.result.save(self._progress)
        print(
            f"{spent.wall:6.0f} s  {moment.resident >> 20:5} MiB  rows {moment.rows:5}  {dict(self.result.counts)}",
            flush=True,
        )


def run(asked: VolumeResult, progress: Path) -> VolumeResult:
    """What remains of the asked records, on a cluster of its own."""
    with LocalKafka(nodes=3, properties=BROKERS) as kafka:
        topic = topics.create(kafka.bootstrap(), 6)
        job = Job(client="", bootstrap=kafka.bootstrap(), topic=topic, records=asked.remaining, size=asked.size)
        return Session(job, replace(asked, about=machine.about(kafka.version(1))), progress).run()


def main() -> None:
    """Begin, or go on; the result is in the report once all records are judged."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.volume", description=__doc__)
    parser.add_argument("--records", type=int, default=100_000_000)
    parser.add_argument("--size", type=int, default=100, help="bytes of a value")
    parser.add_argument("--progress", type=Path, default=PROGRESS, help="what a later run goes on from")
    asked = parser.parse_args()
    result = VolumeResult.load(asked.progress) if asked.progress.exists() else VolumeResult(asked.records, asked.size)
    result = run(result, asked.progress)
    print("exact" if result.exact else "not exact", dict(result.counts), f"findings {result.findings}")
    if result.records >= 100_000_000:
        result.save(report.VOLUME)
        report.write()
    asked.progress.unlink()
    raise SystemExit(0 if result.exact else 1)


if __name__ == "__main__":
    main()
