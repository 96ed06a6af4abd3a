"""What came of interrupting runs: saved, and told as a part of the report."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from benchmarks.figures import RESULTS
from benchmarks.machine import in_a_line
from benchmarks.saved import load, save
from marathon_ray.round import Phase

INTERRUPTIONS: Final = RESULTS / "interruptions.json"
PHASES: Final = ("before", "begin", *Phase)


@dataclass(frozen=True, slots=True)
class Interruption:
    """One run of that scenario which got a signal `after` so many seconds, with its exit code, and what was left of it."""

    scenario: str
    how: str
    after: float
    phase: str
    code: int
    left: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class InterruptionsResult:
    """All of them, in their order."""

    about: Mapping[str, str]  # machine, versions, date
    interruptions: tuple[Interruption, ...]

    def summary(self) -> str:
        """All of it in one line."""
        codes = Counter(f"{one.how} {one.code}" for one in self.interruptions)
        ends = ", ".join(f"{count} by {end}" for end, count in codes.items())
        return f"{self._dirty} of {len(self.interruptions)} left something; they ended, by signal and exit code: {ends}"

    @property
    def _dirty(self) -> int:
        return sum(bool(one.left) for one in self.interruptions)

    def lines(self) -> Iterator[str]:
        """The result as a part of the report."""
        scenarios = " and ".join(sorted({one.scenario for one in self.interruptions}))
        yield f"Runs of {scenarios} get a signal at a random moment, and after SIGKILL `marathon reclaim`. Then nothing may be left: no process,"
        yield "topic, group, broker that is down or stands still, file for a while, nor an open entry of a journal."
        yield f"{in_a_line(self.about)}."
        yield ""
        yield "| signal | phase | times | left something |"
        yield "| --- " * 4 + "|"
        times = Counter((one.how, one.phase) for one in self.interruptions)
        dirty = Counter((one.how, one.phase) for one in self.interruptions if one.left)
        for how, phase in sorted(times, key=lambda each: (each[0], PHASES.index(each[1]))):
            yield f"| {how} | {phase} | {times[how, phase]} | {dirty[how, phase]} |"
        yield ""
        yield f"{self.summary()}. None may: {'**not met**' if self._dirty else 'met'}."

    def save(self, path: Path) -> None:
        """The result is there as JSON."""
        save(self, path)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Raises OSError where there is no such file."""
        values = load(path)
        made = (Interruption(**{**each, "left": tuple(each["left"])}) for each in values["interruptions"])
        return cls(values["about"], tuple(made))
