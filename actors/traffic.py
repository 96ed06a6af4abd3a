"""Bytes that the clients of this process have exchanged with each broker, by what librdkafka says of itself."""

import json
import threading
from collections import Counter
from collections.abc import Mapping
from typing import Final

EVERY: Final = ("statistics.interval.ms", "2000")  # the property by which a client says it


class Traffic:
    """Sums over clients. Safe between the threads of several workers."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._said: dict[tuple[str, int], int] = {}  # by client and broker, its last word
        self._sums: Counter[int] = Counter()

    def hear(self, statistics: bytes) -> None:
        """What a client says of itself, in librdkafka's JSON: each time of all that it has done. No two of a process have one
        name."""
        said, brokers = json.loads(statistics), Counter[int]()
        for broker in said["brokers"].values():
            brokers[broker["nodeid"]] += broker["txbytes"] + broker["rxbytes"]
        with self._lock:
            for node, count in brokers.items():
                self._sums[node] += count - self._said.get((said["name"], node), 0)
                self._said[said["name"], node] = count

    def read(self) -> Mapping[int, int]:
        """By the broker's id so far; what librdkafka asked of addresses alone is that of broker -1."""
        with self._lock:
            return dict(self._sums)


TRAFFIC: Final = Traffic()
