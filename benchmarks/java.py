"""The peers in Java: Kafka's own performance tools, out of the jars and the Java that the local cluster runs on."""

from typing import Final

from benchmarks.job import Job
from marathon_ray.kafka.distribution import cached
from marathon_ray.kafka.java import JAVA

_TOOLS: Final = "org.apache.kafka.tools"


def command(job: Job, version: str) -> list[str]:
    """The command line of a job's tool, of that exact Kafka version: Java's own choice of compiler and collector."""
    arguments = {"java produce": _produce, "java consume": _consume}[job.client](job)
    return [str(JAVA), "-Xmx512m", "-cp", cached(version).classpath, *arguments]


def _produce(job: Job) -> list[str]:
    idempotence = f"enable.idempotence={str(job.idempotent).lower()}"
    properties = [f"bootstrap.servers={job.bootstrap}", "acks=all", "linger.ms=5", "batch.size=1000000", idempotence]
    shape = ["--num-records", str(job.records), "--record-size", str(job.size), "--throughput", "-1"]
    return [f"{_TOOLS}.ProducerPerformance", "--topic", job.topic, *shape, "--command-property", *properties]


def _consume(job: Job) -> list[str]:
    where = ["--bootstrap-server", job.bootstrap, "--topic", job.topic]
    return [f"{_TOOLS}.ConsumerPerformance", *where, "--num-records", str(job.records), "--fetch-size", "4194304"]
