"""Where leaders say that an epoch ends in their logs (KIP-320): the proof that a log was cut, though it has grown again.

librdkafka proves it by itself only where a new epoch shows in its metadata, and not in every state: a reader that is idle
or without a leader at that moment reads on in another log. So each border between two epochs that is read is asked for.
"""

import contextlib
import time
from collections.abc import Mapping
from typing import Final, NamedTuple, TypeAlias

from actors import librdkafka as rk
from actors.fetch import Fetch
from actors.librdkafka import Place
from actors.rows import NO_TOPIC
from actors.target import Target

Partition: TypeAlias = tuple[str, int]  # topic and number

_BEYOND: Final = 1 << 62  # no log ends there
_SEEK_SECONDS: Final = 1.0
_AGAIN_SECONDS: Final = 5.0
_MOST: Final = 1_000
_ALWAYS: Final = {
    "group.id": "unused",
    "log_level": "0",
    "auto.offset.reset": "error",
    "allow.auto.create.topics": "false",
    "enable.auto.commit": "false",
}


class Border(NamedTuple):
    """A log was read up to `end`, and the record before it in leader epoch `epoch`."""

    epoch: int
    end: int


class EpochEnds:
    """Asks leaders where epochs end, with a client of its own that is open while an answer is missing.

    librdkafka has no call for this. But a seek is refused where it leads beyond the end of the epoch that it names, and the
    refusal names the end; so a seek beyond all ends is a question.
    """

    def __init__(self, target: Target, properties: Mapping[str, str]) -> None:
        self._target = target
        self._properties = {**target.properties, **properties, **_ALWAYS}
        self._ordinals = {name: place.ordinal for name, place in target.topics.items()}
        self._asked: dict[Partition, int] = {}
        self._told: dict[Partition, int] = {}
        self._client: tuple[rk.Handle, Fetch] | None = None
        self._sought = False
        self._until = 0.0

    def ask(self, epochs: Mapping[Partition, int]) -> dict[Partition, int]:
        """The offset behind the last record of these epochs or older ones, as far as it is told by now; ask again for
        the rest. A leader that knows of no such epoch is asked until it does.

        Each answer is given once: the newest epoch goes on growing, so who asks again is told anew.
        """
        if not epochs:
            self.close()
            return {}
        if not epochs.items() <= self._asked.items() or time.monotonic() > self._until:
            self._open(epochs)
        if not self._sought:
            self._seek()
        self._hear()
        told = {place: self._told.pop(place) for place in epochs if place in self._told}
        for place in told:
            del self._asked[place]
        return told

    def _open(self, epochs: Mapping[Partition, int]) -> None:
        self.close()
        handle = rk.open_client(rk.CONSUMER, self._properties)
        self._client = handle, Fetch(handle, self._ordinals, self._target.run, most=_MOST, verify=False)
        self._asked, self._until = dict(epochs), time.monotonic() + _AGAIN_SECONDS
        rk.assign(handle, [Place(*place, 0) for place in epochs])
        rk.pause(handle, [Place(*place) for place in epochs])

    def _seek(self) -> None:
        with contextlib.suppress(rk.KafkaError):  # asked again later
            if self._client:
                places = [Place(*place, _BEYOND, epoch) for place, epoch in self._asked.items()]
                rk.seek(self._client[0], places, _SEEK_SECONDS)
                self._sought = True

    def _hear(self) -> None:
        while self._client:
            count = self._client[1].take(0.0, _MOST)
            self._client[1].unpack(count)
            rows = self._client[1].rows[:count]
            for row in rows[(rows["error"] == rk.RESET) & (rows["topic"] != NO_TOPIC) & (rows["sequence"] >= 0)]:
                place = self._target.named(int(row["topic"])), int(row["partition"])
                self._told[place] = int(row["sequence"])
            if not count:
                return

    def close(self) -> None:
        """Nothing is asked any more."""
        if self._client:
            handle, fetch = self._client
            fetch.close()
            rk.close_client(handle)
        self._client, self._sought = None, False
        self._asked, self._told = {}, {}
