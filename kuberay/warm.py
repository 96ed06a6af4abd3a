"""Play every planted error once on librdkafka's mock cluster: what that compiles stays in the image. Fails if one is missed."""

import sys
import time

from confluent_kafka import Producer

from marathon_ray.plant import PLANTS, Plant
from marathon_ray.planted import play

_PARTITIONS = 4  # of a topic that the mock makes when it is first asked for it
_SECONDS = 30.0


def main() -> int:
    mock = Producer({"test.mock.num.brokers": 3, "bootstrap.servers": "mock", "log_level": 0})
    servers = ",".join(f"{each.host}:{each.port}" for each in mock.list_topics(timeout=_SECONDS).brokers.values())
    missed = [plant.name for number, plant in enumerate(PLANTS) if not _found(plant, mock, servers, f"warm-{number}")]
    sys.stderr.write(f"missed: {', '.join(missed)}\n" if missed else f"found all of {len(PLANTS) - 1}\n")
    return 1 if missed else 0


def _found(plant: Plant, mock: Producer, servers: str, topic: str) -> bool:
    deadline = time.monotonic() + _SECONDS
    while len(mock.list_topics(topic, timeout=_SECONDS).topics[topic].partitions) != _PARTITIONS:
        if time.monotonic() > deadline:
            raise TimeoutError(f"the mock did not make topic {topic}")
        time.sleep(0.05)
    return play(plant, {"bootstrap.servers": servers}, topic, partitions=_PARTITIONS).right


if __name__ == "__main__":
    sys.exit(main())
