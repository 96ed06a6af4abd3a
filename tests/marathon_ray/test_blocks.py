"""Digests of blocks where an auditor that was thought dead speaks late: what one pass heard in part is not compared."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.tally import Kind, Tally
from marathon_ray.accounts import Accounts
from marathon_ray.finding import FindingKind
from marathon_ray.terms import TopicTerms
from tests.model.parts import found_of, part, spans_of

WIDTH, CLIENT, PLACE = 8, 7, (0, 0)


class Audited:
    """Accounts with blocks of eight offsets; record n of a log stands at offset n, unless it is another one there."""

    def __init__(self) -> None:
        self.accounts = Accounts({0: TopicTerms(topic_id="t", partitions=1)}, block=WIDTH)
        self.versions: Counter[str] = Counter()

    def read(
        self, reading: str, worker: str, first: int, last: int, *, other: int = -1, gaps: bool = False, cut: int = -1
    ) -> None:
        """A part of that worker, which had read first..last; `other` is an offset where it found another record."""
        offsets = [offset for offset in range(first, last + 1) if not (gaps and offset % 3 == 0)]
        rows = [(offset, CLIENT, offset + 1_000 * (offset == other), 0) for offset in offsets]
        self.versions[worker] += 1
        told = part(
            self.versions[worker],
            reading=reading,
            found=found_of(PLACE, rows, block=WIDTH),
            spans=spans_of(PLACE, rows, block=WIDTH),
            positions=[(*PLACE, last + 1, 0)],
            incidents=[(Kind.TRUNCATED, *PLACE, 0, -1, cut, 1, 0)] if cut >= 0 else [],
        )
        self.accounts.take(Tally(worker, (told,)))

    def differing(self) -> list[int]:
        """The first offsets of the blocks that the passes are now said to have read differently."""
        found = self.accounts.settle().findings
        return [finding.first_offset for finding in found if finding.kind is FindingKind.PASSES_DIFFER]


def other(reading: str) -> str:
    return "second" if reading == "first" else "first"


@pytest.mark.parametrize("late", ["first", "second"])
def test_a_block_that_a_late_part_is_read_across_is_not_compared_and_the_next_one_is(late: str) -> None:
    audited = Audited()
    audited.read(late, "old", 0, 1)
    audited.read(late, "new", 2, 3)
    audited.read(late, "old", 2, 5)  # it was thought dead; of these, 4 and 5 are news
    audited.read(late, "new", 4, 23, other=20)
    audited.read(other(late), "another", 0, 23)
    assert audited.differing() == [16]


@pytest.mark.parametrize("changed", [-1, 6])
def test_a_late_part_that_tells_nothing_new_leaves_its_block_comparable(changed: int) -> None:
    audited = Audited()
    audited.read("first", "old", 0, 1)
    audited.read("first", "new", 2, 5)
    audited.read("first", "old", 2, 5)
    audited.read("first", "new", 6, 7)
    audited.read("second", "another", 0, 7, other=changed)
    assert audited.differing() == ([0] if changed >= 0 else [])


def test_a_block_that_is_read_again_behind_a_cut_is_compared_whatever_was_heard_of_it_before() -> None:
    audited = Audited()
    audited.read("first", "old", 0, 1)
    audited.read("first", "new", 2, 3)
    audited.read("first", "old", 2, 5)
    audited.read("first", "new", 0, 7, cut=5)
    audited.read("second", "another", 0, 7, other=6)
    assert audited.differing() == [0]


_steps = st.lists(st.tuples(st.sampled_from(["old", "new"]), st.integers(1, 12)), max_size=25)


@given(_steps, st.booleans(), st.sampled_from(["first", "second"]))
def test_passes_over_one_log_never_differ_however_two_auditors_overlap(
    steps: list[tuple[str, int]], gaps: bool, late: str
) -> None:
    audited, stood = Audited(), {"old": 0}
    for worker, count in [("old", 3), *steps]:
        first = stood.setdefault(worker, audited.accounts.stand(late, *PLACE)[0])
        audited.read(late, worker, first, first + count - 1, gaps=gaps)
        stood[worker] = first + count
    audited.read(other(late), "another", 0, max(stood.values()) - 1, gaps=gaps)
    assert audited.differing() == []
