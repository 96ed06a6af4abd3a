"""What became of the records of transactions, as it is told."""

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from actors.tally import FATES, Fate, Outcome, Table, nothing


class Sent(NamedTuple):
    """Copies that were handed to a client, sequences first..last of one stream."""

    stream: int
    client: int
    partition: int
    topic: int
    first: int
    last: int


class Fates:
    """Of one transaction after another: what was sent in it, what of that was not acknowledged, and how it ended.

    An aborted record is in the log and must not be given to anybody. One whose transaction was aborted before it was
    acknowledged may not be there, and one that was refused or not sent at all surely is not: copied again, it is given rightly.
    """

    def __init__(self) -> None:
        self._rows: list[tuple[int, int, int, Fate, int, int, int, int]] = []
        self._sent: list[Sent] = []
        self._failed: dict[tuple[int, int], Outcome] = {}

    def begin(self) -> None:
        """A transaction begins."""
        self._sent, self._failed = [], {}

    def send(self, sent: Sent) -> None:
        """So much is sent in it."""
        self._sent.append(sent)

    def hear(self, reports: Table) -> None:
        """REPORT rows of it."""
        for row in reports[reports["outcome"] != Outcome.ACKNOWLEDGED]:
            self._failed[int(row["stream"]), int(row["sequence"])] = Outcome(row["outcome"])

    def end(self, fate: Fate, transaction: int, writer: int) -> None:
        """It ended so, as the transaction of that number of that client."""
        for sent in self._sent:
            for first, last, own in self._of(sent, fate):
                self._rows.append((sent.client, sent.partition, sent.topic, own, transaction, first, last, writer))

    def _of(self, sent: Sent, fate: Fate) -> Iterator[tuple[int, int, Fate]]:
        """Its runs of one fate; REFUSED ones are left out."""
        if fate != Fate.ABORTED or not self._failed:
            yield sent.first, sent.last, fate
            return
        outcomes = np.full(sent.last - sent.first + 1, Outcome.ACKNOWLEDGED)
        for (stream, sequence), outcome in self._failed.items():
            if stream == sent.stream and sent.first <= sequence <= sent.last:
                outcomes[sequence - sent.first] = outcome
        edges = [0, *(np.flatnonzero(np.diff(outcomes)) + 1).tolist(), len(outcomes)]
        for start, stop in pairwise(edges):
            if outcomes[start] != Outcome.REFUSED:
                own = Fate.ABORTED if outcomes[start] == Outcome.ACKNOWLEDGED else Fate.MAYBE_WRITTEN
                yield sent.first + start, sent.first + stop - 1, own

    def cut(self) -> Table:
        """FATES[n] since the last cut."""
        rows, self._rows = self._rows, []
        return np.array(rows, FATES) if rows else nothing(FATES)
