"""The benchmarks on a real Kafka, small: every client ends, and a volume is exact."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import topics, volume
from benchmarks.client import CLIENTS
from benchmarks.job import Job
from benchmarks.process import measure
from benchmarks.runs import PEERS, PLANE
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


@pytest.mark.parametrize("client", sorted({*CLIENTS, *READING, "java produce"} - {"ours produce", *PLANE, *PEERS}))
def test_a_client_reports_what_its_records_took(client: str, job: Job, kafka: LocalKafka) -> None:
    sample = measure(replace(job, client=client), kafka.version(1))
    assert sample.records >= RECORDS - 6_000
    assert sample.peak > 20 << 20


@pytest.mark.parametrize("clients", [PLANE, PEERS])
def test_a_writer_and_a_reader_that_work_for_a_time_report_what_that_took(
    clients: tuple[str, str], job: Job, kafka: LocalKafka
) -> None:
    timed = replace(job, rate=5_000, warm=1.0, seconds=3.0)
    with ThreadPoolExecutor(2) as pool:
        samples = list(pool.map(lambda name: measure(replace(timed, client=name), kafka.version(1)), clients))
    assert all(sample.records > 0 and sample.cpu > 0 for sample in samples)


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
