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
BUSY: Final = 0.85  # of a core, above which a process had no time
SHORT: Final = 10.0  # s that workers of a fleet may be missing
DEBT: Final = 10.0  # s of its schedule that a producer owes at most after an outage (the patience of `actors.pace`)
_LATE_FROM: Final = int(latency.buckets(np.array([round(LATE * 1e6)]))[0]) + 1


@plain(frozen=True, slots=True)
class FleetPace:
    """A fleet's records by when they began, outside faults: all, and those that began late in a process without time.
    `missing` are seconds in a row with too few workers, up to now and at most."""

    records: int = 0
    late: int = 0
    busiest: float = 0.0
    missing: float = 0.0
    longest: float = 0.0

    @property
    def share(self) -> float:
        """How many of its records began late."""
        return self.late / self.records if self.records else 0.0


@plain(frozen=True, slots=True)
class Bench:
    """Every fleet's pace, and the second of the run from which on an outage is no excuse any more."""

    paces: Mapping[str, FleetPace] = field(default_factory=dict)
    quiet: float = 0.0


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class GeneratorHonest:
    """The bench kept its own schedule: outside faults, no more than one record in a hundred began more than a second late
    in a process that had no time left, and no fleet was short of workers for more than ten seconds.

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
        if round_.faults or round_.phase is not Phase.WORKLOAD or round_.since < quiet:
            paces = {name: replace(pace, missing=0.0) for name, pace in state.paces.items()}
            return Bench(paces, quiet)
        paces = {
            name: _paced(state.paces.get(name, FleetPace()), doing, round_) for name, doing in round_.fleets.items()
        }
        return Bench({**state.paces, **paces}, quiet)

    def verdict(self, state: Bench, ending: Ending) -> Verdict:  # noqa: ARG002 - rounds have told all
        """By what was seen so far."""
        broken = [sentence for name, pace in state.paces.items() for sentence in _complaints(name, pace)]
        share = max((pace.share for pace in state.paces.values()), default=0.0)
        longest = max((pace.longest for pace in state.paces.values()), default=0.0)
        kept = f"{percent(share)} of a fleet's records began late for want of time; workers missed for {took(longest)}"
        return Verdict(
            promise=call(self),
            demanded="the bench kept its own schedule",
            found="; ".join(broken) or (kept if state.paces else "nothing was seen outside faults"),
            state="failed" if broken else "passed" if state.paces else "undecided",
            figures={"late": share, "short of workers": longest},
        )


def _paced(pace: FleetPace, doing: Doing, round_: Round) -> FleetPace:
    lags = doing.latencies.get("lag", latency.empty())
    busy = doing.busiest > BUSY
    missing = pace.missing + round_.seconds if doing.workers < doing.wanted else 0.0
    return FleetPace(
        records=pace.records + int(lags.sum()),
        late=pace.late + (int(lags[_LATE_FROM:].sum()) if busy else 0),
        busiest=max(pace.busiest, doing.busiest),
        missing=missing,
        longest=max(pace.longest, missing),
    )


def _complaints(name: str, pace: FleetPace) -> Iterator[str]:
    if pace.share > SHARE:
        yield (
            f"{name} began {percent(pace.share)} of their records more than {took(LATE)} late, "
            f"with {percent(pace.busiest)} of a core in use"
        )
    if pace.longest > SHORT:
        yield f"{name} were short of workers for {took(pace.longest)}"
