"""Fills batches with records that prove themselves: head, key, body and checksum by arithmetic from the sequence."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from actors import kernels, rows
from actors.drawing import draw, pool
from actors.librdkafka import Batch
from actors.load import NO_KEYS, Keys, Sizes
from actors.record import VERSION, Flag

NO_FLAGS: Final = Flag(0)
SLICE: Final = 1_000  # records a call: more gain nothing
_SLICE_BYTES: Final = 4 << 20


@dataclass(frozen=True, slots=True)
class Identity:
    """What all records of a slice have in common. `stream` is the number under which their reports come back."""

    run: int
    client: int
    topic: int
    partition: int
    stream: int
    transaction: int = 0
    flags: Flag = NO_FLAGS

    def words(self) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
        """The head's first three words."""
        first = VERSION | int(self.flags) << 8 | self.topic << 16 | self.transaction << 32
        return np.array([first, self.run | self.partition << 32, self.client], np.uint64)

    @property
    def seed(self) -> int:
        """Sets sizes, keys and bodies of the stream apart from those of every other."""
        return int(draw(self.client, self.topic << 32 | self.partition))


@dataclass(frozen=True, slots=True)
class Times:
    """Record k of a slice is intended at `first + int(k * step)`, wall clock, ns."""

    first: int
    step: float = 0.0

    def after(self, count: int) -> "Times":
        """The times of what follows `count` records."""
        return Times(self.first + int(count * self.step), self.step)


class Composer:
    """A batch, and the shape of the records that it is filled with again and again."""

    def __init__(self, sizes: Sizes, keys: Keys, compressible: float) -> None:
        self._sizes = sizes.table()
        self._plan = keys.plan()
        self._pool = pool(compressible, seed=0)
        largest = int(self._sizes.max())
        self.room = max(1, min(SLICE, _SLICE_BYTES // largest))
        self.batch = Batch(self.room, largest, keyed=self._plan.kind != NO_KEYS)

    def compose(self, identity: Identity, first: int, count: int, times: Times) -> None:
        """The batch begins with records first..first+count of that stream, sealed."""
        batch = self.batch
        kernels.compose(
            batch.values, batch.sizes, batch.opaque, batch.keys, count, identity.words(), identity.stream, first,
            times.first, times.step, np.uint64(identity.seed), self._sizes, self._plan, self._pool,
        )  # fmt: skip
        rows.seal(batch.values, batch.sizes, batch.keys, batch.key_size, count)
