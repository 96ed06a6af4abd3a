"""What a run will be, before anything exists: its fleets' sizes, its load, and every mistake that can be seen by then.

Pure: nothing is asked of any cluster.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from actors.spec import Auditors, Consumers, Producers, Transactors, WorkerSpec
from actors.units import duration_text
from marathon_ray.balance import Balance
from marathon_ray.fitting import unfit
from marathon_ray.kafka.kept import kept
from marathon_ray.kafka.topics import Topic
from marathon_ray.offered import Load, Loads, peaks, read_by, totals, written_by
from marathon_ray.playable import AUDITORS, unplayable
from marathon_ray.promised import unpromisable
from marathon_ray.promises.allowed import allowed
from marathon_ray.promises.promise import Declared, Ending, Promise
from marathon_ray.scenario import Scenario
from marathon_ray.usage import nearest

TRAILING: Final = 20.0  # seconds between its two passes, where nobody says otherwise
# At either of these a producer takes a tenth (100 B) to a sixth (1 KiB) of a core by benchmarks/README.md: what is left is
# for encryption, compression, slower machines and what is owed after an outage.
WORKER_RECORDS: Final = 300_000  # a second
WORKER_BYTES: Final = 150_000_000  # a second
_WRITING: Final = Load(
    0.25e-6, 0.75e-9
)  # CPU seconds a record and a byte: through the 100 B and 1 KiB of the same table
_READING: Final = Load(0.29e-6, 0.30e-9)


_TIMES, _SLACK = 3.0, 7_200.0  # of what it lasts, and seconds for fleets that start, faults that heal, and waits
_UNKNOWN: Final = 86_400.0  # seconds, where nobody says how long it lasts


_WRITERS: Final = (Producers, Transactors)
_READERS: Final = (Consumers, Auditors, Transactors)


@dataclass(frozen=True, slots=True)
class Fleet:
    """One fleet: so many workers share what is done in so many partitions; `load` is a second's, at the peak (None: as
    fast as it goes)."""

    spec: WorkerSpec
    workers: int
    partitions: int
    load: Load | None

    @property
    def cores(self) -> float | None:
        """How many cores the load takes on a machine like the one of benchmarks/README.md; None where it has no limit."""
        reads, writes = isinstance(self.spec, _READERS), isinstance(self.spec, _WRITERS)
        costs = [cost for cost, paid in ((_READING, reads), (_WRITING, writes)) if paid]
        if (load := self.load) is None:
            return None
        return sum(load.records * cost.records + load.bytes * cost.bytes for cost in costs)


@dataclass(frozen=True, slots=True)
class Planned:
    """A scenario as it will be run. `peaks` are by topic and second, `totals` by topic for all that its workload `lasts`
    at least; `demands` are its promises in words, `allowed` what the settings take away from them, with the reason. With
    `mistakes` there are no demands, and nothing can be run."""

    name: str
    promise: str
    topics: Mapping[str, Topic]
    fleets: Mapping[str, Fleet]
    peaks: Loads
    totals: Loads
    lasts: float
    at_most: float
    demands: tuple[str, ...]
    allowed: tuple[str, ...]
    mistakes: tuple[str, ...]

    @property
    def workers(self) -> int:
        """Of all fleets."""
        return sum(fleet.workers for fleet in self.fleets.values())

    @property
    def groups(self) -> tuple[str, ...]:
        """Those that read."""
        specs = [fleet.spec for fleet in self.fleets.values()]
        return tuple(dict.fromkeys(spec.group for spec in specs if isinstance(spec, Consumers | Transactors)))


def plan(scenario: Scenario, *, brokers: int | None = None) -> Planned:
    """What it will be; `brokers` is how many the cluster has, where that is known."""
    found, loads = tuple(mistakes(scenario, brokers=brokers)), peaks(scenario)
    return Planned(
        scenario.title(),
        scenario.promise(),
        scenario.topics,
        {name: _fleet(spec, scenario.topics, loads) for name, spec in fleets_of(scenario).items()},
        loads,
        totals(scenario),
        scenario.lasts,
        limit_of(scenario),
        () if found else tuple(_demanded(scenario)),
        tuple(_allowed(scenario)),
        found,
    )


def fleets_of(scenario: Scenario) -> dict[str, WorkerSpec]:
    """The declared fleets, and auditors of the topics that no declared ones audit."""
    declared = dict(scenario.fleets)
    audited = {topic for spec in declared.values() if isinstance(spec, Auditors) for topic in spec.of}
    left = tuple(topic for topic in scenario.topics if topic not in audited)
    return {AUDITORS: Auditors(of=left, trailing=TRAILING), **declared} if left else declared


def limit_of(scenario: Scenario) -> float:
    """Seconds from its first topic on after which a workload that is not over hangs."""
    if scenario.at_most is not None:
        return scenario.at_most
    return math.ceil(_TIMES * scenario.lasts + _SLACK) if scenario.lasts else _UNKNOWN


def workers_of(scenario: Scenario) -> dict[str, int]:
    """How many workers each fleet begins with."""
    loads = peaks(scenario)
    return {name: _fleet(spec, scenario.topics, loads).workers for name, spec in fleets_of(scenario).items()}


def resolved(scenario: Scenario) -> dict[str, Any]:
    """Its fields as they are run, as JSON: with the number of workers where it was left open, and with the auditors that it
    does not declare."""
    workers = workers_of(scenario)
    fleets = {name: spec.model_copy(update={"workers": workers[name]}) for name, spec in fleets_of(scenario).items()}
    return scenario.model_dump(mode="json") | {name: spec.model_dump(mode="json") for name, spec in fleets.items()}


def mistakes(scenario: Scenario, *, brokers: int | None = None) -> list[str]:
    """Why it cannot be run as it is declared, a sentence each."""
    if found := [*unplayable(scenario)]:
        return found
    topics, fleets = scenario.topics, fleets_of(scenario)
    found += [*_unplaceable(topics, brokers), *_unshareable(scenario), *_endless(scenario)]
    for name, spec in fleets.items():
        found += [f"{name}: {each}" for each in _misdirected(spec, topics)] or _oversized(name, spec, topics)
    return [*found, *unfit(fleets, topics), *unpromisable(scenario)]


# --- Sizes ------------------------------------------------------------------------------------------------------------


def _fleet(spec: WorkerSpec, topics: Mapping[str, Topic], loads: Loads) -> Fleet:
    load = written_by(spec, loads) if isinstance(spec, Producers | Transactors) else read_by(spec, loads)
    return Fleet(spec, spec.workers or _enough(spec, topics, load), _partitions(spec, topics), load)


def _enough(spec: WorkerSpec, topics: Mapping[str, Topic], load: Load | None) -> int:
    """As many as the load needs: one where it is as fast as it goes, never more than there is room for."""
    load = load or Load()
    wanted = math.ceil(max(load.records / WORKER_RECORDS, load.bytes / WORKER_BYTES))
    return max(1, min(wanted, _room(spec, topics)))


def _partitions(spec: WorkerSpec, topics: Mapping[str, Topic]) -> int:
    """Those that are shared out among the workers."""
    shared = spec.to if isinstance(spec, Producers) else getattr(spec, "of", ())
    return sum(topics[topic].partitions for topic in shared if topic in topics)


def _room(spec: WorkerSpec, topics: Mapping[str, Topic]) -> int:
    """The number of workers beyond which one would have nothing to do."""
    return _partitions(spec, topics) * (spec.writers_per_partition if isinstance(spec, Producers) else 1)


# --- Mistakes ---------------------------------------------------------------------------------------------------------


def _unplaceable(topics: Mapping[str, Topic], brokers: int | None) -> Iterator[str]:
    for name, topic in topics.items():
        if brokers is not None and topic.replication > brokers:
            raise_to = f"lower it with --{name}.replication {brokers}"
            raise_to += f" --{name}.min_insync {brokers}" if topic.min_insync > brokers else ""
            yield f"{name}: replication {topic.replication} is more than the cluster's {brokers} brokers; {raise_to}"


def _unshareable(scenario: Scenario) -> Iterator[str]:
    """One partition has one auditor, and members of one group speak one protocol."""
    auditors: dict[str, str] = {}
    groups: dict[str, tuple[str, str]] = {}
    for name, spec in scenario.fleets.items():
        for topic in spec.of if isinstance(spec, Auditors) else ():
            if auditors.setdefault(topic, name) != name:
                yield f"{name}: {topic} is audited by {auditors[topic]} already"
        if isinstance(spec, Consumers | Transactors):
            other, protocol = groups.setdefault(spec.group, (name, spec.protocol))
            if protocol != spec.protocol:
                yield f"{name}: protocol {spec.protocol}, but {other} is in group {spec.group} with {protocol}"


def _endless(scenario: Scenario) -> Iterator[str]:
    if (limit := limit_of(scenario)) <= scenario.lasts:
        yield f"at_most {duration_text(limit)}: the workload takes at least {duration_text(scenario.lasts)}"


def _misdirected(spec: WorkerSpec, topics: Mapping[str, Topic]) -> list[str]:
    """What it says of topics that are not there, or of one that it could not look at in time."""
    found = [
        f"{verb} {topic}, which is no topic of the scenario; {nearest(topic, topics)}"
        for verb, field in (("writes to", "to"), ("reads", "of"))
        for topic in getattr(spec, field, ())
        if topic not in topics
    ]
    if isinstance(spec, Transactors) and len(spec.of) != len(spec.to):
        found.append(f"copies {len(spec.of)} topics to {len(spec.to)}: each needs one of its own")
    elif isinstance(spec, Transactors) and not found:
        counts = [(a, b, topics[a].partitions, topics[b].partitions) for a, b in zip(spec.of, spec.to, strict=True)]
        found += [
            f"copies {a} of {many} partitions to {b} of {more}: copies keep theirs"
            for a, b, many, more in counts
            if many != more
        ]
    if isinstance(spec, Auditors) and not found:
        found += [each for topic in spec.of for each in too_late(spec, topic, topics[topic].retention)]
    return found


def too_late(spec: Auditors, name: str, age: float | None) -> Iterator[str]:
    """Why the second pass cannot see a topic whose records go at that age (seconds); nothing where it can."""
    if age is not None and age <= spec.latest:
        comes, goes = duration_text(spec.latest), duration_text(age)
        yield f"its second look at {name} comes after up to {comes}, but records are kept for {goes}"


def _oversized(name: str, spec: WorkerSpec, topics: Mapping[str, Topic]) -> list[str]:
    room = _room(spec, topics)
    if spec.workers is None or spec.workers <= room:
        return []
    shared = f"{_partitions(spec, topics)} partitions"
    each = f" with {spec.writers_per_partition} writers each" if isinstance(spec, Producers) else ""
    return [f"{name}: {spec.workers} workers for {shared}{each}: at most {room} would have something to do"]


# --- Promises ---------------------------------------------------------------------------------------------------------


def _allowed(scenario: Scenario) -> Iterator[str]:
    for name, topic in scenario.topics.items():
        writers = [spec for spec in scenario.fleets.values() if isinstance(spec, Producers) and name in spec.to]
        for kind, reason in allowed(topic, writers).items():
            yield f"{name}: {kind}, since {reason}"


def _demanded(scenario: Scenario) -> Iterator[str]:
    """What each promise demands, by its own words of a run in which nothing has happened yet."""
    declared = scenario.declared
    ordinals = {topic: number for number, topic in enumerate(scenario.topics, 1)}
    for promise in scenario.promises():
        yield _demand(promise, declared, ordinals)


def _demand(promise: Promise, declared: Declared, ordinals: Mapping[str, int]) -> str:
    keeps = {name: kept(topic.settings()) for name, topic in declared.topics.items()}
    nothing = Ending(declared, ordinals, Balance({}), kept=keeps)
    return promise.verdict(promise.begin(declared, ordinals), nothing).demanded
