"""Whether a percentile of a fleet's latencies stays below a limit: histograms are merged first."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass as plain
from dataclasses import field
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, ClassVar, Final, Literal, Self, TypeAlias

from pydantic import ConfigDict, Field, model_validator
from pydantic.dataclasses import dataclass

from actors import latency
from actors.spec import Consumers, Producers
from actors.tally import Counts
from actors.units import Duration
from marathon_ray.promises.promise import Declared, Ending, Verdict, state_of
from marathon_ray.promises.when import Faults, chosen, contradiction, phrase
from marathon_ray.promises.wording import call, took, undeclared
from marathon_ray.round import Round

Measure: TypeAlias = Literal["response", "end to end"]
_MEASURED: Final[Mapping[type, Measure]] = {Producers: "response", Consumers: "end to end"}


@plain(frozen=True, slots=True, eq=False)
class Merged:
    """The merged histogram of the chosen rounds."""

    counts: Counts = field(default_factory=latency.empty)


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Latency:
    """That percentile (above 0, to 100) of a fleet's latencies is below the limit.

    "response" is from a record's intended time to its acknowledgement, so what was never acknowledged has none; "end to
    end" from its intended time to its reading. A histogram tells a latency up to 1/64 too long, never too short.
    """

    safety: ClassVar[bool] = False
    fleet: str
    below: Annotated[Duration, Field(gt=0)]
    percentile: Annotated[float, Field(gt=0, le=100)] = 99
    of: Measure = "response"
    outside: Faults = None
    inside: Faults = None

    if TYPE_CHECKING:

        def __init__(
            self, fleet: str, *, below: str | float, percentile: float = 99, of: Measure = "response",
            outside: Faults = None, inside: Faults = None,
        ) -> None: ...  # fmt: skip

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        if mistake := contradiction(self.outside, self.inside):
            raise ValueError(mistake)
        return self

    def mistakes(self, declared: Declared) -> Iterator[str]:
        """An unknown fleet, and one that does not measure this."""
        yield from undeclared("fleet", [self.fleet], declared.fleets)
        fleet = declared.fleets.get(self.fleet)
        if fleet is not None and (measured := _MEASURED.get(type(fleet))) != self.of:
            instead = f"use of={measured!r}" if measured else "only Producers and Consumers do"
            yield f"{self.fleet} are {type(fleet).__name__}, which do not measure {self.of!r}: {instead}"

    def begin(self, declared: Declared, ordinals: Mapping[str, int]) -> Merged:  # noqa: ARG002 - a fleet is looked at
        """Nothing was measured yet."""
        return Merged()

    def step(self, state: Merged, round_: Round) -> Merged:
        """With the round, if it is chosen."""
        doing = round_.fleets.get(self.fleet)
        counts = doing.latencies.get(self.of) if doing is not None else None
        if counts is None or not chosen(round_, outside=self.outside, inside=self.inside):
            return state
        return Merged(state.counts + counts)

    def verdict(self, state: Merged, ending: Ending) -> Verdict:  # noqa: ARG002 - rounds have told all
        """By what was merged so far."""
        records, name = int(state.counts.sum()), f"p{self.percentile:g}"
        where = phrase(self.outside, self.inside)
        figures: dict[str, float] = {"records": records}
        found, kept = f"nothing was measured{where}", None
        if records:
            seconds = latency.percentile(state.counts, self._share) / 1e6
            figures |= {name: seconds, "longest": latency.percentile(state.counts, 1) / 1e6}
            found, kept = f"{name} was {took(seconds)}, of {records:,} records", seconds < self.below
        return Verdict(
            promise=call(self, self.fleet),
            demanded=f"{name} of the {self.of} latency of {self.fleet} is below {took(self.below)}{where}",
            found=found,
            state=state_of(kept),
            figures=figures,
            promised=f"below {took(self.below)}",
        )

    @property
    def _share(self) -> float:
        """As it is written: 99.9 is 0.999."""
        return float(Fraction(str(self.percentile)) / 100)
