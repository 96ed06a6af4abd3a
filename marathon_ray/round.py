"""What happened between two collects of all workers: what promises fold, displays show and reports draw."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import Final

import numpy as np

from actors.tally import Counts, Table, nothing
from marathon_ray.finding import Window

# When acknowledgements came in a partition within a round: wall clock of the first and the last, ns, and how many.
ACKS: Final = np.dtype([("topic", "u2"), ("partition", "u4"), ("first", "i8"), ("last", "i8"), ("count", "i8")])


class Phase(StrEnum):
    """Where a run is. What is measured counts in WORKLOAD only."""

    PREPARE = "prepare"
    WARMUP = "warmup"
    WORKLOAD = "workload"
    DRAIN = "drain"
    CLEANUP = "cleanup"


@dataclass(frozen=True, slots=True)
class Doing:
    """What one fleet did: `counts` are sums over its workers (records unless they say otherwise), `latencies` merged
    histograms of `actors.latency`. `offered` is what its schedule asked for, in records (-1: it is unlimited)."""

    workers: int = 0  # that answered
    wanted: int = 0
    offered: int = -1
    counts: Mapping[str, int] = field(default_factory=dict)
    latencies: Mapping[str, Counts] = field(default_factory=dict)
    busiest: float = 0.0  # CPU share (1 is a core) of its busiest worker's process
    full: float = 0.0  # share of its processors that all our workers use on the fullest node of the fleet's
    silent: bool = False  # whether one that worked does not answer
    lost: bool = False  # whether one was lost, and they were not all at work since
    cpu: float = 0.0  # seconds that its workers' processes used between their last answers and these


@dataclass(frozen=True, slots=True)
class Round:
    """From `since` to `until`, in seconds since the run began; `at` is the wall clock of its end, ns.

    `faults` names those that were on at any time of it. `lag` is by fleet that reads as a group, in records behind where the
    first pass has come to. `unaudited` are acknowledged records that wait to be judged. `cpu` are the CPU seconds of the
    driver's own process. `short` names the fleets that lacked workers, or still made up for it: what was measured then says
    nothing of the target.
    """

    since: float
    until: float
    at: int
    phase: Phase
    fleets: Mapping[str, Doing] = field(default_factory=dict)
    faults: tuple[str, ...] = ()
    settled: Window = field(default_factory=Window)
    acks: Table = field(default_factory=partial(nothing, ACKS))
    lag: Mapping[str, int] = field(default_factory=dict)
    unaudited: int = 0
    cpu: float = 0.0
    short: tuple[str, ...] = ()

    @property
    def full(self) -> float:
        """The greatest share of a node's processors that our workers used."""
        return max((doing.full for doing in self.fleets.values()), default=0.0)

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.until - self.since
