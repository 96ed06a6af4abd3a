"""Whether the bench itself was fast enough and whole: if not, the run says nothing of its target."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass as plain
from dataclasses import field, replace
from typing import ClassVar, Final

import numpy as np
from pydantic import ConfigDict
from pydantic.dataclasses import dataclass

from actors import latency
from marathon_ray.promises.promise import Declared, Ending, Verdict
from marathon_ray.promises.wording import call, percent, took
from marathon_ray.round import Doing, Phase, Round

LATE: Final = 1.0  # s behind its schedule
SHARE: Final = 0.01  # of a fleet's records that may begin so late
BUSY: Final = 0.85  # of a core, or of a node's processors, above which a process, or all of the node's, had no time
SHORT: Final = 0.5  # of the workload, in which the bench may have lacked workers
DEBT: Final = 10.0  # s of its schedule that a producer owes at most after an outage (the patience of `actors.pace`)
_LATE_FROM: Final = int(latency.buckets(np.array([round(LATE * 1e6)]))[0]) + 1


@plain(frozen=True, slots=True)
class FleetPace:
    """A fleet's records by when they began, outside faults: all, and those that began late without time, in a process or on
    a node; and how busy these were then at most."""

    records: int = 0
    late: int = 0
    busiest: float = 0.0
    full: float = 0.0

    @property
    def share(self) -> float:
        """How many of its records began late."""
        return self.late / self.records if self.records else 0.0


@plain(frozen=True, slots=True)
class Bench:
    """Every fleet's pace, the second of the run from which on an outage is no excuse any more, and for how long the workload
    has gone on, by fleet also while the bench lacked its workers (s)."""

    paces: Mapping[str, FleetPace] = field(default_factory=dict)
    quiet: float = 0.0
    seconds: float = 0.0
    short: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class GeneratorHonest:
    """The bench kept its own schedule: outside faults, no more than one record in a hundred began more than a second late
    in a process that had no time left, or on nodes that the bench's own workers filled; and no fleet lacked workers, or still
    made up for it, in half of the workload. What is measured while one does counts for no rate and no latency.

    What a fault keeps from being sent is owed for ten seconds more; so long after it nothing is looked at. A broken one
    makes a run invalid: it is not the target that was slow.
    """

    safety: ClassVar[bool] = False

    def mistakes(self, declared: Declared) -> Iterator[str]:  # noqa: ARG002 - it names nothing
        """None."""
        return iter(())

    def begin(self, declared: Declared, ordinals: Mapping[str, int]) -> Bench:  # noqa: ARG002 - all fleets are looked at
        """Nothing was seen yet."""
        return Bench()

    def step(self, state: Bench, round_: Round) -> Bench:
        """With one more round of the workload."""
        quiet = round_.until + DEBT if round_.faults else state.quiet
        if round_.phase is not Phase.WORKLOAD:
            return replace(state, quiet=quiet)
        short = {**state.short, **{name: state.short.get(name, 0.0) + round_.seconds for name in round_.short}}
        state = replace(state, quiet=quiet, seconds=state.seconds + round_.seconds, short=short)
        if round_.faults or round_.since < quiet:
            return state
        paces = {name: _paced(state.paces.get(name, FleetPace()), doing) for name, doing in round_.fleets.items()}
        return replace(state, paces={**state.paces, **paces})

    def verdict(self, state: Bench, ending: Ending) -> Verdict:  # noqa: ARG002 - rounds have told all
        """By what was seen so far."""
        broken = list(_complaints(state))
        share = max((pace.share for pace in state.paces.values()), default=0.0)
        lacked = max(state.short.values(), default=0.0)
        whole = f"; it lacked workers for {took(lacked)} of {took(state.seconds)}" if lacked else ""
        kept = f"{percent(share)} of a fleet's records began late for want of time{whole}"
        return Verdict(
            promise=call(self),
            demanded="the bench kept its own schedule",
            found="; ".join(broken) or (kept if state.paces else "nothing was seen outside faults"),
            state="failed" if broken else "passed" if state.paces else "undecided",
            figures={"late": share, "short of workers": lacked},
            promised=f"at most {percent(SHARE)}",
        )


def _paced(pace: FleetPace, doing: Doing) -> FleetPace:
    lags = doing.latencies.get("lag", latency.empty())
    late = int(lags[_LATE_FROM:].sum()) if max(doing.busiest, doing.full) > BUSY else 0
    return FleetPace(
        records=pace.records + int(lags.sum()),
        late=pace.late + late,
        busiest=max(pace.busiest, doing.busiest if late else 0.0),
        full=max(pace.full, doing.full if late else 0.0),
    )


def _complaints(state: Bench) -> Iterator[str]:
    for name, pace in state.paces.items():
        if pace.share > SHARE:
            used = f"{percent(pace.busiest)} of a core" if pace.busiest > BUSY else f"{percent(pace.full)} of a node"
            yield f"{name} began {percent(pace.share)} of their records more than {took(LATE)} late, with {used} in use"
    for name, lacked in state.short.items():
        if lacked > SHORT * state.seconds:
            yield f"{name} lacked workers, or made up for it, for {took(lacked)} of {took(state.seconds)}"
