"""What readers and clients met beside records: counted by kind, and where it is a fault by itself, a finding."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final

from actors.tally import Kind, Part
from marathon_ray.finding import Finding, FindingKind

_FAULTS: Final[Mapping[Kind, FindingKind]] = {
    Kind.CORRUPT: FindingKind.CORRUPT,
    Kind.SHORT: FindingKind.SHORT,
    Kind.MISPLACED: FindingKind.MISPLACED,
    Kind.POISON: FindingKind.POISON,
    Kind.REWOUND: FindingKind.REWOUND,
}
_PASSES: Final = ("first", "second")


class Incidents:
    """Incidents of a run. What both passes met at one offset is one fault; each group's are its own."""

    def __init__(self) -> None:
        self._met: set[tuple[FindingKind, int, int, int, str]] = set()
        self.counts: Counter[str] = Counter()

    def take(self, part: Part) -> Iterator[Finding]:
        """Count a part's incidents; yields the faults not met before."""
        reading = "" if part.reading in _PASSES else part.reading
        for row in part.incidents:
            kind = Kind(int(row["kind"]))
            self.counts[kind.name.lower()] += 1
            fault = _FAULTS.get(kind)
            if fault is not None:
                spot = (fault, int(row["topic"]), int(row["partition"]), int(row["offset"]), reading)
                if spot not in self._met:
                    self._met.add(spot)
                    yield Finding(
                        kind=fault, topic=spot[1], partition=spot[2], client=int(row["client"]), first=int(row["sequence"]),
                        last=int(row["sequence"]), first_offset=spot[3], last_offset=spot[3], since=int(row["at"]),
                        until=int(row["at"]), count=1, reading=reading,
                    )  # fmt: skip
