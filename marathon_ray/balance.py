"""The balance: at every moment each record that was attempted stands in exactly one place."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from marathon_ray.finding import Counts, FindingKind

CLAIMED = ("acknowledged", "refused", "unknown")
AUDITED = ("found", "lost", "expired", "compacted", "unaudited")
LOSSES = (FindingKind.LOST, FindingKind.GONE)
_SUMS = (("attempted", (*CLAIMED, "pending")), ("acknowledged", AUDITED))


@dataclass(frozen=True, slots=True)
class Balance:
    """Counts by (topic, partition), and for each group its own.

    attempted = acknowledged + refused + unknown + pending; acknowledged = found + lost + expired + compacted + unaudited.
    `lost` are both those that no pass found and those that only the first did.
    """

    places: Counts
    groups: Mapping[str, Counts] = field(default_factory=dict)
    incidents: Mapping[str, int] = field(default_factory=dict)

    def total(self, name: str, group: str = "") -> int:
        """One count summed over all partitions; of a group where one is named."""
        counts = self.groups.get(group, {}) if group else self.places
        return sum(place.get(name, 0) for place in counts.values())

    def faults(self) -> Mapping[str, int]:
        """What does not add up: nothing, or the counts are wrong. By sentence, the difference."""
        sums = {}
        for place, counts in self.places.items():
            for whole, parts in _SUMS:
                gap = counts.get(whole, 0) - sum(counts.get(part, 0) for part in parts)
                if gap or min(counts.values()) < 0:
                    sums[f"{whole} of topic {place[0]} partition {place[1]}: {dict(counts)}"] = gap
        return sums
