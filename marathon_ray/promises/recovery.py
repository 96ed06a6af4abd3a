"""Whether every partition takes writes again in time after each fault, told from when acknowledgements came."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass as plain
from dataclasses import field, replace
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, NamedTuple

import numpy as np
from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from actors.intervals import Numbers
from actors.spec import Producers, Transactors
from actors.tally import Table, nothing
from actors.units import Duration
from marathon_ray.promises.promise import Declared, Ending, Shade, Verdict
from marathon_ray.promises.wording import call, took, undeclared
from marathon_ray.round import Phase, Round

FLOOR: Final = 500_000_000  # ns; a shorter gap between acknowledgements is no outage
ON_THEIR_WAY: Final = 10**9  # ns; the last acknowledgement before an outage may come so long before or after a fault
TELLING: Final = 5 * 10**9  # ns; a fault whose wake was written for no longer tells nothing
_MOST_GAPS: Final = 100_000  # the shortest are forgotten beyond
_ENDLESS: Final = int(np.iinfo(np.int64).max)
_GAP: Final = np.dtype([("partition", "i8"), ("start", "i8"), ("end", "i8")])
_OVER: Final = (Phase.DRAIN, Phase.CLEANUP)


@plain(frozen=True, slots=True, eq=False)
class Waits:
    """Each partition's gaps beyond the floor (wall clock, ns), and since when it waits for its next acknowledgement (the
    last one, or when writing began; 0: nobody has written yet). `acked` are the last acknowledgements (0: none came);
    somebody wrote until `until`, and nobody ever will again if it is `over`. `hidden` is the longest time in one row, which
    may hide a gap. `short` are the times (from, to) in which the bench lacked workers that write."""

    topic: int
    fleets: tuple[str, ...]
    since: Numbers
    acked: Numbers
    gaps: Table = field(default_factory=partial(nothing, _GAP))
    writing: bool = False
    until: int = 0
    over: bool = False
    hidden: int = 0
    short: tuple[tuple[int, int], ...] = ()

    def closed(self, ends: Numbers) -> Table:
        """The gaps, with those that end there (one a partition) where they are beyond the floor."""
        beyond = np.flatnonzero((self.since > 0) & (ends - self.since > FLOOR))
        if not len(beyond):
            return self.gaps
        fresh = np.zeros(len(beyond), _GAP)
        fresh["partition"], fresh["start"], fresh["end"] = beyond, self.since[beyond], ends[beyond]
        gaps = np.concatenate([self.gaps, fresh])
        if len(gaps) > _MOST_GAPS:
            gaps = gaps[np.argsort(gaps["end"] - gaps["start"])[-_MOST_GAPS // 2 :]]
        return gaps

    def lacked(self, starts: Numbers, ends: Numbers) -> Numbers:
        """For how long (ns) of each of these times the bench lacked workers."""
        overlaps = [np.minimum(ends, until) - np.maximum(starts, since) for since, until in self.short]
        return np.asarray(sum((np.maximum(0, each) for each in overlaps), start=np.zeros(len(ends), np.int64)))

    def widened(self, partitions: int) -> "Waits":
        """With as many partitions; of new ones nothing has come yet."""
        more = np.zeros(max(0, partitions - len(self.since)), np.int64)
        return replace(self, since=np.concatenate([self.since, more]), acked=np.concatenate([self.acked, more]))


class Outage(NamedTuple):
    """How long each partition took no writes after a fault's begin (s, 0: no gap beyond the floor), and which of them
    never did again."""

    shade: Shade
    seconds: "np.ndarray[Any, np.dtype[np.float64]]"
    never: "np.ndarray[Any, np.dtype[np.bool_]]"


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class WritableAgain:
    """After the begin of each fault, every partition of the topic is written again within that time.

    An outage is the longest gap between acknowledgements that ends after the fault's begin and starts before the next
    fault's, without what of it was before, and without what of it the bench lacked workers that write; in a partition that
    is never written again it lasts until writing ends. While no fleet is wanted that writes there, nothing is missed. Times
    are those of the writers' wall clocks.
    """

    safety: ClassVar[bool] = False
    topic: str
    within: Annotated[Duration, Field(gt=0)]

    if TYPE_CHECKING:

        def __init__(self, topic: str, *, within: str | float) -> None: ...

    def mistakes(self, declared: Declared) -> Iterator[str]:
        """An unknown topic, and one that nobody writes."""
        yield from undeclared("topic", [self.topic], declared.topics)
        if self.topic in declared.topics and not self._writers(declared):
            yield f"topic {self.topic} is written by no fleet, so nobody would notice when it can be written again"

    def _writers(self, declared: Declared) -> tuple[str, ...]:
        fleets = declared.fleets.items()
        return tuple(name for name, one in fleets if isinstance(one, Producers | Transactors) and self.topic in one.to)

    def begin(self, declared: Declared, ordinals: Mapping[str, int]) -> Waits:
        """Nobody has written yet."""
        count = declared.topics[self.topic].partitions
        zero = np.zeros(count, np.int64)
        return Waits(ordinals[self.topic], self._writers(declared), zero, zero)

    def step(self, state: Waits, round_: Round) -> Waits:
        """With the acknowledgements of one more round, whatever its phase: a drain still waits for what is under way."""
        state = _writing(state, round_)
        rows = round_.acks[round_.acks["topic"] == state.topic]
        if not len(rows):
            return state
        state = state.widened(int(rows["partition"].max()) + 1)
        first, last = np.full(len(state.since), _ENDLESS), state.acked.copy()
        np.minimum.at(first, rows["partition"], rows["first"])
        np.maximum.at(last, rows["partition"], rows["last"])
        came = first < _ENDLESS
        return replace(
            state,
            gaps=state.closed(np.where(came, first, 0)),
            since=np.where(came, np.maximum(state.since, last), state.since),
            acked=last,
            hidden=max(state.hidden, int((rows["last"] - rows["first"]).max()) if state.writing else 0),
        )

    def verdict(self, state: Waits, ending: Ending) -> Verdict:
        """By what was acknowledged so far."""
        outages = list(_outages(state, ending.shades)) if state.acked.any() else []
        late = [outage for outage in outages if self._bad(state, outage).any()]
        blind, waiting = state.hidden / 1e9 > self.within, any(outage.never.any() for outage in outages)
        return Verdict(
            promise=call(self, self.topic),
            demanded=f"every partition of {self.topic} is written again within {took(self.within)} of a fault",
            found=self._late(state, late) if late else self._kept(state, ending, outages),
            state="failed" if late else "undecided" if blind or waiting or not outages else "passed",
            figures=_figures(outages, len(state.since)),
            promised=took(self.within),
        )

    def _bad(self, state: Waits, outage: Outage) -> "np.ndarray[Any, np.dtype[np.bool_]]":
        """Which partitions took too long; that one is never written again is known once nobody writes any more."""
        told = outage.seconds > TELLING / 1e9
        return np.asarray((outage.seconds > self.within) | (outage.never & state.over & told))

    def _late(self, state: Waits, late: list[Outage]) -> str:
        """The worst of the faults in words."""
        outage = max(late, key=lambda one: (one.never.any(), one.seconds.max()))
        bad = self._bad(state, outage)
        worst = int(np.argmax(np.where(bad, outage.seconds, -1)))
        spent = took(float(outage.seconds[worst]))
        what = f"was not written again in the {spent} it had" if outage.never[worst] else f"took {spent}"
        begun = f"after {outage.shade.fault} at {took(outage.shade.since)}"
        return f"{np.count_nonzero(bad):,} of {len(bad):,} partitions too late {begun}: partition {worst} {what}"

    def _kept(self, state: Waits, ending: Ending, outages: list[Outage]) -> str:
        if not ending.shades:
            return "no fault was on"
        if not outages:
            return "nothing was written after a fault's begin"
        if state.hidden / 1e9 > self.within:
            return f"a round of {took(state.hidden / 1e9)} may hide an outage as long"
        if waiting := max(np.count_nonzero(outage.never) for outage in outages):
            return f"{waiting:,} of {len(state.since):,} partitions are not written again yet"
        slowest = max(float(outage.seconds.max()) for outage in outages)
        none = f"no partition was without writes for more than {took(FLOOR / 1e9)}"
        return f"every partition written again in {took(slowest)}" if slowest else none


def _writing(state: Waits, round_: Round) -> Waits:
    """Who begins to write waits from then on; a wait that was left open when writing ended, ended there."""
    state = replace(state, over=state.over or round_.phase in _OVER, short=_shorter(state, round_))
    doings = [round_.fleets[name] for name in state.fleets if name in round_.fleets]
    at_work = any(doing.workers > 0 for doing in doings)
    wanted = round_.phase not in _OVER and any(doing.wanted > 0 for doing in doings)
    if not (wanted and (state.writing or at_work)):
        return replace(state, writing=False)
    if state.writing:
        return replace(state, until=round_.at)
    gaps = state.closed(np.full(len(state.since), state.until))
    since = np.full(len(state.since), round_.at - round(round_.seconds * 1e9))
    return replace(state, writing=True, until=round_.at, gaps=gaps, since=since)


def _shorter(state: Waits, round_: Round) -> tuple[tuple[int, int], ...]:
    if not set(round_.short) & set(state.fleets):
        return state.short
    since = round_.at - round(round_.seconds * 1e9)
    *before, last = state.short or ((since, since),)
    return (*before, (last[0], round_.at)) if since - last[1] < FLOOR else (*before, last, (since, round_.at))


def _outages(state: Waits, shades: tuple[Shade, ...]) -> Iterator[Outage]:
    """One for each fault after whose begin somebody wrote long enough to tell."""
    gaps = state.closed(np.full(len(state.since), state.until))
    ordered = sorted(shades, key=lambda shade: shade.at)
    for shade, following in pairwise([*ordered, None]):
        if shade is None or state.until - shade.at <= TELLING:
            continue
        later = following.at - ON_THEIR_WAY if following else _ENDLESS
        mine = gaps[(gaps["end"] > shade.at) & (gaps["start"] < later)]
        seconds, starts = np.zeros(len(state.since)), np.maximum(mine["start"], shade.at)
        lasting = mine["end"] - starts - state.lacked(starts, mine["end"])
        np.maximum.at(seconds, mine["partition"], lasting / 1e9)
        never = state.acked < shade.at + ON_THEIR_WAY
        had = np.array([state.until]) - shade.at - state.lacked(np.array([shade.at]), np.array([state.until]))
        seconds[never] = had / 1e9
        yield Outage(shade, seconds, never)


def _figures(outages: list[Outage], partitions: int) -> Mapping[str, float]:
    longest = np.max([outage.seconds for outage in outages], axis=0) if outages else np.zeros(partitions)
    affected = longest[longest > 0]
    never = np.any([outage.never for outage in outages], axis=0).sum() if outages else 0
    return {
        "slowest": float(longest.max(initial=0)),
        "median": float(np.median(affected)) if len(affected) else 0.0,
        "affected": len(affected),
        "never": int(never),
        "partitions": partitions,
    }
