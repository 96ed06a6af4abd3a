"""What came of losing workers and nodes, as it was measured: saved, and told as a part of the report."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from benchmarks.figures import RESULTS, Spread, Target
from benchmarks.machine import in_a_line
from benchmarks.saved import load, save
from marathon_ray.rounds import SECONDS

LOSSES: Final = RESULTS / "losses.json"
RATE: Final = 2000  # records a second of all writers together
HEARD: Final = 2.0  # seconds from when Ray was told that a node goes until a successor is asked for
BACK: Final = 10.0  # seconds from when there is room again until all work at their rate
KINDS: Final = {
    "worker": "a worker's process is killed",
    "node": "a node is killed, with all workers on it",
    "drain": "a node is taken away with notice",
}


@dataclass(frozen=True, slots=True)
class Loss:
    """One run in which that happened: `noticed`, `back`, `rated` and `heard` in seconds, as in `losing.Lost`; records of the
    whole run."""

    kind: str
    noticed: float | None
    back: float | None
    rated: float
    deaths: int
    moved: int
    attempted: int
    unknown: int
    true: bool
    outcome: str
    heard: float | None = None

    @property
    def whole(self) -> float:
        """Until all worked again; infinite where they never did."""
        return math.inf if self.back is None else self.back


@dataclass(frozen=True, slots=True)
class LossesResult:
    """All losses, in their order."""

    about: Mapping[str, str]  # machine, versions, date
    losses: tuple[Loss, ...]

    @property
    def targets(self) -> list[Target]:
        """What each kind must keep, by its longest and its most."""
        made = []
        for kind, name in KINDS.items():
            if mine := [loss for loss in self.losses if loss.kind == kind]:
                longest = Spread.of([max(loss.whole for loss in mine)])
                made.append(Target(f"{name}: until all work again at their rate, longest, s", BACK, longest))
                made += _drained(name, mine) if kind == "drain" else [_tail(name, mine)]
        return made

    def summary(self) -> str:
        """All of it in one line."""
        within, rated = (
            sum(seconds <= BACK for seconds in each)
            for each in ([loss.whole for loss in self.losses], [loss.rated for loss in self.losses])
        )
        unknown, attempted = (sum(getattr(loss, name) for loss in self.losses) for name in ("unknown", "attempted"))
        return (
            f"{sum(loss.true for loss in self.losses)} of {len(self.losses)} lost no more than a tail; {within} back within {BACK:g} s"
            f" (longest {max(loss.whole for loss in self.losses):.1f} s), the rate alone {rated}; {sum(loss.deaths for loss in self.losses)} deaths,"
            f" {sum(loss.moved for loss in self.losses)} moved, {unknown:,} unknown of {attempted:,};"
            f" {dict(Counter(loss.outcome for loss in self.losses))}"
        )

    def lines(self) -> Iterator[str]:
        """The result as a part of the report."""
        yield f"Two writers ({RATE:,} records/s), two readers and two auditors on two Ray nodes of this machine; at a random moment one of them, or"
        yield f"whatever is on its node, goes. {in_a_line(self.about)}."
        yield ""
        yield "| | at most | measured | |"
        yield "| --- | --- | --- | --- |"
        for target in self.targets:
            yield f"| {target.name} | {target.limit:g} | {target.measured.most:.4g} | {'met' if target.met else '**not met**'} |"
        yield ""
        yield "| | times | noticed, s | all work again, s | died | moved | records | without an outcome | every record has one place, none is lost |"
        yield "| --- " * 9 + "|"
        for kind, name in KINDS.items():
            if mine := [loss for loss in self.losses if loss.kind == kind]:
                yield _row(name, mine)
        yield ""
        yield f"{self.summary()}."

    def save(self, path: Path) -> None:
        """The result is there as JSON."""
        save(self, path)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Raises OSError where there is no such file."""
        values = load(path)
        return cls(values["about"], tuple(Loss(**each) for each in values["losses"]))


def _tail(name: str, losses: list[Loss]) -> Target:
    """What was written since the last collect, at the rate of all writers, has no outcome at most."""
    most = Spread.of([float(max(loss.unknown for loss in losses))])
    return Target(f"{name}: records without an outcome in a run, most", RATE * SECONDS, most)


def _drained(name: str, losses: list[Loss]) -> Iterator[Target]:
    unknown = Spread.of([float(sum(loss.unknown for loss in losses))])
    yield Target(f"{name}: records without an outcome", 0.0, unknown)
    if heard := [loss.heard for loss in losses if loss.heard is not None]:
        yield Target(f"{name}: until a successor is asked for, longest, s", HEARD, Spread.of([max(heard)]))


def _row(name: str, losses: list[Loss]) -> str:
    noticed = [math.inf if loss.noticed is None else loss.noticed for loss in losses]
    counts = (sum(getattr(loss, of) for loss in losses) for of in ("deaths", "moved", "attempted", "unknown"))
    spreads = (Spread.of(noticed).text(1), Spread.of([loss.whole for loss in losses]).text(1))
    true = sum(loss.true for loss in losses)
    return f"| {' | '.join([name, str(len(losses)), *spreads, *(f'{count:,}' for count in counts), f'{true} of {len(losses)}'])} |"
