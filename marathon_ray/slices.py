"""What one worker is told of its fleet's spec when it comes after the others: schedules and readings go on, not anew."""

from collections.abc import Callable, Mapping
from itertools import pairwise

from actors.spec import Auditors, Partitions, Producers, Stand, WorkerSpec

Knots = tuple[tuple[float, float], ...]


def aged(spec: WorkerSpec, seconds: float) -> WorkerSpec:
    """The spec for one that begins so many seconds after its fleet: a curve goes on where it is by then."""
    if not isinstance(spec, Producers) or not spec.curve or seconds <= 0:
        return spec
    later = tuple((at - seconds, share) for at, share in spec.curve if at > seconds)
    return spec.model_copy(update={"curve": ((0.0, share_at(spec.curve, seconds)), *later)})


def share_at(curve: Knots, seconds: float) -> float:
    """The share of the rate at that time: straight from knot to knot, flat before the first and after the last."""
    if seconds <= curve[0][0]:
        return curve[0][1]
    for (left, low), (right, high) in pairwise(curve):
        if seconds < right:
            return low + (high - low) * (seconds - left) / (right - left)
    return curve[-1][1]


def resumed(spec: WorkerSpec, stand: Callable[[str, int], tuple[Stand, Stand]]) -> WorkerSpec:
    """The spec for one that begins: an auditor's passes go on where `stand` says of a topic's partition."""
    if not isinstance(spec, Auditors):
        return spec
    return spec.model_copy(update={"begin": _begin(spec.partitions, stand)})


def _begin(
    partitions: Partitions, stand: Callable[[str, int], tuple[Stand, Stand]]
) -> Mapping[str, Mapping[int, tuple[Stand, Stand]]]:
    return {topic: {number: stand(topic, number) for number in numbers} for topic, numbers in partitions.items()}
