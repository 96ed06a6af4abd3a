"""What a thousand workers cost the driver, as it was measured: saved, and told as a part of the report."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from benchmarks.figures import RESULTS, Spread, Target
from benchmarks.saved import load, save

THOUSAND: Final = RESULTS / "thousand.json"
ANSWERS: Final = "answers"  # workers that answered in time
PARTS: Final = {
    "wall": "the round, wall time",
    "driver": "CPU of the driver, all threads",
    "loop": "of it the event loop: booking, judging, folding",
    "take": "of it taking tallies into the accounts",
    "settle": "of it settling",
    "balance": "of it the balance",
    "sinks": "of it promises and series",
}
# Whatever is in a log is one of these. Nobody heard who owns the client of a worker that was lost before it first spoke.
_FOUND: Final = ("found", "unknown found", "unreported found", "unowned")
_GONE: Final = ("lost", "pending", "unaudited")
COUNTS: Final = ("attempted", "acknowledged", "unknown", *_FOUND, *_GONE)


@dataclass(frozen=True, slots=True)
class ThousandResult:
    """`rounds` and `frozen` are milliseconds by part (and ANSWERS), one a round: undisturbed, and from the freezing of a node on.
    `counts` are the balance in the end, `written` what the logs hold, `tails` what the lost left without an outcome; `findings` are those
    beside the unowned, and what does not add up."""

    about: Mapping[str, str]
    workers: int
    processes: int
    partitions: int
    trailing: float  # seconds
    cores: float  # of the driver, over the undisturbed rounds
    rounds: Mapping[str, Sequence[float]]
    frozen: Mapping[str, Sequence[float]]
    silenced: int  # seats in the frozen node
    buried: int
    counts: Mapping[str, int]
    written: int
    tails: int
    findings: int

    @property
    def exact(self) -> bool:
        """Whether every record of every log has one place in the balance, and nothing is lost but what tails bound."""
        whole = self.written == sum(self.counts[name] for name in _FOUND)
        nothing = not any(self.counts[name] for name in _GONE) and not self.findings
        told = self.counts["acknowledged"] == self.counts["found"] and self.counts["unknown"] == self.tails
        return whole and nothing and told

    @property
    def targets(self) -> list[Target]:
        """What the driver must keep."""
        frozen = [milliseconds / 1e3 for milliseconds in self.frozen["wall"]]
        walls = [milliseconds / 1e3 for milliseconds in self.rounds["wall"]]
        return [
            Target("driver, cores", 0.5, Spread.of([self.cores])),
            Target("a round, s", 1.0, Spread.of(walls)),
            Target("a round while a node is frozen, longest, s", 1.0, Spread.of([max(frozen)])),
        ]

    def lines(self) -> Iterator[str]:
        """The result as a part of the report."""
        verdict = "**exact**" if self.exact else "**not exact**"
        yield f"{self.workers:,} stub workers in {self.processes} processes, one in ten an auditor, each asked by a call of its own over Ray;"
        yield f"{self.partitions:,} partitions with four writers each, the second pass {self.trailing:g} s behind. {'; '.join(self.about.values())}."
        yield "The stubs share the cores with the driver, so a round's wall time is mostly theirs."
        yield ""
        yield "| | at most | measured: median (least to most) | |"
        yield "| --- | --- | --- | --- |"
        for target in self.targets:
            met = "met" if target.met else "**not met**"
            yield f"| {target.name} | {target.limit} | {target.measured.text()} | {met} |"
        yield ""
        yield "| a round | median, ms | most, ms |"
        yield "| --- | --- | --- |"
        for part, name in PARTS.items():
            spread = Spread.of(list(self.rounds[part]))
            yield f"| {name} | {spread.middle:,.0f} | {spread.most:,.0f} |"
        answers = Spread.of(list(self.rounds[ANSWERS]))
        yield f"| workers that answered in time (least: {answers.least:,.0f}) | {answers.middle:,.0f} | {answers.most:,.0f} |"
        yield ""
        rounds = ", ".join(f"{milliseconds:,.0f}" for milliseconds in self.frozen["wall"])
        yield f"One process frozen with its {self.silenced} workers: rounds of {rounds} ms, {self.buried} buried and replaced, {self.tails:,}"
        yield f"records left without an outcome; thawed, and drained: {verdict}."
        yield ""
        yield f"| {' | '.join(COUNTS)} | in the logs | findings |"
        yield "| --- " * (len(COUNTS) + 2) + "|"
        yield f"| {' | '.join(f'{self.counts[name]:,}' for name in COUNTS)} | {self.written:,} | {self.findings} |"

    def save(self, path: Path) -> None:
        """The result is there as JSON."""
        save(self, path)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Raises OSError where there is no such file."""
        return cls(**load(path))
