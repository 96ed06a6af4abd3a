"""Planted errors in the workers' own path: what shows that each account turns red on what it is there for.

A worker passes its batches, reports and fetched rows through one of these; `Honest` changes nothing. Each other one errs
once, on one record, and then is honest.
"""

from typing import Final

import numpy as np

from actors.librdkafka import Batch, Handle
from actors.tally import Fate, Outcome, Table

_AFTER: Final = 3  # slices, or batches of rows, that pass unharmed


class Honest:
    """Changes nothing; `planted` counts the errors that were made (0)."""

    def __init__(self) -> None:
        self.planted = 0
        self._seen = 0

    def send(self, batch: Batch, topic: Handle, partition: int, start: int, count: int) -> int:
        """Hand a slice to the client; returns how many records it took, as `Batch.produce` does."""
        return batch.produce(topic, partition, start, count)

    def reported(self, rows: Table, count: int) -> int:  # noqa: ARG002
        """See REPORT rows before they are booked; returns how many there are now (the table has room for one more)."""
        return count

    def fetched(self, rows: Table, count: int) -> int:  # noqa: ARG002
        """See FETCHED rows before they are booked; returns how many there are now."""
        return count

    def commits(self, *, planned: bool) -> bool:
        """Whether a transaction that is planned to commit (or not) does."""
        return planned

    def told(self, fate: Fate) -> Fate:
        """What is booked of a transaction whose fate is known."""
        return fate

    def _now(self, count: int) -> bool:
        """Whether to err on this slice of `count` records: once, and with a neighbour on each side."""
        self._seen += 1
        if self.planted or self._seen < _AFTER or count < 4:
            return False
        self.planted = 1
        return True


class _Altered(Honest):
    """Alters the third record of a sealed slice."""

    def alter(self, batch: Batch, at: int) -> None:
        raise NotImplementedError

    def send(self, batch: Batch, topic: Handle, partition: int, start: int, count: int) -> int:
        if self._now(count):
            self.alter(batch, start + 2)
        return super().send(batch, topic, partition, start, count)


class CorruptHead(_Altered):
    """One bit of a head's sequence flips."""

    def alter(self, batch: Batch, at: int) -> None:
        batch.values[at, 3] ^= np.uint64(1)


class CorruptPayload(_Altered):
    """One bit of a value's last byte flips."""

    def alter(self, batch: Batch, at: int) -> None:
        batch.values[at].view(np.uint8)[int(batch.sizes[at]) - 1] ^= 1


class CorruptKey(_Altered):
    """One bit of a key flips; records without keys stay whole."""

    def alter(self, batch: Batch, at: int) -> None:
        batch.keys[at, 1] ^= np.uint64(1)


class Swap(_Altered):
    """Two neighbours change places."""

    def alter(self, batch: Batch, at: int) -> None:
        for column in (batch.values, batch.keys, batch.sizes):
            column[[at, at + 1]] = column[[at + 1, at]]


class Double(Honest):
    """A record is sent twice, and the second report swallowed."""

    def __init__(self) -> None:
        super().__init__()
        self._opaque = np.uint64(0)
        self._swallow = 0

    def send(self, batch: Batch, topic: Handle, partition: int, start: int, count: int) -> int:
        taken = super().send(batch, topic, partition, start, count)
        if taken == count and self._now(count):
            self._opaque, self._swallow = batch.opaque[start + count - 1], 2
            super().send(batch, topic, partition, start + count - 1, 1)
        return taken

    def reported(self, rows: Table, count: int) -> int:
        for at in range(count if self._swallow else 0):
            if (int(rows[at]["stream"]) << 40 | int(rows[at]["sequence"])) == int(self._opaque):
                self._swallow -= 1
                if self._swallow == 0:
                    rows[at : count - 1] = rows[at + 1 : count].copy()
                    return count - 1
        return count


class Drop(Honest):
    """A record is never sent, and its acknowledgement made up."""

    def __init__(self) -> None:
        super().__init__()
        self._made_up: list[int] = []

    def send(self, batch: Batch, topic: Handle, partition: int, start: int, count: int) -> int:
        if not self._now(count):
            return super().send(batch, topic, partition, start, count)
        self._made_up.append(int(batch.opaque[start + count - 1]))
        return super().send(batch, topic, partition, start, count - 1) + 1

    def reported(self, rows: Table, count: int) -> int:
        if not self._made_up or not count:
            return count
        rows[count] = rows[count - 1]
        opaque = self._made_up.pop()
        rows[count]["stream"], rows[count]["sequence"] = opaque >> 40, opaque & ((1 << 40) - 1)
        rows[count]["outcome"], rows[count]["error"], rows[count]["offset"] = Outcome.ACKNOWLEDGED, 0, -1
        return count + 1


class Withhold(Honest):
    """A reader is not given a record that it fetched."""

    def fetched(self, rows: Table, count: int) -> int:
        if not self._now(count):
            return count
        rows[2 : count - 1] = rows[3:count].copy()
        return count - 1


class CommitWhatShouldAbort(Honest):
    """A transaction whose records say that it will abort is committed, and said to be aborted."""

    def commits(self, *, planned: bool) -> bool:
        self._lies = not planned and not self.planted
        self.planted += self._lies
        return planned or self._lies

    def told(self, fate: Fate) -> Fate:
        return Fate.ABORTED if self._lies else fate


class HideAbort(Honest):
    """A transaction that was aborted is said to be committed."""

    def told(self, fate: Fate) -> Fate:
        if fate == Fate.ABORTED and not self.planted:
            self.planted = 1
            return Fate.COMMITTED
        return fate
