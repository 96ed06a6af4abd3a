"""Findings and withdrawals of the same records, in different pieces."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marathon_ray.finding import Finding, FindingKind
from marathon_ray.standing import standing


def lost(first: int, last: int, *, partition: int = 0, offsets: tuple[int, int] = (-1, -1)) -> Finding:
    return Finding(
        kind=FindingKind.LOST,
        topic=1,
        partition=partition,
        client=7,
        first=first,
        last=last,
        first_offset=offsets[0],
        last_offset=offsets[1],
        count=last - first + 1,
    )


def records(findings: list[Finding]) -> set[int]:
    return {sequence for finding in findings for sequence in range(finding.first, finding.last + 1)}


@given(st.lists(st.integers(1, 9), min_size=1, max_size=6), st.integers(0, 40), st.integers(0, 40))
def test_what_was_found_in_pieces_is_withdrawn_joined(widths: list[int], left: int, right: int) -> None:
    edges = [0, *(sum(widths[: at + 1]) for at in range(len(widths)))]
    found = [lost(a, b - 1) for a, b in pairwise(edges)]
    first, last = sorted((min(left, edges[-1] - 1), min(right, edges[-1] - 1)))
    stands = standing(found, [lost(first, last)])
    assert records(stands) == records(found) - set(range(first, last + 1))
    assert sum(finding.count for finding in stands) == len(records(stands))


def test_offsets_are_cut_where_they_follow_from_sequences() -> None:
    left, right = standing([lost(10, 19, offsets=(110, 119))], [lost(12, 13)])
    assert (left.first_offset, left.last_offset, right.first_offset, right.last_offset) == (110, 111, 114, 119)
    (bounded,) = standing([lost(10, 19, offsets=(110, 190))], [lost(10, 13)])
    assert (bounded.first_offset, bounded.last_offset) == (110, 190)


def test_another_place_is_left_alone() -> None:
    here, there = lost(0, 9), lost(0, 9, partition=1)
    assert standing([here, there], [lost(0, 9)]) == [there]


def test_a_finding_without_sequences_is_withdrawn_by_its_equal() -> None:
    cut = Finding(kind=FindingKind.PASSES_DIFFER, topic=1, partition=0, first_offset=65_536, count=3)
    assert standing([cut], [cut]) == []


def test_a_withdrawal_of_what_was_never_found_is_an_error() -> None:
    with pytest.raises(ValueError, match="never found"):
        standing([lost(0, 9)], [lost(20, 29)])
