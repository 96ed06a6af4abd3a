"""One client in a process of its own: `python -m benchmarks.client JOB` prints its sample as JSON."""

import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from typing import Final

from benchmarks import confluent, ours
from benchmarks.job import Job, Sample

CLIENTS: Final[dict[str, Callable[[Job], Sample]]] = {
    "ours produce": ours.produce,
    "ours produce unverified": ours.produce_unverified,
    "ours read": ours.read,
    "ours read unverified": ours.read_unverified,
    "ours audit": ours.audit,
    "confluent produce": confluent.produce,
    "confluent produce_batch": confluent.produce_batch,
    "confluent consume": confluent.consume,
    "confluent poll": confluent.poll,
    "ours produce for": ours.produce_for,
    "ours audit for": ours.audit_for,
    "confluent produce_batch for": confluent.produce_batch_for,
    "confluent consume for": confluent.consume_for,
}

if __name__ == "__main__":
    job = Job.parse(sys.argv[1])
    print(json.dumps(asdict(CLIENTS[job.client](job))))
