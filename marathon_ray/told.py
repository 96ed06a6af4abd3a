"""Where every reading stands by its own word, and whether the log ended there."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, TypeAlias

Place: TypeAlias = tuple[int, int]  # topic's ordinal, partition
Row: TypeAlias = tuple[str, int, int, int, bool]  # reading, topic, partition, position, at end

PASSES: Final = ("first", "second")


class Told:
    """The newest word of each reading (a pass, or a group) on each partition."""

    def __init__(self) -> None:
        self._stands: dict[str, dict[Place, tuple[int, bool]]] = {}

    def take(self, rows: Iterable[Row]) -> None:
        """Newer words."""
        for reading, topic, partition, position, at_end in rows:
            self._stands.setdefault(reading, {})[topic, partition] = position, at_end

    def begin_drain(self) -> None:
        """What the passes said of ends before now does not count."""
        for reading in PASSES:
            self._stands.pop(reading, None)

    def lag(self, group: str, places: Iterable[Place]) -> int:
        """Records between where the group stands in these partitions and where the first pass has come to."""
        first, mine = self._stands.get(PASSES[0], {}), self._stands.get(group, {})
        ends = ((place, first.get(place, (0, False))[0]) for place in places)
        return sum(max(0, end - max(0, mine.get(place, (0, False))[0])) for place, end in ends)

    def short(self, reading: str, ends: Mapping[Place, int]) -> dict[Place, int]:
        """Where the reading stands in those of these partitions of which it has not said that they end there, and that it has
        come to there. One that stands beyond has not noticed yet that the log was cut."""
        mine = self._stands.get(reading, {})
        stands = {place: mine.get(place, (0, False)) for place in ends}
        return {place: stands[place][0] for place, end in ends.items() if end and stands[place] != (end, True)}

    def drained(self, ends: Mapping[Place, int]) -> bool:
        """Whether both passes have said of each of these partitions that it ends there, and that they have come to there."""
        return not any(self.short(reading, ends) for reading in PASSES)

    def unread(self, ends: Mapping[Place, int], ordinals: Mapping[str, int]) -> Iterator[str]:
        """What the passes lack to be there, a phrase for each partition; `ordinals` of topics by their names."""
        names = {ordinal: name for name, ordinal in ordinals.items()}
        for reading in PASSES:
            for (topic, partition), stands in self.short(reading, ends).items():
                end = ends[topic, partition]
                yield f"the {reading} pass read {names[topic]}-{partition} to {stands} of {end} and found no end there"

    def beyond(self, reading: str, ends: Mapping[Place, int]) -> bool:
        """Whether the reading has come to these ends, or further."""
        mine = self._stands.get(reading, {})
        return all(mine.get(place, (0, False))[0] >= end for place, end in ends.items())
