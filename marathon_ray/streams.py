"""Streams and their clients: who owns them, how far they have come, and how many sequences they handed out."""

from collections.abc import Sequence

import numpy as np

from actors.intervals import Keys, Numbers
from actors.tally import ATTEMPTS, CLIENTS, Life, Part, Table, nothing
from marathon_ray.interner import Interner, Slots, fitted
from marathon_ray.stretch import LOW, place_keys, together

_NOBODY = -1
_NO_KEYS = np.empty(0, np.uint64)


class Streams:
    """Every (topic, partition, client) ever met, as packed keys, and what workers said of them."""

    def __init__(self) -> None:
        self.known = Interner()  # packed keys
        self.clients = Interner()
        self.attempted: Numbers = np.zeros(0, np.int64)  # by stream slot
        self._life: Numbers = np.zeros(0, np.int64)  # by client slot
        self._owner: Numbers = np.zeros(0, np.int64)
        self._writer: Numbers = np.zeros(
            0, np.int64
        )  # by stream slot: who attempted last; a copy's is not its client's owner
        self._workers: dict[str, int] = {}
        self._dead: set[int] = set()
        self._closing: list[int] = []

    def keys(self, rows: Table) -> Keys:
        """Packed keys of tally rows; unknown clients and streams are entered."""
        clients = self.clients.slots(rows["client"]).astype(np.uint64)
        keys: Keys = (place_keys(rows) << np.uint64(32)) | clients
        self.known.slots(keys)
        self.attempted = fitted(self.attempted, len(self.known))
        self._life = fitted(self._life, len(self.clients))
        self._owner = fitted(self._owner, len(self.clients), _NOBODY)
        return keys

    def learn(self, reports: Sequence[tuple[str, Part]]) -> None:
        """Take the clients and attempts that workers reported, each with its worker."""
        numbers = [self._workers.setdefault(worker, len(self._workers)) for worker, _ in reports]
        attempts = together([nothing(ATTEMPTS), *(part.attempts for _, part in reports)])
        clients = together([nothing(CLIENTS), *(part.clients for _, part in reports)])
        slots = self.known.slots(self.keys(attempts))
        np.maximum.at(self.attempted, slots, attempts["attempted"])
        writers = np.repeat(numbers, [len(part.attempts) for _, part in reports])
        self._writer = fitted(self._writer, len(self.known), _NOBODY)
        self._writer[slots] = writers
        nobodys = self._owner[self.clients.slots(attempts["client"])] == _NOBODY
        self._own(attempts[nobodys], writers[nobodys])
        slots = self._own(clients, np.repeat(numbers, [len(part.clients) for _, part in reports]))
        ending = (clients["life"] == Life.CLOSED) & (self._life[slots] == Life.OPEN)
        self._closing += slots[ending].tolist()
        np.maximum.at(self._life, slots, clients["life"].astype(np.int64))

    def _own(self, rows: Table, owners: Numbers) -> Slots:
        slots = self.clients.slots(rows["client"])
        self._life = fitted(self._life, len(self.clients))
        self._owner = fitted(self._owner, len(self.clients), _NOBODY)
        self._owner[slots] = owners
        return slots

    def raise_attempted(self, keys: Keys, least: Numbers) -> None:
        """What was claimed was attempted, whatever was reported of attempts."""
        np.maximum.at(self.attempted, self.known.slots(keys), least)

    def bury(self, worker: str) -> None:
        """That worker will not be heard of again."""
        self._dead.add(self._workers.setdefault(worker, len(self._workers)))

    def closed_since(self) -> Keys:
        """Streams of the clients that were closed since the last call."""
        closing, self._closing = self._closing, []
        return (
            self.known.values[np.isin(self.known.values & LOW, np.array(closing, np.uint64))] if closing else _NO_KEYS
        )

    def left_by(self, worker: str) -> Keys:
        """Streams that a worker wrote last, but those of its clients that were closed."""
        number = self._workers.get(worker, _NOBODY - 1)
        clients = (self.known.values & LOW).astype(np.intp)
        self._writer = fitted(self._writer, len(self.known), _NOBODY)
        wrote = self._writer[: len(clients)] == number
        ended = (self._owner[clients] == number) & (self._life[clients] == Life.CLOSED)
        left: Keys = self.known.values[wrote & ~ended]
        return left

    def closed(self, keys: Keys) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
        """Whether each stream's client has reported everything that it attempted."""
        return np.asarray(self._life[(keys & LOW).astype(np.intp)] == Life.CLOSED)

    def owned(self, keys: Keys) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
        """Whether any worker has named each stream's client as its own."""
        return np.asarray(self._owner[(keys & LOW).astype(np.intp)] != _NOBODY)

    @property
    def any_dead(self) -> bool:
        """Whether a worker was buried: clients that it opened last may never have been named."""
        return bool(self._dead)

    def client(self, key: int) -> int:
        """The client's own number (64 bits) of a packed key."""
        return int(self.clients.values[key & int(LOW)])
