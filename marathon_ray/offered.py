"""What a scenario offers to its topics by its own schedules: records and bytes of values. Pure."""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Self, TypeAlias

from actors.pace import SECOND, Curve, Knot
from actors.spec import Auditors, Consumers, Producers, Transactors, WorkerSpec
from marathon_ray.scenario import Scenario

_AROUND: Final = 128  # bytes of a batch's head, of a key and of what else is about a value, at most


@dataclass(frozen=True, slots=True)
class Load:
    """So many records, and so many bytes of their values: in a second, or in all."""

    records: float = 0.0
    bytes: float = 0.0

    def times(self, share: float) -> Self:
        """That share of it."""
        return type(self)(self.records * share, self.bytes * share)

    def plus(self, other: "Load") -> "Load":
        """Both."""
        return Load(self.records + other.records, self.bytes + other.bytes)


Loads: TypeAlias = Mapping[str, Load | None]  # by topic's field; None: as fast as it goes


def peaks(scenario: Scenario) -> Loads:
    """The most that a second has, with all fleets at work."""
    return _spread(scenario, _peak)


def totals(scenario: Scenario) -> Loads:
    """All that its workload has at least, by the fleets that work from its begin."""
    return _spread(scenario, lambda spec: _whole(spec, scenario.lasts))


def read_by(spec: WorkerSpec, loads: Loads) -> Load | None:
    """What a fleet of readers has to do to keep up: no more than its own limit; an auditor reads everything twice."""
    asked = _sum(loads.get(topic) for topic in getattr(spec, "of", ()))
    if isinstance(spec, Auditors) and asked:
        return asked.times(2)
    if isinstance(spec, Consumers) and spec.rate.amount is not None:
        return _limited(asked, spec)
    return asked


def written_by(spec: Producers | Transactors, loads: Loads) -> Load | None:
    """What a fleet of writers has to do at its peak."""
    if isinstance(spec, Transactors):
        return read_by(spec, loads)
    return _peak(spec)


def largest(spec: WorkerSpec) -> float:
    """Bytes that a record takes of a log, at most; infinite where one may be written more than once."""
    if isinstance(spec, Producers) and spec.idempotent:
        return int(spec.size.table().max()) + _AROUND
    return math.inf if isinstance(spec, Producers | Transactors) else 0


def _limited(asked: Load | None, spec: Consumers) -> Load | None:
    limit = float(spec.rate.amount or 0)
    if asked is None:
        return Load(limit) if spec.rate.unit == "records" else Load(bytes=limit)
    whole = asked.records if spec.rate.unit == "records" else asked.bytes
    return asked.times(min(1.0, limit / whole)) if whole else asked


def _peak(spec: Producers) -> Load | None:
    schedule = spec.schedule()
    return _load(spec, max(float(knot.rate) for knot in schedule)) if schedule else None


def _load(spec: Producers, records: float) -> Load:
    return Load(records, records * spec.size.mean)


def _whole(spec: Producers, seconds: float) -> Load | None:
    if spec.starts == "later":
        return Load()
    schedule = spec.schedule()
    return _load(spec, _area(schedule, seconds)) if schedule else None


def _area(schedule: Curve, seconds: float) -> float:
    """Records that are due in so many seconds: in straight lines from knot to knot, flat before and after them."""
    first, last = schedule[0], schedule[-1]
    end = seconds * SECOND
    knots = [Knot(min(0, first.at), first.rate), *schedule, Knot(max(round(end), last.at), last.rate)]
    due = 0.0
    for left, right in pairwise(knots):
        until = min(end, right.at)
        if until > left.at:
            reached = left.rate + (right.rate - left.rate) * (until - left.at) / (right.at - left.at)
            due += float(left.rate + reached) / 2 * (until - left.at) / SECOND
    return due


def _spread(scenario: Scenario, of: Callable[[Producers], Load | None]) -> dict[str, Load | None]:
    """Each topic's part of what is written; copies come after what they copy, in the order of the fields."""
    loads: dict[str, Load | None] = {topic: Load() for topic in scenario.topics}
    for spec in scenario.fleets.values():
        if isinstance(spec, Producers):
            whole, places = of(spec), sum(scenario.topics[each].partitions for each in spec.to if each in loads)
            for topic in spec.to:
                if topic in loads:
                    share = scenario.topics[topic].partitions / places
                    loads[topic] = _sum((loads[topic], whole and whole.times(share)))
    for spec in scenario.fleets.values():
        if isinstance(spec, Transactors):
            for source, target in zip(spec.of, spec.to, strict=False):
                if target in loads:
                    loads[target] = _sum((loads[target], loads.get(source)))
    return loads


def _sum(loads: Iterable[Load | None]) -> Load | None:
    total = Load()
    for load in loads:
        if load is None:
            return None
        total = total.plus(load)
    return total
