"""On how many nodes a plan's workers have what they need at the peak, dealt out as Ray's SPREAD does. Pure."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from marathon_ray.places.place import CPUS
from marathon_ray.planning import Fleet
from marathon_ray.promises.generator import BUSY

_NEAR: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Nodes:
    """So many nodes with `cpus` each: the fullest has so many `workers`, which take `cores` of it at the peak."""

    count: int
    cpus: float
    workers: int
    cores: float


def needed(fleets: Mapping[str, Fleet], cpus: float) -> Nodes | None:
    """The fewest nodes of that size that are enough: each has the CPUs that Ray books for its workers, and these take no more
    of it than the bench may use without being late itself. None where one worker alone takes more than a node has."""
    costs = [share(fleet) for fleet in fleets.values() for _ in range(fleet.workers)]
    usable = BUSY * cpus + _NEAR
    for count in range(max(1, math.ceil(sum(costs) / usable)), len(costs) + 1):
        dealt = [costs[first::count] for first in range(count)]
        fullest = max(dealt, key=sum)
        if sum(fullest) <= usable and len(dealt[0]) * CPUS <= cpus + _NEAR:
            return Nodes(count, cpus, len(dealt[0]), sum(fullest))
    return None


def share(fleet: Fleet) -> float:
    """Cores that one of its workers takes at the peak. One that goes as fast as it can takes at least what its process may use
    of one."""
    return BUSY if fleet.cores is None else fleet.cores / fleet.workers
