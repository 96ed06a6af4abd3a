"""A reader's side of the books: fetched rows folded into runs, spans, positions and incidents."""

from collections.abc import Mapping

import numpy as np

from actors import kernels
from actors.kernels import FOUND_ROWS, INCIDENT_ROWS, PLACE, RUN, SPAN_ROWS
from actors.latency import LAYOUT_SIZE
from actors.tally import FOUND, INCIDENTS, POSITIONS, SPANS, Counts, Kind, Table

_ROWS = 4_096
_INCIDENTS = 1_024
_SLOTS = 1_024


class Reading:
    """What one client has read of `partitions` (topic ordinal: number of partitions) since the last cut."""

    def __init__(self, partitions: Mapping[int, int], *, committed: bool = False) -> None:
        self.committed = committed  # whether the reader is read_committed: it then must not be given what will abort
        self.places: Table = np.zeros(0, PLACE)
        self._bases = np.full(max(partitions, default=0) + 1, -1, np.int64)
        for topic, count in partitions.items():
            self._bases[topic] = len(self.places)
            self.places = np.concatenate([self.places, _unread(topic, 0, count)])
        self._runs: Table = np.zeros(_SLOTS, RUN)
        self._found: Table = np.zeros(_ROWS, FOUND)
        self._spans: Table = np.zeros(_ROWS, SPANS)
        self._incidents: Table = np.zeros(_INCIDENTS, INCIDENTS)
        self._notes: list[tuple[int, ...]] = []  # few, and each changes what the rows mean: they always find room
        self._used = np.zeros(4, np.int64)
        self._full_found: list[Table] = []
        self._full_spans: list[Table] = []
        self.sums: Counts = np.zeros(3, np.int64)
        self.latency: Counts = np.zeros(LAYOUT_SIZE, np.int64)

    def learn(self, topic: int, partition: int, now: int) -> None:
        """That partition is read here, and those below it: the topic has grown if they were not. `now` as in `fold`."""
        base, known = int(self._bases[topic]), int(np.count_nonzero(self.places["topic"] == topic))
        if partition >= known:
            self._close_runs(now)  # a run knows its partition by its index, and others move
            added = _unread(topic, known, partition + 1)
            self.places = np.concatenate([self.places[: base + known], added, self.places[base + known :]])
            self._bases[self._bases > base] += len(added)

    def index(self, topic: int, partition: int) -> int:
        """The place of a partition in `places`. Raises IndexError on one that is not read here."""
        index = int(self._bases[topic]) + partition
        if (self.places["topic"][index], self.places["partition"][index]) != (topic, partition):
            raise IndexError(f"partition {partition} of topic {topic} is not read here")
        return index

    def place(self, topic: int, partition: int) -> Table:
        """The live PLACE row of a partition. Raises IndexError on one that is not read here."""
        place: Table = self.places[self.index(topic, partition)]
        return place

    def stand(self, topic: int, partition: int, position: int, stint: int) -> None:
        """The reader was put at `position` (-1: wherever it will be) for a new stint; that is no rewind."""
        self._close_spans()  # a span belongs to one stint
        place = self.place(topic, partition)
        place["position"], place["stint"], place["at_end"], place["epoch"] = position, stint, 0, -1

    def note(self, kind: Kind, topic: int, partition: int, *, offset: int, count: int, at: int) -> None:
        """Book an incident that is no record."""
        self._notes.append((kind, topic, partition, 0, -1, offset, count, at))

    def fold(self, fetched: Table, count: int, now: int) -> None:
        """Book `count` FETCHED rows; `now` is the wall clock, ns."""
        done = 0
        while True:
            done = kernels.fold_records(
                fetched, done, count, self.places, self._bases, self._runs, self._found, self._spans, self._incidents,
                self._used, self.sums, self.latency, now, self.committed,
            )  # fmt: skip
            if done == count:
                return
            self._make_room(now)

    def _make_room(self, now: int) -> None:
        crowded = 2 * self._used[kernels.SLOTS] >= len(self._runs)
        if crowded:
            self._close_runs(now)
            self._runs = np.zeros(2 * len(self._runs), RUN)
        self._turn_found()
        self._turn_spans()

    def _turn_found(self) -> None:
        self._full_found.append(self._found[: self._used[FOUND_ROWS]].copy())
        self._used[FOUND_ROWS] = 0

    def _turn_spans(self) -> None:
        self._full_spans.append(self._spans[: self._used[SPAN_ROWS]].copy())
        self._used[SPAN_ROWS] = 0

    def _close_runs(self, now: int) -> None:
        done = 0
        while (done := kernels.close_runs(self._runs, done, self.places, self._found, self._used, now)) < len(
            self._runs
        ):
            self._turn_found()

    def _close_spans(self) -> None:
        done = 0
        while (done := kernels.close_spans(self.places, done, self._spans, self._used)) < len(self.places):
            self._turn_spans()

    def cut(self, now: int) -> dict[str, Table]:
        """FOUND, SPANS, POSITIONS and INCIDENTS since the last cut, by the names of a part's fields."""
        self._close_runs(now)
        self._close_spans()
        self._turn_found()
        self._turn_spans()
        found, spans = np.concatenate(self._full_found), np.concatenate(self._full_spans)
        self._full_found.clear()
        self._full_spans.clear()
        incidents = np.concatenate([self._incidents[: self._used[INCIDENT_ROWS]], np.array(self._notes, INCIDENTS)])
        self._used[INCIDENT_ROWS] = 0
        self._notes.clear()
        return {"found": found, "spans": spans, "positions": self._cut_positions(), "incidents": incidents}

    def cut_counts(self) -> dict[str, int]:
        """Records and bytes since the last call, and incidents that found no room in their table."""
        names = {"read": kernels.RECORDS, "read bytes": kernels.READ_BYTES, "incidents beyond": kernels.BEYOND}
        counts = {name: int(self.sums[place]) for name, place in names.items()}
        self.sums[:] = 0
        return counts

    def _cut_positions(self) -> Table:
        touched = self.places[self.places["touched"] == 1]
        positions = np.zeros(len(touched), POSITIONS)
        for name in POSITIONS.names or ():
            positions[name] = touched[name]
        self.places["touched"] = 0
        return positions


def _unread(topic: int, first: int, end: int) -> Table:
    """PLACE rows of partitions first..end-1."""
    places = np.zeros(end - first, PLACE)
    places["topic"], places["partition"], places["position"], places["epoch"] = topic, np.arange(first, end), -1, -1
    return places
