"""The benchmarks on a real Kafka, small: every client ends, and a volume is exact."""

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import topics, volume
from benchmarks.client import CLIENTS
from benchmarks.job import Job
from benchmarks.process import measure
from benchmarks.suite import READING
from benchmarks.volume_result import VolumeResult
from marathon_ray.kafka.local import LocalKafka

pytestmark = pytest.mark.on_kafka
RECORDS = 30_000


@pytest.fixture
def job(kafka: LocalKafka) -> Job:
    """Where a topic has been written by ours."""
    topic = topics.create(kafka.bootstrap(), 6)
    job = Job(client="ours produce", bootstrap=kafka.bootstrap(), topic=topic, records=RECORDS, size=100)
    measure(job, kafka.version(1))
    return job


@pytest.mark.parametrize("client", sorted({*CLIENTS, *READING, "java produce"} - {"ours produce"}))
def test_a_client_reports_what_its_records_took(client: str, job: Job, kafka: LocalKafka) -> None:
    sample = measure(replace(job, client=client), kafka.version(1))
    assert sample.records >= RECORDS - 6_000
    assert sample.peak > 20 << 20


def test_a_client_that_fails_is_an_error_with_its_words(job: Job, kafka: LocalKafka) -> None:
    with pytest.raises(RuntimeError, match=r"has 6 partitions, so there is no partition"):
        measure(replace(job, partitions=7), kafka.version(1))


def test_a_small_volume_is_exact_and_goes_on_where_it_was_ended(job: Job, tmp_path: Path) -> None:
    progress = tmp_path / "progress.json"
    topic = topics.create(job.bootstrap, 6)
    half = VolumeResult(200_000, 100, counts={"acknowledged": 100_000, "found": 100_000})
    rest = replace(job, topic=topic, records=half.remaining)
    result = volume.Session(rest, half, progress).run()
    assert result.exact
    assert result.counts["acknowledged"] >= 200_000
    assert VolumeResult.load(progress) == result
