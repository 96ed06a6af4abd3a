"""Where logs start, since when, and which records went before their time."""

from collections.abc import Iterator, Sequence

import numpy as np

from actors.intervals import Segments
from actors.tally import Table
from marathon_ray.evidence import among
from marathon_ray.stretch import NONE, between_offsets, in_place, together


class LogStarts:
    """For each partition the start offsets and the wall clock (ns) at which each was first known, both ascending."""

    def __init__(self) -> None:
        self._known: dict[int, list[tuple[int, int]]] = {}

    def note(self, place: int, offset: int, at: int) -> None:
        """The log started at `offset` at that time; a start that is not new is no news."""
        known = self._known.setdefault(place, [])
        if offset > (known[-1][0] if known else 0):
            known.append((offset, at))

    def forget(self, place: int, offset: int) -> None:
        """No claim below `offset` is left to be judged; one older start is kept as the lower end."""
        known = self._known.get(place, [])
        while len(known) > 1 and known[1][0] <= offset:
            del known[0]

    def places(self) -> Iterator[tuple[int, int]]:
        """(place, newest start) of each partition whose log moved."""
        yield from ((place, known[-1][0]) for place, known in self._known.items() if known)

    @property
    def rows(self) -> int:
        """How many starts are kept."""
        return sum(map(len, self._known.values()))

    def early(self, expired: Segments, claims: Table, place: int, retention: int) -> Table:
        """The claims of expired records of a partition that were younger than `retention` (ns) when they went."""
        rows = np.full(len(expired), -1, NONE.dtype)
        rows["key"], rows["first"], rows["last"] = expired.key, expired.first, expired.last
        gone = among(claims[in_place(claims, place)], rows[in_place(rows, place)])
        known = self._known.get(place, [])
        blind = gone[gone["first_offset"] < 0]  # it may have gone at any start, so at the latest
        parts, start = [NONE, *(blind[at - blind["since"] < retention] for _, at in known[-1:])], 0
        for end, at in known:
            mine = between_offsets(gone, start, end)
            parts.append(mine[at - mine["since"] < retention])
            start = end
        return together(parts)

    def read_and_gone(self, place: int, unread: Sequence[tuple[int, int]]) -> tuple[int, int, int]:
        """How many offsets of a partition are gone but for those (start..end-1) that were `unread`; below which one they
        are, and since when."""
        start, at = self._known[place][-1]
        missed, reached = 0, 0
        for first, end in sorted(unread):
            missed += max(0, min(end, start) - max(first, reached))
            reached = max(reached, min(end, start))
        return start - missed, start, at
