"""Histograms against HdrHistogram and against the sorted values themselves."""

import math
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hdrh.histogram import HdrHistogram
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from actors.bucketing import bucket
from actors.latency import LAYOUT_SIZE, LONGEST, buckets, dense, empty, highest, percentile, sparse
from actors.tally import Counts

latencies = st.lists(
    st.one_of(st.integers(0, 1_000), st.integers(0, 10**8), st.integers(0, LONGEST)), min_size=1, max_size=300
)
shares = st.floats(0, 1)


def counted(values: list[int]) -> Counts:
    return np.bincount(buckets(np.array(values, np.int64)), minlength=LAYOUT_SIZE)


def test_the_layout_has_no_holes_and_no_overlaps() -> None:
    ends = [highest(index) for index in range(LAYOUT_SIZE)]
    assert [int(bucket(end)) for end in ends] == list(range(LAYOUT_SIZE))
    assert [int(bucket(end + 1)) for end in ends[:-1]] == list(range(1, LAYOUT_SIZE))
    assert (int(bucket(0)), ends[-1]) == (0, LONGEST)


def test_a_bucket_is_at_most_a_64th_of_its_values_wide() -> None:
    ends = [-1, *(highest(index) for index in range(LAYOUT_SIZE))]
    assert all((top - below - 1) * 64 <= below + 1 for below, top in pairwise(ends))


@given(st.lists(st.integers(-(2**62), 2**62), min_size=1))
def test_the_kernel_and_the_vector_version_agree_for_every_number(values: list[int]) -> None:
    assert buckets(np.array(values, np.int64)).tolist() == [int(bucket(value)) for value in values]


def test_what_is_negative_counts_as_0_and_what_is_too_long_in_the_last_bucket() -> None:
    assert int(bucket(-5)) == 0
    assert int(bucket(LONGEST + 1)) == int(bucket(2**62)) == LAYOUT_SIZE - 1


@given(values=latencies, share=shares)
def test_a_percentile_is_at_most_a_64th_above_the_exact_one_and_never_below(values: list[int], share: float) -> None:
    exact = sorted(values)[max(1, math.ceil(Fraction(str(share)) * len(values))) - 1]
    assert exact <= percentile(counted(values), share) <= exact + exact / 64


@given(values=latencies, share=st.sampled_from([0.01, 0.25, 0.5, 0.9, 0.99, 0.999, 1.0]))
def test_percentiles_agree_with_hdrhistogram(values: list[int], share: float) -> None:
    oracle = HdrHistogram(1, 2**41, 3)
    for value in values:
        oracle.record_value(max(1, value))
    rank = max(1, math.ceil(Fraction(str(share)) * len(values)))
    theirs = oracle.get_value_at_percentile(100 * rank / len(values))  # it would round to the nearest rank, we go up
    assert max(1, percentile(counted(values), share)) == pytest.approx(theirs, rel=1 / 64 + 1 / 1000, abs=1)


@given(values=latencies, share=shares)
def test_the_percentiles_of_a_merge_are_those_of_all_values(values: list[int], share: float) -> None:
    for cut in range(0, len(values), 1 + len(values) // 3):
        merged = counted(values[:cut]) + counted(values[cut:])
        assert percentile(merged, share) == percentile(counted(values), share)


@given(latencies)
def test_the_ends_are_the_shortest_and_the_longest(values: list[int]) -> None:
    counts = counted(values)
    assert percentile(counts, 0.0) == highest(int(bucket(min(values))))
    assert percentile(counts, 1.0) == highest(int(bucket(max(values))))


@given(arrays(np.int64, LAYOUT_SIZE, elements=st.integers(0, 2**40), fill=st.just(0)))
def test_a_histogram_survives_the_wire(counts: Counts) -> None:
    indices, some = sparse(counts)
    assert (some > 0).all()
    assert indices.nbytes + some.nbytes == 10 * np.count_nonzero(counts)
    assert (dense((indices, some)) == counts).all()


def test_an_index_that_comes_twice_on_the_wire_is_added_up() -> None:
    counts = dense((np.array([3, 3], np.uint16), np.array([1, 2], np.int64)))
    assert (int(counts[3]), int(counts.sum())) == (3, 3)


def test_a_rank_that_is_whole_is_not_rounded_up() -> None:
    counts = counted(list(range(100)))
    assert [percentile(counts, share) for share in (0.07, 0.29, 0.57, 0.99)] == [6, 28, 56, 98]


def test_nothing_has_no_percentile_and_neither_has_a_share_beyond_1() -> None:
    with pytest.raises(ValueError, match=r"no percentile 0.5 \(0 to 1\) of 0 latencies"):
        percentile(empty(), 0.5)
    with pytest.raises(ValueError, match=r"no percentile 50 \(0 to 1\) of 1 latencies"):
        percentile(counted([1]), 50)
