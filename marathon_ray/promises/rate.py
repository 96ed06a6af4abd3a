"""Whether a fleet keeps its rate: a share of what its schedule asked for, or so much a second."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass as plain
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, ClassVar, Final, Self, TypeAlias

from pydantic import BeforeValidator, ConfigDict, model_validator
from pydantic.dataclasses import dataclass

from actors.spec import Consumers, Producers
from actors.units import Rate, parse_share
from marathon_ray.promises.promise import Declared, Ending, Verdict, state_of
from marathon_ray.promises.when import Faults, chosen, contradiction, phrase
from marathon_ray.promises.wording import call, percent, speed, undeclared
from marathon_ray.round import Round


@plain(frozen=True, slots=True)
class _Counts:
    """What a kind of fleet calls what it has done, in records and in bytes."""

    done: str
    records: str
    bytes: str

    def of(self, goal: "float | Rate") -> str:
        return self.bytes if isinstance(goal, Rate) and goal.unit == "bytes" else self.records


_COUNTS: Final = {
    Producers: _Counts("acknowledged", "acknowledged", "bytes"),
    Consumers: _Counts("read", "read", "read bytes"),
}


def _goal(value: object) -> float | Rate:
    """A rate has a unit of time behind its stroke; "1/2" is a share."""
    if isinstance(value, Rate) or (isinstance(value, str) and re.search(r"unlimited|/\s*[a-z]", value)):
        goal: float | Rate = Rate.parse(value)
    else:
        goal = parse_share(value)
    if (goal.amount if isinstance(goal, Rate) else goal) in (None, 0):
        raise ValueError(f"at_least {value!r}: it is a share above 0 %, or a rate above 0 that is not unlimited")
    return goal


Goal: TypeAlias = Annotated[float | Rate, BeforeValidator(_goal)]


@plain(frozen=True, slots=True)
class Kept:
    """Sums over the chosen rounds: seconds, what was done (records or bytes) and, in records, what was offered."""

    counts: _Counts
    seconds: float = 0.0
    done: int = 0
    offered: int = 0
    not_offered: int = 0


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class KeepsRate:
    """A fleet of producers has acknowledged, one of consumers has read, at least that share of the records that its
    schedule offered, or that rate; of an unlimited fleet only a rate can be demanded.

    Sums over the chosen rounds are compared, so what is made up for later counts, and what is missed right after a fault
    counts as well: there is no grace.
    """

    safety: ClassVar[bool] = False
    fleet: str
    at_least: Goal
    outside: Faults = None
    inside: Faults = None

    if TYPE_CHECKING:

        def __init__(
            self, fleet: str, *, at_least: str | float | Rate, outside: Faults = None, inside: Faults = None
        ) -> None: ...

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        if mistake := contradiction(self.outside, self.inside):
            raise ValueError(mistake)
        return self

    def mistakes(self, declared: Declared) -> Iterator[str]:
        """An unknown fleet, one that has no rate, and a share of no schedule."""
        yield from undeclared("fleet", [self.fleet], declared.fleets)
        fleet = declared.fleets.get(self.fleet)
        if isinstance(fleet, Producers | Consumers):
            if fleet.rate.amount is None and not isinstance(self.at_least, Rate):
                yield f"{self.fleet} are unlimited, so {percent(self.at_least)} of their rate is nothing: demand a rate"
        elif fleet is not None:
            yield f"{self.fleet} are {type(fleet).__name__}: only Producers and Consumers have a rate to keep"

    def begin(self, declared: Declared, ordinals: Mapping[str, int]) -> Kept:  # noqa: ARG002 - a fleet is looked at
        """Nothing was done yet."""
        return Kept(_COUNTS[Consumers if isinstance(declared.fleets[self.fleet], Consumers) else Producers])

    def step(self, state: Kept, round_: Round) -> Kept:
        """With the round, if it is chosen; against a share, a round without a schedule says nothing."""
        doing = round_.fleets.get(self.fleet)
        scheduled = isinstance(self.at_least, Rate) or (doing is not None and doing.offered >= 0)
        if doing is None or not scheduled or not chosen(round_, outside=self.outside, inside=self.inside):
            return state
        return replace(
            state,
            seconds=state.seconds + round_.seconds,
            done=state.done + doing.counts.get(state.counts.of(self.at_least), 0),
            offered=state.offered + max(0, doing.offered),
            not_offered=state.not_offered + doing.counts.get("not offered", 0),
        )

    def verdict(self, state: Kept, ending: Ending) -> Verdict:  # noqa: ARG002 - rounds have told all
        """By the sums so far."""
        goal = self.at_least
        kept, found = self._rate(state, goal) if isinstance(goal, Rate) else self._share(state, goal)
        return Verdict(
            promise=call(self, self.fleet),
            demanded=f"{self.fleet} {state.counts.done} at least {self._goal()}{phrase(self.outside, self.inside)}",
            found=found,
            state=state_of(kept),
            figures=self._figures(state),
            promised=f"at least {self.at_least if isinstance(self.at_least, Rate) else percent(self.at_least)}",
        )

    def _goal(self) -> str:
        return str(self.at_least) if isinstance(self.at_least, Rate) else f"{percent(self.at_least)} of what was due"

    def _share(self, state: Kept, goal: float) -> tuple[bool | None, str]:
        if not state.offered:
            return None, f"nothing was due{phrase(self.outside, self.inside)}"
        share = state.done / state.offered
        lost = f", {state.not_offered:,} were not offered in time" if state.not_offered else ""
        found = f"{percent(share)}: {state.done:,} of {state.offered:,} records {state.counts.done}{lost}"
        return share >= goal, found

    def _rate(self, state: Kept, goal: Rate) -> tuple[bool | None, str]:
        if not state.seconds or goal.amount is None:
            return None, f"there was no time{phrase(self.outside, self.inside)}"
        rate = state.done / state.seconds
        return rate >= goal.amount, f"{speed(rate, goal)} {state.counts.done} over {state.seconds:.0f} s"

    def _figures(self, state: Kept) -> Mapping[str, float]:
        share = {"share": state.done / state.offered} if state.offered and not isinstance(self.at_least, Rate) else {}
        rate = {"rate": state.done / state.seconds} if state.seconds else {}
        sums = {"offered": state.offered, "not offered": state.not_offered, "seconds": state.seconds}
        return {state.counts.of(self.at_least): state.done, **sums, **share, **rate}
