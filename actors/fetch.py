"""What a consumer is given, as numpy rows: from its one queue, or with a queue for each partition."""

from collections.abc import Iterable, Mapping
from typing import Final

import numpy as np

from actors import bindings as rd
from actors import librdkafka as rk
from actors import rows

ASTRAY: Final = -20  # no error of librdkafka's own: what did not wait where it was to


class Fetch:
    """Batches of records from a consumer's queue."""

    def __init__(
        self, client: rk.Handle, topics: Mapping[str, int], run: int, *, most: int = 10_000, verify: bool = True
    ) -> None:
        self._client = client
        self._queue = rd.queue_consumer(client)
        self._apart: list[rk.Handle] = []
        self._topics = np.array([rk.open_topic(client, name) for name in topics], np.uint64)
        self._ordinals = np.array(list(topics.values()), np.uint16)
        self._messages = np.zeros(most, np.uint64)
        self._run, self._verify = np.uint32(run), verify
        self.rows = np.zeros(most, rows.FETCHED)

    def take(self, seconds: float, most: int) -> int:
        """Wait for records, which stay librdkafka's until `unpack` is called. Callbacks run in here, in this thread."""
        most = min(most, len(self._messages))
        return max(int(rd.consume(self._queue, rk.ms(seconds), self._messages.ctypes.data, most)), 0)

    def set_apart(self, places: Iterable[rk.Place]) -> None:
        """From now on the records of these partitions wait in a queue for each, as long as librdkafka knows the partition: one
        that was forgotten, while its topic was unknown, and is assigned anew waits with the rest."""
        self._give_back_apart()
        self._apart = [rd.queue_partition(self._client, place.topic.encode(), place.partition) for place in places]
        for queue in self._apart:
            rd.queue_forward(queue, None)

    def take_apart(self, most: Mapping[int, int]) -> tuple[int, int]:
        """What is there at once: first what waits with the rest, then of each of these queues no more than that. Returns
        how many of the first, and of all."""
        count = rest = self.take(0.0, room := len(self._messages))
        for number, limit in most.items():
            if count < room:
                at = self._messages.ctypes.data + count * self._messages.itemsize
                count += max(int(rd.consume(self._apart[number], 0, at, min(limit, room - count))), 0)
        return rest, count

    def copy(self, count: int, batch: rk.Batch) -> None:
        """Copy keys, values and sizes of `count` taken records into a batch."""
        rows.copy_records(self._messages, count, batch.values, batch.sizes, batch.keys)

    def unpack(self, count: int) -> int:
        """Verify and free what was taken, into `rows`; returns the number of error events among them."""
        return int(
            rows.unpack_records(self._messages, count, self.rows, self._topics, self._ordinals, self._run, self._verify)
        )

    def close(self) -> None:
        """The queue and the topics are given back; the client is still open."""
        for topic in self._topics:
            rd.topic_destroy(int(topic))
        self._give_back_apart()
        rd.queue_destroy(self._queue)

    def _give_back_apart(self) -> None:
        while self._apart:
            rd.queue_destroy(self._apart.pop())
