"""How far one reading (an auditor's pass or a group) came in each partition, and what it could not read."""

from dataclasses import replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from actors.intervals import Keys, Numbers
from actors.tally import BLOCK, Kind, Part, Table
from marathon_ray.fork import Fork, standing
from marathon_ray.interner import Interner, Slots, fitted
from marathon_ray.stretch import from_offset, place_keys

Mask: TypeAlias = NDArray[np.bool_]


class Reach:
    """Positions, gaps and epochs of one reading, by partition slot.

    With `once` a pass: what lies below its position has been read and comes again only after a truncation, so it is
    left out. A group may be given the same offset many times.
    """

    def __init__(self, places: Interner, *, once: bool, block: int = BLOCK) -> None:
        self._places, self._once, self._block = places, once, block
        self.position: Numbers = np.zeros(0, np.int64)
        self.at_end: Numbers = np.zeros(0, np.int64)
        self.floor: Numbers = np.zeros(0, np.int64)  # up to the position it has read all from here; -1: nothing yet
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

    def admit(self, part: Part) -> tuple[Table, list[Fork]]:
        """Take a part's positions; returns its FOUND rows not read before that stand, and the forks it tells of."""
        found, slots = part.found, self._places.slots(place_keys(part.found))
        self._places.slots(place_keys(part.positions))
        self._places.slots(place_keys(part.incidents))
        self.fit()
        position = self.position[slots]
        forks = self._incidents(part.incidents)
        if self._once:
            fresh = found["last_offset"] >= position
            for fork in forks:
                mine = place_keys(found) == fork.place
                fresh[mine] = standing(found[mine], fresh[mine], fork, told_position(part, fork.place))
                position = np.where(mine, np.minimum(position, fork.base), position)
            found, slots = from_offset(found[fresh], position[fresh]), slots[fresh]
        self._note_epochs(found, slots)
        self._move(part, found, slots)
        return found, forks

    def _incidents(self, incidents: Table) -> list[Fork]:
        forks: dict[int, Fork] = {}
        for row in incidents[np.isin(incidents["kind"], (Kind.TRUNCATED, Kind.EXPIRED))]:
            place, offset = int(place_keys(row.reshape(1))[0]), int(row["offset"])
            slot = int(self._places.known(np.array([place], np.uint64))[0])
            if row["kind"] == Kind.EXPIRED:
                start, fork = offset - int(row["count"]), forks.get(place)
                if fork:  # below the cut it had read before what it now cannot read again: that stands
                    forks[place] = replace(fork, base=max(fork.base, min(offset, fork.cut)))
                    start = max(start, fork.cut)
                self._skip(slot, offset, offset - start)
                self.floor[slot] = max(self.floor[slot], offset)
            else:
                cut, end = offset, offset + int(row["count"])
                if place in forks:
                    cut, end = min(cut, forks[place].cut), max(end, forks[place].end)
                forks[place] = Fork(place, cut // self._block * self._block, cut, end)
                self.position[slot] = self.floor[slot] = min(forks[place].base, self.position[slot])
        return list(forks.values())

    def _skip(self, slot: int, offset: int, count: int) -> None:
        start = max(offset - count, 0)
        if offset > start and (not self._once or offset > self.position[slot]):
            self.gaps.setdefault(slot, []).append((start, offset))
            self.position[slot] = max(self.position[slot], offset)
            self.floor[slot] = offset

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


def told_position(part: Part, place: int) -> int:
    """The position that a part tells of a partition; 0 where it tells none."""
    told = part.positions["position"][place_keys(part.positions) == place]
    return int(told.max(initial=0))
