"""One life of a reading client: fetched rows folded into a `Reading`, and error rows told apart."""

import threading
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Final

from actors import librdkafka as rk
from actors.fetch import ASTRAY, Fetch
from actors.pace import Clock
from actors.reading import Reading
from actors.sabotage import Honest
from actors.tally import Table
from actors.target import Target

MOST: Final = 10_000
LEAVE_SECONDS: Final = 20.0  # a slow rebalance ends by then; who leaves without a word is missed after 45, by default
_USUAL_VALUE: Final = 2_048
_ALWAYS: Final = {
    "log_level": "0",  # what matters comes as an error row
    "allow.auto.create.topics": "false",  # a topic that was deleted stays deleted
    "enable.auto.commit": "false",
    "enable.partition.eof": "true",
    # Little is fetched ahead, so that it is still in the processor's cache when it is verified: 15 % less CPU a record and
    # 100 MB less memory than with librdkafka's 64 MB. A full queue is looked at again soon; by default, after a second.
    "fetch.message.max.bytes": "1048576",
    "queued.min.messages": "20000",
    "queued.max.messages.kbytes": "8192",
    "fetch.queue.backoff.ms": "10",
}


class Reader:
    """A reading client that is open until `close`. Raises ValueError on properties that librdkafka refuses."""

    def __init__(
        self,
        target: Target,
        properties: Mapping[str, str],
        reading: Reading,
        *,
        sabotage: Honest | None = None,
        on_rebalance: rk.OnRebalance | None = None,
        verify: bool = True,
    ) -> None:
        self._reading = reading
        self._sabotage = sabotage or Honest()
        self._ordinals = {name: place.ordinal for name, place in target.topics.items()}
        self.handle = rk.open_client(rk.CONSUMER, {**target.properties, **_ALWAYS, **properties}, on_rebalance)
        self._fetch = Fetch(self.handle, self._ordinals, target.run, verify=verify)
        self._rest = 0  # of what was taken apart: how many waited with the rest

    def take(self, seconds: float, most: int = MOST) -> int:
        """Wait for records, which `book` then books. Callbacks run in here."""
        return self._fetch.take(seconds, most)

    def set_apart(self, places: Iterable[rk.Place]) -> None:
        """The records of these partitions, that are about to be assigned, are taken by `take_apart`, which knows each by
        its number here."""
        self._fetch.set_apart(places)

    def take_apart(self, most: Mapping[int, int]) -> int:
        """What is there at once, of each such partition no more than that; `book` then books it. What came of one in
        another way is not booked, but an error row: its partition is to be set apart and assigned anew."""
        self._rest, count = self._fetch.take_apart(most)
        return count

    def copy(self, count: int, batch: rk.Batch | None) -> rk.Batch:
        """Copy what was taken into `batch`, or into a larger one where it does not fit."""
        while True:
            room = batch or rk.Batch(MOST, _USUAL_VALUE, keyed=True)
            self._fetch.copy(count, room)
            largest = int(room.sizes[:count].max())
            if largest <= room.values.shape[1] * 8:
                return room
            batch = rk.Batch(MOST, 2 * largest, keyed=True)

    @property
    def rows(self) -> Table:
        """What was booked last."""
        return self._fetch.rows

    def book(self, count: int, clock: Clock) -> list[Table]:
        """Book what was taken, and free it; returns the error rows but those that only say that a log has ended."""
        errors = self._fetch.unpack(count)
        rows = self._fetch.rows
        if self._rest:
            told = rows["error"][: self._rest]
            told[(told == rk.NO_ERROR) | (told == rk.PARTITION_EOF)] = ASTRAY
            errors, self._rest = max(errors, self._rest), 0
        count = self._sabotage.fetched(rows, count)
        self._reading.fold(rows, count, clock.wall())
        if not errors:
            return []
        codes = rows["error"][:count]
        return [row.copy() for row in rows[:count][(codes != 0) & (codes != rk.PARTITION_EOF)]]

    def close(self, *, wait: bool = True) -> None:
        """Handle, queue and topics are gone. Without `wait`, and after a fatal error, the handle goes in the background:
        librdkafka may hold it for as long as a request may take."""
        self._fetch.close()
        if wait and rk.fatal_error(self.handle) is None:
            rk.close_client(self.handle)
        else:
            end = partial(rk.close_client, self.handle, wait=False)
            threading.Thread(target=end, name=f"closing {self.handle}", daemon=True).start()
