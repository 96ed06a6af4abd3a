"""One life of a producing client: its handle, its streams, its last reports."""

import time
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Final

from actors import librdkafka as rk
from actors.claiming import Claiming
from actors.target import Target, TopicPlace, new_client

_ASK_SECONDS: Final = 30.0
_NEW_TOPIC_SECONDS: Final = 5.0
_RETRY_SECONDS: Final = 0.1
_LINGER: Final = ("linger.ms", "queue.buffering.max.ms")  # one by two names: the later wins
_NO_EDGE: Final = nullcontext()
_ALWAYS: Final = {
    "log_level": "0",  # what matters comes as an event
    "linger.ms": "5",
    "batch.size": "1000000",
    "max.in.flight.requests.per.connection": "5",  # more let a survivor's own metadata answer wait behind parked requests
    "queue.buffering.max.messages": "1000000",
    "queue.buffering.max.kbytes": "1048576",
}


class Writer:
    """A producing client that is open until `close`; `number` is its own for ever. `edge` is held while books change.

    Raises ValueError on properties that librdkafka refuses, and on a partition that a topic has not; KafkaError when the
    cluster does not answer within 30 s or a topic does not exist.
    """

    def __init__(
        self,
        target: Target,
        properties: Mapping[str, str],
        places: Iterable[tuple[str, int]],
        claiming: Claiming,
        *,
        edge: AbstractContextManager[Any] = _NO_EDGE,
    ) -> None:
        self.number = new_client()
        self._target = target
        self._claiming = claiming
        self._edge = edge
        properties = {**target.properties, **_ALWAYS, **properties}
        self.handle = rk.open_client(rk.PRODUCER, properties)
        self.linger = float(next(properties[name] for name in reversed(properties) if name in _LINGER)) / 1000  # s
        self.reports = rk.Reports(self.handle)
        self._topics: dict[str, rk.Handle] = {}
        self._streams: dict[tuple[str, int], int] = {}
        try:
            self.widen(places)
        except BaseException:
            self.close()
            raise

    def widen(self, places: Iterable[tuple[str, int]]) -> None:
        """Partitions that are new to this client get their streams, at an edge; known ones keep theirs. Raises as above."""
        new = sorted(set(places) - self._streams.keys())
        for name in sorted({name for name, _ in new} - self._topics.keys()):
            self._topics[name] = rk.open_topic(self.handle, name)
        for name in sorted({name for name, _ in new}):
            self._check(name, max(partition for topic, partition in new if topic == name))
        ordinals = [(self._target.topics[name].ordinal, partition) for name, partition in new]
        with self._edge:
            streams = self._claiming.open(self.number, ordinals)
        self._streams.update(zip(new, streams, strict=True))

    def _check(self, name: str, highest: int) -> None:
        count = self._partitions(name)
        if highest >= count:
            raise ValueError(f"topic {name} has {count} partitions, so there is no partition {highest}")

    def _partitions(self, name: str) -> int:
        deadline = time.monotonic() + _NEW_TOPIC_SECONDS
        while True:
            try:
                return rk.partitions(self.handle, self._topics[name], _ASK_SECONDS)
            except rk.KafkaError as error:  # not every broker has heard of a topic that was just created
                if error.code != rk.UNKNOWN_TOPIC or time.monotonic() > deadline:
                    raise
                time.sleep(_RETRY_SECONDS)

    def topic(self, name: str) -> tuple[rk.Handle, TopicPlace]:
        """The handle and the place of a topic."""
        return self._topics[name], self._target.topics[name]

    def stream(self, name: str, partition: int) -> int:
        """The number of a partition's stream."""
        return self._streams[name, partition]

    @property
    def in_flight(self) -> int:
        """Records that are queued or on their way, and reports not yet polled."""
        return rk.in_flight(self.handle)

    def poll(self, seconds: float) -> tuple[int, list[rk.Event]]:
        """Wait for an event: (reports in `reports`, error events)."""
        return self.reports.poll(seconds)

    def fatal(self) -> rk.Event | None:
        """The error that ended this client for ever, if one did."""
        return rk.fatal_error(self.handle)

    def purge(self) -> None:
        """Every record that is not reported yet gets its last report now."""
        rk.purge(self.handle)

    def close(self) -> None:
        """Handle, topics and queue are gone; what has not been reported never will be."""
        for topic in self._topics.values():
            rk.close_topic(topic)
        self.reports.close()
        rk.close_client(self.handle)
        with self._edge:
            self._claiming.close(self.number)
