"""What was measured: samples by series and client, round by round, and what they say."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final, Self

from benchmarks.job import Sample
from benchmarks.saved import load, save

RESULTS: Final = Path(__file__).parent / "results"


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of a few repetitions, and their extremes."""

    middle: float
    least: float
    most: float

    @classmethod
    def of(cls, values: list[float]) -> Self:
        """Raises StatisticsError on no values."""
        return cls(median(values), min(values), max(values))

    def text(self, digits: int = 2) -> str:
        """As "0.35 (0.33 to 0.41)"."""
        return f"{self.middle:.{digits}f} ({self.least:.{digits}f} to {self.most:.{digits}f})"


@dataclass(frozen=True, slots=True)
class Target:
    """What a figure must not exceed."""

    name: str
    limit: float
    measured: Spread

    @property
    def met(self) -> bool:
        """Whether the median is at the limit or below."""
        return self.measured.middle <= self.limit


@dataclass(frozen=True, slots=True)
class Figures:
    """`series[name][client]` has one sample a round: clients of one series took turns, so rounds compare in pairs."""

    about: Mapping[str, str]  # machine, versions, date
    loads: tuple[float, ...]  # load averages seen before each round
    series: Mapping[str, Mapping[str, tuple[Sample, ...]]]

    def micros(self, series: str, client: str) -> Spread:
        """CPU a record, µs."""
        return Spread.of([sample.micros for sample in self.series[series][client]])

    def ratio(self, left: tuple[str, str], right: tuple[str, str]) -> Spread:
        """CPU a record of one (series, client) over another's, round by round."""
        pairs = zip(self._samples(left), self._samples(right), strict=True)
        return Spread.of([ours.micros / theirs.micros for ours, theirs in pairs])

    def _samples(self, of: tuple[str, str]) -> tuple[Sample, ...]:
        return self.series[of[0]][of[1]]

    def save(self, path: Path) -> None:
        """The figures are there as JSON."""
        save(self, path)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Raises OSError where there is no such file."""
        values = load(path)
        series = {
            name: {client: tuple(Sample.parse(sample) for sample in samples) for client, samples in clients.items()}
            for name, clients in values["series"].items()
        }
        return cls(values["about"], tuple(values["loads"]), series)
