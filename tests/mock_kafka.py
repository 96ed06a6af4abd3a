"""librdkafka's built-in mock cluster: three brokers without a JVM. It proves no promise of a broker, only our own path."""

import time
from types import TracebackType
from typing import Final, Self

from confluent_kafka import Producer

PARTITIONS: Final = 4  # of a topic that the mock makes when it is first asked for it
_SECONDS: Final = 10.0


class MockKafka:
    """Lives as long as its owner's handle; topics come into being with four partitions."""

    def __init__(self) -> None:
        self._owner = Producer({"test.mock.num.brokers": 3, "bootstrap.servers": "mock", "log_level": 0})
        brokers = self._owner.list_topics(timeout=_SECONDS).brokers.values()
        self.properties = {"bootstrap.servers": ",".join(f"{broker.host}:{broker.port}" for broker in brokers)}

    def topic(self, name: str) -> str:
        """The topic exists."""
        deadline = time.monotonic() + _SECONDS
        while len(self._owner.list_topics(name, timeout=_SECONDS).topics[name].partitions) != PARTITIONS:
            assert time.monotonic() < deadline, f"the mock did not make topic {name}"
            time.sleep(0.01)
        return name

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._owner.flush(_SECONDS)
