"""Whether a group catches up in time with those that write."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass as plain
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, ClassVar, Final

import numpy as np
from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from actors.spec import Consumers, Transactors
from actors.units import Duration
from marathon_ray.promises.promise import Declared, Ending, Verdict, state_of
from marathon_ray.promises.wording import call, took, undeclared
from marathon_ray.round import Phase, Round

_OVER: Final = (Phase.DRAIN, Phase.CLEANUP)


@plain(frozen=True, slots=True)
class Chase:
    """How a fleet has come along: seconds of the run (since `began`, caught up at `reached`, last seen at `seen`),
    records that it has read, its last lag and its greatest (-1: none was seen). `short` are seconds in which the bench
    lacked workers."""

    topics: tuple[int, ...]
    began: float | None = None
    reached: float | None = None
    seen: float = 0.0
    read: int = 0
    lag: int = -1
    worst: int = -1
    short: float = 0.0

    @property
    def spent(self) -> float:
        """Seconds of the group's own."""
        if self.began is None:
            return 0.0
        return (self.seen if self.reached is None else self.reached) - self.began - self.short


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Drained:
    """The group of a fleet has caught up within that time after the fleet's start: it has read something, and lags no
    further behind than what was acknowledged in one round.

    Time is told by whole rounds, which can make it longer by two of them at most; while the bench lacks workers it stands
    still. Once the workload is over nobody writes
    any more, so to be drained then is no feat and does not count.
    """

    safety: ClassVar[bool] = False
    fleet: str
    within: Annotated[Duration, Field(gt=0)]

    if TYPE_CHECKING:

        def __init__(self, fleet: str, *, within: str | float) -> None: ...

    def mistakes(self, declared: Declared) -> Iterator[str]:
        """An unknown fleet, and one without a group."""
        yield from undeclared("fleet", [self.fleet], declared.fleets)
        fleet = declared.fleets.get(self.fleet)
        if fleet is not None and not isinstance(fleet, Consumers | Transactors):
            yield f"{self.fleet} are {type(fleet).__name__}, which have no group that could catch up"

    def begin(self, declared: Declared, ordinals: Mapping[str, int]) -> Chase:
        """Not started yet. Raises TypeError on a fleet without a group."""
        fleet = declared.fleets[self.fleet]
        if not isinstance(fleet, Consumers | Transactors):
            raise TypeError(f"{self.fleet} are {type(fleet).__name__}, which have no group")
        return Chase(tuple(ordinals[topic] for topic in fleet.of))

    def step(self, state: Chase, round_: Round) -> Chase:
        """With one more round, until it has caught up."""
        doing, lag = round_.fleets.get(self.fleet), round_.lag.get(self.fleet)
        started = state.began is not None or (doing is not None and doing.wanted > 0)
        if state.reached is not None or round_.phase in _OVER or not started:
            return state
        read = state.read + (doing.counts.get("read", 0) if doing is not None else 0)
        ours = np.isin(round_.acks["topic"], state.topics)
        near = lag is not None and read > 0 and lag <= int(round_.acks["count"][ours].sum())
        return replace(
            state,
            began=round_.since if state.began is None else state.began,
            reached=round_.until if near else None,
            seen=round_.until,
            read=read,
            lag=state.lag if lag is None else lag,
            worst=max(state.worst, -1 if lag is None else lag),
            short=state.short + (round_.seconds if round_.short else 0.0),
        )

    def verdict(self, state: Chase, ending: Ending) -> Verdict:  # noqa: ARG002 - rounds have told all
        """Failed as soon as the time is over; undecided while it is not."""
        spent = state.spent
        in_time = spent <= self.within
        kept = None if state.reached is None and in_time else in_time
        return Verdict(
            promise=call(self, self.fleet),
            demanded=f"{self.fleet} have caught up within {took(self.within)}",
            found=self._found(state, spent),
            state=state_of(kept),
            figures={"seconds": spent, "read": state.read, "lag": state.lag, "greatest lag": state.worst},
            promised=took(self.within),
        )

    def _found(self, state: Chase, spent: float) -> str:
        if state.began is None:
            return f"{self.fleet} were never started"
        if state.reached is not None:
            return f"caught up in {took(spent)}, from {state.worst:,} records behind"
        lag = "how far behind is not known" if state.lag < 0 else f"{state.lag:,} records behind"
        return f"not caught up in {took(spent)}: {state.read:,} read, {lag}"
