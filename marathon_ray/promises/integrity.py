"""Whether every acknowledged record is there, once and in order: what the accounts found, but for what is allowed."""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass as plain
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Final, Literal, NamedTuple

from pydantic import ConfigDict, model_validator
from pydantic.dataclasses import dataclass
from pydantic_core import ArgsKwargs

from actors.spec import Producers, Topics, Transactors
from actors.units import Share
from marathon_ray.balance import LOSSES, Balance
from marathon_ray.finding import Finding, FindingKind, Tail
from marathon_ray.kafka.kept import Kept
from marathon_ray.promises.allowed import allowed
from marathon_ray.promises.promise import Declared, Ending, Verdict
from marathon_ray.promises.wording import call, percent, undeclared
from marathon_ray.round import Round
from marathon_ray.standing import standing

_SUMS: Final = ("attempted", "acknowledged", "refused", "unknown", "found", "expired", "compacted", "unaudited")
_TOLD: Final = (*LOSSES, FindingKind.DUPLICATED, FindingKind.DISORDERED)  # each has its own place in the sentence
_NOBODYS: Final = FindingKind.UNOWNED  # a dead worker may have opened that client unheard: no fault of the target


@plain(frozen=True, slots=True)
class Found:
    """The findings in these topics (ordinals) that stand."""

    topics: frozenset[int]
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Integrity:
    """Every acknowledged record of these topics is there once and in order, and no finding is left but what the settings
    allow. Undecided where nothing was acknowledged, or not all of it was audited, or more than that share of what was
    attempted is in the dark: what lost writers had under way, or may have done unheard, may have been acknowledged."""

    safety: ClassVar[bool] = True
    of: Topics
    dark: Share = 0.001

    if TYPE_CHECKING:

        def __init__(self, *topics: str, of: str | tuple[str, ...] = (), dark: str | float = 0.001) -> None: ...

    @model_validator(mode="before")
    @classmethod
    def _each(cls, given: object) -> object:
        return ArgsKwargs((given.args,), given.kwargs) if isinstance(given, ArgsKwargs) and given.args else given

    def mistakes(self, declared: Declared) -> Iterator[str]:
        """Unknown topics, and those whose writers promise different things."""
        yield from undeclared("topic", self.of, declared.topics)
        for topic in self.of:
            ways = set(_ways(topic, declared))
            if len(ways) > 1:
                told = ", ".join(sorted(ways))
                yield f"topic {topic} is written in several ways ({told}): what is allowed cannot be told apart"

    def begin(self, declared: Declared, ordinals: Mapping[str, int]) -> Found:  # noqa: ARG002 - the topics are named
        """Nothing was found yet."""
        return Found(frozenset(ordinals[topic] for topic in self.of))

    def step(self, state: Found, round_: Round) -> Found:
        """With what the round's settling found, and without what it took back."""
        found, withdrawn = (
            [finding for finding in some if finding.topic in state.topics]
            for some in (round_.settled.findings, round_.settled.withdrawn)
        )
        if not (found or withdrawn):
            return state
        return replace(state, findings=tuple(standing([*state.findings, *found], withdrawn)))

    def verdict(self, state: Found, ending: Ending) -> Verdict:
        """A finding that is not allowed is a broken promise, and so are books that do not add up."""
        places = {place: counts for place, counts in ending.balance.places.items() if place[0] in state.topics}
        dark = _Dark(sum(tail.pending + tail.unheard for tail in self._tails(ending)), self.dark)
        books = _Books(
            Balance(places), state.findings, self._excused(ending), self._untold(ending), ending.drained, dark
        )
        return Verdict(
            promise=call(self, *self.of), demanded=self._demanded(books), found=books.sentence(), state=books.state(),
            safety=True, figures=books.figures(), promised=f"all there, once and in order{self._but(books)}",
        )  # fmt: skip

    def _tails(self, ending: Ending) -> Iterator[Tail]:
        for name, tails in ending.tails.items():
            if set(self.of) & set(getattr(ending.declared.fleets.get(name), "to", ())):
                yield from tails

    def _excused(self, ending: Ending) -> Mapping[int, frozenset[FindingKind]]:
        """By topic, the kinds that are no broken promise."""
        declared = ending.declared
        return {
            ending.ordinals[topic]: frozenset(
                allowed(
                    declared.topics[topic],
                    _producers(topic, declared),
                    ending.shades,
                    keeps=ending.kept.get(topic, Kept()),
                    held=ending.held.get(topic, math.inf),
                )
            )
            for topic in self.of
        }

    def _untold(self, ending: Ending) -> frozenset[int]:
        """Topics of which the cluster does not say how long it keeps their records."""
        return frozenset(ending.ordinals[topic] for topic in self.of if not ending.kept.get(topic, Kept()).is_known)

    def _demanded(self, books: "_Books") -> str:
        return f"every acknowledged record of {', '.join(self.of)} is there once and in order{self._but(books)}"

    @staticmethod
    def _but(books: "_Books") -> str:
        kinds = sorted(frozenset().union(*books.excused.values()))
        return f", but for what the settings allow ({', '.join(kinds)})" if kinds else ""


class _Dark(NamedTuple):
    """The bound of records that nobody can tell of, and the share of all that it may be."""

    records: int
    most: float


@plain(frozen=True, slots=True)
class _Books:
    """All that a verdict rests on, of the topics in question."""

    balance: Balance
    findings: tuple[Finding, ...]
    excused: Mapping[int, frozenset[FindingKind]]
    untold: frozenset[int]
    drained: bool
    dark: _Dark

    def state(self) -> Literal["passed", "undecided", "failed"]:
        if self.broken or self.gaps:
            return "failed"
        whole = self.drained and not self.balance.total("unaudited") and not self.too_dark and not self.unclear
        return "passed" if whole and self.balance.total("acknowledged") else "undecided"

    @property
    def too_dark(self) -> bool:
        """Whether so much is in the dark that what is seen proves nothing."""
        return self.dark.records > self.dark.most * self.balance.total("attempted")

    @property
    def permitted(self) -> Counter[FindingKind]:
        return _counted(finding for finding in self.findings if finding.kind in self.excused[finding.topic])

    @property
    def broken(self) -> Counter[FindingKind]:
        broken = _counted(
            finding
            for finding in self.findings
            if finding.kind not in self.excused[finding.topic] and not self._is_unclear(finding)
        )
        broken.pop(_NOBODYS, None)
        return broken

    @property
    def unclear(self) -> int:
        """Records that are gone, and nobody says whether they may be."""
        return _counted(finding for finding in self.findings if self._is_unclear(finding)).total()

    def _is_unclear(self, finding: Finding) -> bool:
        return finding.kind is FindingKind.EXPIRED_EARLY and finding.topic in self.untold

    @property
    def gaps(self) -> list[str]:
        """What does not add up; before the end findings may be behind the counts."""
        lost, named = self.balance.total("lost"), sum(_counted(self.findings)[kind] for kind in LOSSES)
        missing = [f"{lost:,} lost, {named:,} of them named"] if self.drained and lost != named else []
        return [*self.balance.faults(), *missing]

    def sentence(self) -> str:
        counts, total = _counted(self.findings), self.balance.total
        told = [
            f"{total('acknowledged'):,} acknowledged",
            f"{total('found'):,} found",
            f"{sum(counts[kind] for kind in LOSSES):,} lost",
            f"{counts[FindingKind.DUPLICATED]:,} doubled",
            f"{counts[FindingKind.DISORDERED]:,} out of order",
            *(f"{total(name):,} {name}" for name in ("expired", "compacted") if total(name)),
            *(f"{count:,} {kind}" for kind, count in counts.items() if kind not in _TOLD),
        ]
        return "; ".join([", ".join(told), *self._remarks()])

    def _remarks(self) -> Iterator[str]:
        if permitted := self.permitted:
            yield f"allowed are {', '.join(f'{count:,} {kind}' for kind, count in permitted.items())}"
        if unclear := self.unclear:
            yield f"{unclear:,} are gone, and the cluster does not say how long it keeps records"
        if not self.balance.total("acknowledged"):
            yield "nothing was acknowledged, so nothing is proved"
        if unaudited := self.balance.total("unaudited"):
            yield f"{unaudited:,} acknowledged are not audited"
        elif not self.drained:
            yield "the logs were not read to their ends"
        if self.dark.records:
            more = f", which is more than {percent(self.dark.most)} of all" if self.too_dark else ""
            yield f"lost workers left up to {self.dark.records:,} in the dark{more}"
        if gaps := self.gaps:
            yield f"the books do not add up: {gaps[0]}"

    def figures(self) -> Mapping[str, float]:
        counts = _counted(self.findings)
        return {
            **{name: self.balance.total(name) for name in _SUMS},
            "lost": sum(counts[kind] for kind in LOSSES),
            "doubled": counts[FindingKind.DUPLICATED],
            "disordered": counts[FindingKind.DISORDERED],
            "allowed": self.permitted.total(),
            "in the dark": self.dark.records,
            **{str(kind): count for kind, count in counts.items() if kind not in _TOLD},
        }


def _counted(findings: Iterable[Finding]) -> Counter[FindingKind]:
    """Records by kind; one that counts none is one all the same: it must not pass for nothing."""
    counts: Counter[FindingKind] = Counter()
    for finding in findings:
        counts[finding.kind] += max(1, finding.count)
    return counts


def _producers(topic: str, declared: Declared) -> list[Producers]:
    return [fleet for fleet in declared.fleets.values() if isinstance(fleet, Producers) and topic in fleet.to]


def _ways(topic: str, declared: Declared) -> Iterator[str]:
    """How each fleet writes to it: a transaction is as strict as an idempotent producer."""
    for fleet in declared.fleets.values():
        if isinstance(fleet, Producers) and topic in fleet.to:
            yield f"acks={fleet.acks}{', idempotent' if fleet.idempotent else ''}"
        if isinstance(fleet, Transactors) and topic in fleet.to:
            yield "acks=all, idempotent"
