"""How far one reading (an auditor's pass or a group) came in each partition, and what it could not read."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from actors.intervals import Keys, Numbers
from actors.tally import Kind, Part, Table
from marathon_ray.interner import Interner, Slots, fitted
from marathon_ray.stretch import before_offset, place_keys

Mask: TypeAlias = NDArray[np.bool_]


class Reach:
    """Positions, gaps and epochs of one reading, by partition slot.

    With `once` a pass: what lies below its position has been read and comes again only after a truncation, so it is
    left out. A group may be given the same offset many times.
    """

    def __init__(self, places: Interner, *, once: bool) -> None:
        self._places, self._once = places, once
        self.position: Numbers = np.zeros(0, np.int64)
        self.at_end: Numbers = np.zeros(0, np.int64)
        self.floor: Numbers = np.zeros(
            0, np.int64
        )  # from here to the position it has read every offset, -1: nothing yet
        self.start: Numbers = np.zeros(0, np.int64)  # where it was first put, -1: nowhere yet
        self._epoch: Numbers = np.zeros(0, np.int64)
        self.gaps: dict[int, list[tuple[int, int]]] = {}  # offsets start..end-1 that were gone before they were read
        self._epochs: dict[int, list[tuple[int, int]]] = {}

    def fit(self) -> None:
        """The columns cover every partition that is known by now."""
        size = len(self._places)
        self.position, self.at_end = fitted(self.position, size), fitted(self.at_end, size)
        self.start = fitted(self.start, size, -1)
        self.floor, self._epoch = fitted(self.floor, size, -1), fitted(self._epoch, size, -2)

    def admit(self, part: Part) -> tuple[Table, list[tuple[int, int]]]:
        """Take a part's positions; returns its FOUND rows not read before, and forks (place, offset): what this
        reading had found at or behind that offset is no longer in the log."""
        found, slots = part.found, self._places.slots(place_keys(part.found))
        self._places.slots(place_keys(part.positions))
        self._places.slots(place_keys(part.incidents))
        self.fit()
        fresh = found["first_offset"] >= self.position[slots] if self._once else np.ones(len(found), np.bool_)
        forks = self._incidents(part.incidents)
        if self._once and forks:
            found, fresh = self._divide(
                found, slots, fresh, {slot: (at, self._told(part, slot)) for slot, at in forks.items()}
            )
        found, slots = found[fresh], slots[fresh]
        self._note_epochs(found, slots)
        self._move(part, found, slots)
        return found, [(int(self._places.values[slot]), offset) for slot, offset in forks.items()]

    def _incidents(self, incidents: Table) -> dict[int, int]:
        forks: dict[int, int] = {}
        for row in incidents[np.isin(incidents["kind"], (Kind.TRUNCATED, Kind.EXPIRED))]:
            slot, offset = int(self._places.known(place_keys(row.reshape(1)))[0]), int(row["offset"])
            if row["kind"] == Kind.EXPIRED:
                self._skip(slot, offset, int(row["count"]))
            elif offset < self.position[slot] or row["count"] > 0:
                forks[slot] = min(offset, forks.get(slot, offset))
                self.position[slot] = min(offset, self.position[slot])
                self.floor[slot] = offset
        return forks

    def _skip(self, slot: int, offset: int, count: int) -> None:
        start = max(offset - count, 0)
        if offset > start and (not self._once or offset > self.position[slot]):
            self.gaps.setdefault(slot, []).append((start, offset))
            self.position[slot] = max(self.position[slot], offset)
            self.floor[slot] = offset

    def _divide(self, found: Table, slots: Slots, fresh: Mask, forks: dict[int, tuple[int, int]]) -> tuple[Table, Mask]:
        """A part with forks (offset, position told at its end) holds rows from before and behind them: the latter have
        the newest epoch and end below the position; of the former counts what lies below the fork."""
        found, fresh = found.copy(), fresh.copy()
        for slot, (offset, told) in forks.items():
            mine = np.flatnonzero(slots == slot)
            rows = found[mine]
            newest = rows["epoch"] == rows["epoch"].max(initial=-1)
            behind = (rows["first_offset"] >= offset) & newest & (rows["last_offset"] < told)
            fresh[mine] = behind | (fresh[mine] & (rows["first_offset"] < offset))
            across = mine[rows["first_offset"] < offset]
            found[across] = before_offset(found[across], offset)
        return found, fresh

    def _told(self, part: Part, slot: int) -> int:
        told = part.positions["position"][self._places.known(place_keys(part.positions)) == slot]
        return int(told.max(initial=0))

    def _move(self, part: Part, found: Table, slots: Slots) -> None:
        untouched = self.floor < 0
        if len(slots):
            np.maximum.at(self.position, slots, found["last_offset"] + 1)
            self._lay_floor(slots, found["first_offset"], untouched)
        told = self._places.known(place_keys(part.positions))
        self._lay_floor(told, part.positions["position"], untouched)
        self.at_end[told] = part.positions["at_end"] & (part.positions["position"] >= self.position[told])
        np.maximum.at(self.position, told, part.positions["position"])
        self.start = np.where(self.start < 0, self.floor, self.start)

    def _lay_floor(self, slots: Slots, offsets: Numbers, untouched: Mask) -> None:
        # Only where nothing had been read before this part.
        mask = untouched[slots]
        if mask.any():
            for slot, offset in zip(slots[mask].tolist(), offsets[mask].tolist(), strict=True):
                self.floor[slot] = offset if self.floor[slot] < 0 else min(self.floor[slot], offset)

    def _note_epochs(self, found: Table, slots: Slots) -> None:
        for row in np.flatnonzero(found["epoch"] != self._epoch[slots]).tolist():
            slot, epoch = int(slots[row]), int(found["epoch"][row])
            if epoch > self._epoch[slot]:
                self._epoch[slot] = epoch
                known = self._epochs.setdefault(slot, [])
                offset = int(found["first_offset"][row])
                self._epochs[slot] = [*(entry for entry in known if entry[0] < offset), (offset, epoch)]

    def epoch_at(self, place: int, offset: int) -> int:
        """The leader epoch in which this reading last saw that offset; -1 where it saw none."""
        slot = int(self._places.known(np.array([place], np.uint64))[0])
        if slot >= len(self.position) or offset >= self.position[slot]:
            return -1
        return max((epoch for start, epoch in self._epochs.get(slot, []) if start <= offset), default=-1)

    def expire(self, place: int, start: int) -> None:
        """The log starts at `start`: what this reading had not come to below it, it never will."""
        slot = int(self._places.slots(np.array([place], np.uint64))[0])
        self.fit()
        if 0 <= self.position[slot] < start:
            self._skip(slot, start, start - int(self.position[slot]))

    def positions(self, keys: Keys) -> Numbers:
        """The position in each of these partitions (place keys)."""
        slots = self._places.slots(keys)
        self.fit()
        return self.position[slots]
