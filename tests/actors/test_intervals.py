"""The overlay against an oracle of another make, and its laws."""

import numpy as np
import portion
from hypothesis import given
from hypothesis import strategies as st

from actors.intervals import (
    Intervals,
    coalesced,
    difference,
    intersection,
    intervals,
    overlay,
    sizes,
    stack,
    sweep,
    union,
)

ROW = st.tuples(st.integers(0, 2), st.integers(0, 30), st.integers(0, 8)).map(lambda r: (r[0], r[1], r[1] + r[2]))
TABLE = st.lists(ROW, max_size=8).map(intervals)


def oracle(table: Intervals) -> dict[int, portion.Interval]:
    out: dict[int, portion.Interval] = {}
    for key, first, last in zip(table.key, table.first, table.last, strict=True):
        out[int(key)] = out.get(int(key), portion.empty()) | portion.closedopen(int(first), int(last) + 1)
    return out


def same(got: Intervals, want: dict[int, portion.Interval]) -> bool:
    # A joined result has exactly as many rows as the oracle has atomic intervals.
    full = {key: value for key, value in want.items() if not value.empty}
    return oracle(got) == full and len(got) == sum(len(value) for value in full.values())


@given(TABLE, TABLE)
def test_union_difference_and_intersection_agree_with_portion(left: Intervals, right: Intervals) -> None:
    a, b = oracle(left), oracle(right)
    keys = {*a, *b}
    empty = portion.empty()
    assert same(union(left, right), {k: a.get(k, empty) | b.get(k, empty) for k in keys})
    assert same(difference(left, right), {k: a.get(k, empty) - b.get(k, empty) for k in keys})
    assert same(intersection(left, right), {k: a.get(k, empty) & b.get(k, empty) for k in keys})


@given(TABLE, TABLE, TABLE)
def test_overlay_counts_each_number_as_often_as_each_table_covers_it(a: Intervals, b: Intervals, c: Intervals) -> None:
    segments = overlay(a, b, c)
    got = {
        (int(key), n): tuple(int(t) for t in times)
        for key, first, last, times in zip(segments.key, segments.first, segments.last, segments.times.T, strict=True)
        for n in range(int(first), int(last) + 1)
    }
    want: dict[tuple[int, int], list[int]] = {}
    for index, table in enumerate((a, b, c)):
        for key, first, last in zip(table.key, table.first, table.last, strict=True):
            for n in range(int(first), int(last) + 1):
                want.setdefault((int(key), n), [0, 0, 0])[index] += 1
    assert got == {place: tuple(times) for place, times in want.items()}


@given(TABLE, TABLE)
def test_segments_are_disjoint_and_ordered(a: Intervals, b: Intervals) -> None:
    s = overlay(a, b)
    later = s.key[1:] > s.key[:-1]
    assert np.all(later | (s.key[1:] == s.key[:-1]))
    assert np.all(later | (s.first[1:] > s.last[:-1]))


@given(TABLE, TABLE)
def test_sizes_of_parts_add_up_to_the_whole(a: Intervals, b: Intervals) -> None:
    whole = int(sizes(union(a, b)).sum())
    assert whole == sum(int(sizes(part).sum()) for part in (difference(a, b), intersection(a, b), difference(b, a)))


@given(TABLE, TABLE)
def test_a_sweep_of_a_sweep_changes_nothing_and_coalescing_keeps_the_sum(a: Intervals, b: Intervals) -> None:
    once = overlay(a, b)
    twice = sweep(once)
    assert np.array_equal(once.times, twice.times)
    assert np.array_equal(once.first, twice.first)
    tight = coalesced(once)
    assert len(tight) <= len(once)
    assert np.array_equal((tight.times * sizes(tight)).sum(axis=1), (once.times * sizes(once)).sum(axis=1))


def test_an_empty_overlay_is_empty() -> None:
    nothing = intervals([])
    assert len(overlay(nothing, nothing)) == 0
    assert len(union(nothing)) == 0


def test_stacked_segments_sweep_as_if_they_were_one_table() -> None:
    a, b = overlay(intervals([(1, 0, 9)])), overlay(intervals([(1, 5, 14)]))
    both = sweep(stack([a, b]))
    assert both.times[0].tolist() == [1, 2, 1]
    assert both.first.tolist() == [0, 5, 10]
