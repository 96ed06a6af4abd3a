"""Latency histograms of one fixed layout: whole microseconds, log-linear, so that they merge by adding.

Below 128 µs each bucket is one µs; from there each octave has 64, so a bucket is at most 1/64 of its values wide. The
layout ends at 2**40 µs (12.7 days); what is longer counts in the last bucket, what is negative in the first.
"""

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from actors.tally import Counts

LONGEST: Final = 2**40 - 1  # µs
LAYOUT_SIZE: Final = 128 + 33 * 64
Sparse: TypeAlias = tuple[NDArray[np.uint16], NDArray[np.int64]]


def buckets(us: NDArray[np.int64]) -> NDArray[np.int64]:
    """The index, 0 to LAYOUT_SIZE - 1, of the bucket of each so many µs."""
    held = np.clip(us, 0, LONGEST)
    octave = np.frexp((held | 64).astype(np.float64))[1].astype(np.int64) - 7
    return (octave << 6) + (held >> octave)


def highest(index: int) -> int:
    """The longest latency, µs, that falls into that bucket."""
    octave = max(0, (index >> 6) - 1)
    return ((index - (octave << 6) + 1) << octave) - 1


def empty() -> Counts:
    """A histogram of nothing."""
    return np.zeros(LAYOUT_SIZE, np.int64)


def percentile(counts: Counts, share: float) -> int:
    """µs that this share (0 to 1) of the latencies does not exceed: the highest of a bucket, so at most 1/64 too long.

    0 is the shortest, 1 the longest latency. Merge first: percentiles do not add. Raises ValueError where none counted.
    """
    return percentile_of(np.cumsum(counts), share)


def percentile_of(upto: Counts, share: float) -> int:
    """The same, of counts that are summed up: for several of one distribution."""
    total = int(upto[-1])
    if not total or not 0 <= share <= 1:
        raise ValueError(f"no percentile {share} (0 to 1) of {total} latencies")
    rank = math.ceil(Fraction(str(share)) * total)  # as it is written: 0.07 of 100 is 7
    return highest(int(np.searchsorted(upto, max(1, rank))))


def sparse(counts: Counts) -> Sparse:
    """What is not zero, for the wire: indices and counts."""
    indices = np.flatnonzero(counts)
    return indices.astype(np.uint16), counts[indices]


def dense(wire: Sparse) -> Counts:
    """The histogram that `sparse` was made of; an index that comes twice is added up."""
    return merged([wire])


def merged(wires: Sequence[Sparse]) -> Counts:
    """The sum of these histograms (at least one): of a thousand workers' as of one."""
    counts = empty()
    np.add.at(counts, np.concatenate([indices for indices, _ in wires]), np.concatenate([more for _, more in wires]))
    return counts
