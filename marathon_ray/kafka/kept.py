"""How long a cluster keeps the records of a topic, by the settings in force there, whoever set them."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from actors.units import duration_text, size_text


@dataclass(frozen=True, slots=True)
class Kept:
    """A record may go at `age` (seconds) and beyond, and the oldest at any age where a partition holds more than `size`
    bytes. Infinite: never for that reason; None: the cluster does not say."""

    age: float | None = None
    size: float | None = None

    @property
    def is_known(self) -> bool:
        """Whether the cluster has said all of it."""
        return self.age is not None and self.size is not None

    def __str__(self) -> str:
        if not self.is_known:
            return "the cluster does not say how long it keeps records, so no record that is gone is excused"
        return "; ".join(self._reasons()) or "no record goes for its age, or because a log is full"

    def _reasons(self) -> Iterator[str]:
        if self.age is not None and math.isfinite(self.age):
            yield f"a record goes at an age of {duration_text(self.age)}"
        if self.size is not None and math.isfinite(self.size):
            yield f"one of any age goes where a partition holds more than {size_text(int(self.size))}"


def kept(settings: Mapping[str, str]) -> Kept:
    """By all settings of a topic that the cluster tells, its defaults included."""
    policy = settings.get("cleanup.policy")
    if policy is not None and "delete" not in [part.strip() for part in policy.split(",")]:
        return Kept(math.inf, math.inf)
    age = _limit(settings.get("retention.ms"))
    return Kept(None if age is None or policy is None else age / 1000, _limit(settings.get("retention.bytes")))


def _limit(value: str | None) -> float | None:
    """Kafka writes -1 where there is none."""
    if value is None:
        return None
    number = float(value)
    return math.inf if number < 0 else number
