"""Rounds, fleets and endings in short form, and the fold of a promise over them."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

import numpy as np

from actors import latency
from actors.spec import Auditors, Consumers, Producers, Transactors, WorkerSpec
from actors.tally import Counts
from actors.units import Rate
from marathon_ray.balance import Balance
from marathon_ray.finding import Finding, FindingKind, Window
from marathon_ray.kafka.kept import Kept
from marathon_ray.kafka.topics import Topic
from marathon_ray.promises.promise import Declared, Ending, Promise, Shade, Verdict
from marathon_ray.round import ACKS, Doing, Phase, Round

BEGAN: Final = 1_700_000_000 * 10**9  # wall clock of a run's begin, ns
ORDINALS: Final = {"orders": 1, "copies": 2, "loose": 3}
FLEETS: Final[Mapping[str, WorkerSpec]] = {
    "writers": Producers(to=("orders",), rate=Rate.parse("1000 records/s")),
    "careless": Producers(to=("loose",), acks="1", idempotent=False),
    "readers": Consumers(of=("orders",), group="live", rate=Rate.parse("500 records/s")),
    "copiers": Transactors(of=("orders",), to=("copies",), group="copying"),
    "auditors": Auditors(of=("orders",)),
}
TOPICS: Final = {name: Topic(partitions=3) for name in ORDINALS}
DECLARED: Final = Declared(TOPICS, FLEETS)
FOR_EVER: Final = dict.fromkeys(ORDINALS, Kept(math.inf, math.inf))


def wall(seconds: float) -> int:
    """The wall clock so many seconds after the begin."""
    return BEGAN + round(seconds * 1e9)


def a_round(since: float, until: float, *, phase: Phase = Phase.WORKLOAD, **more: Any) -> Round:
    """From `since` to `until`."""
    return Round(since=since, until=until, at=wall(until), phase=phase, **more)


def every_second(seconds: int, *, faults: Mapping[int, str] | None = None, **doings: Doing) -> list[Round]:
    """Rounds of a second each, all alike but for faults by the second."""
    return [
        a_round(at, at + 1, fleets=doings, faults=((faults or {})[at],) if at in (faults or {}) else ())
        for at in range(seconds)
    ]


def took(*milliseconds: float, each: int = 1) -> Counts:
    """A histogram of these latencies."""
    counts = latency.empty()
    np.add.at(counts, latency.buckets(np.array(milliseconds) * 1000), each)
    return counts


def acks(*rows: tuple[int, float, float], topic: int = 1, count: int = 100) -> Any:
    """ACKS rows of (partition, first, last in seconds of the run)."""
    return np.array([(topic, partition, wall(first), wall(last), count) for partition, first, last in rows], ACKS)


def found(kind: FindingKind, first: int, last: int, *, topic: int = 1, reading: str = "") -> Finding:
    """A finding of these sequences of one stream."""
    return Finding(
        kind=kind, topic=topic, partition=0, client=7, first=first, last=last, count=last - first + 1, reading=reading
    )


def settled(*findings: Finding, withdrawn: tuple[Finding, ...] = ()) -> Window:
    """A window of findings."""
    return Window(findings=findings, withdrawn=withdrawn)


def balance(acknowledged: int, *, lost: int = 0, unaudited: int = 0, topic: int = 1, **more: int) -> Balance:
    """The balance of one partition, which adds up."""
    counts = {
        "attempted": acknowledged + more.get("unknown", 0),
        "acknowledged": acknowledged,
        "found": acknowledged - lost - unaudited - more.get("expired", 0),
        "lost": lost,
        "unaudited": unaudited,
        **more,
    }
    return Balance({(topic, 0): counts})


def a_shade(at: float, *, until: float | None = None, fault: str = "kill") -> Shade:
    """A fault that began so many seconds after the run."""
    return Shade(fault, (1,), at, wall(at), until)


def judge(promise: Promise, rounds: Iterable[Round], *, declared: Declared = DECLARED, **ending: Any) -> Verdict:
    """The verdict after these rounds."""
    assert list(promise.mistakes(declared)) == []
    state = promise.begin(declared, ORDINALS)
    for one in rounds:
        state = promise.step(state, one)
    whole: dict[str, Any] = {"balance": Balance({}), "kept": FOR_EVER, **ending}
    return promise.verdict(state, Ending(declared=declared, ordinals=ORDINALS, **whole))


def cut(whole: Round, share: float) -> list[Round]:
    """The round as two that follow each other and add up to it."""
    middle = whole.since + whole.seconds * share
    left, right = ({name: _part(doing, share, rest) for name, doing in whole.fleets.items()} for rest in (False, True))
    return [
        replace(whole, until=middle, at=wall(middle), fleets=left, settled=Window()),
        replace(whole, since=middle, fleets=right),
    ]


def _part(doing: Doing, share: float, rest: bool) -> Doing:
    def of(amount: int) -> int:
        part = int(amount * share)
        return amount - part if rest else part

    return replace(
        doing,
        offered=of(doing.offered) if doing.offered >= 0 else -1,
        counts={name: of(count) for name, count in doing.counts.items()},
        latencies={
            name: np.array([of(count) for count in counts.tolist()], np.int64)
            for name, counts in doing.latencies.items()
        },
    )
