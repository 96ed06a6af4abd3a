"""Tallies that come twice, late, or in another order change nothing."""

from hypothesis import given, settings
from hypothesis import strategies as st

from actors.tally import Outcome, Part, Tally, merge
from marathon_ray.accounts import Accounts
from marathon_ray.terms import TopicTerms
from tests.model.parts import found_of, part

SEQUENCES = 24


def worker_parts() -> list[Part]:
    """A writer's parts: three records each, acknowledged in order."""
    out = []
    for number in range(SEQUENCES // 3):
        first, last = 3 * number, 3 * number + 2
        claims = [(5, 0, 0, Outcome.ACKNOWLEDGED, first, last, first, last, 0, 0)]
        out.append(part(number + 1, clients=[(5, 0)], attempts=[(5, 0, 0, last + 1)], claims=claims))
    return out


def reader_parts(reading: str, lost: int) -> list[Part]:
    """A pass's parts: four offsets each, one record is not there."""
    out = []
    for number in range(SEQUENCES // 4):
        offsets = [offset for offset in range(4 * number, 4 * number + 4) if offset != lost]
        rows = found_of((0, 0), [(offset, 5, offset, 0) for offset in offsets])
        out.append(part(number + 1, reading=reading, found=rows, positions=[(0, 0, 4 * number + 4, 1)]))
    return out


PARTS = {"writer": worker_parts(), "one": reader_parts("first", -1), "two": reader_parts("second", 13)}
CHOICE = st.tuples(st.sampled_from(sorted(PARTS)), st.integers(0, 8), st.integers(1, 8), st.booleans())


@settings(deadline=None)
@given(st.lists(CHOICE, max_size=30))
def test_whatever_is_dropped_repeated_or_reordered_between_workers_the_end_is_the_same(
    sends: list[tuple[str, int, int, bool]],
) -> None:
    accounts = Accounts({0: TopicTerms(topic_id="t", partitions=1)})
    for worker, back, count, settle in sends:
        first = max(accounts.version(worker) - back, 0)
        accounts.take(Tally(worker, tuple(PARTS[worker][first : accounts.version(worker) + count])))
        if settle:
            accounts.settle()
        assert not accounts.balance().faults()
    for worker, parts in PARTS.items():
        accounts.take(Tally(worker, tuple(parts)))
    accounts.finish()
    balance = accounts.balance()
    assert (balance.total("found"), balance.total("lost")) == (SEQUENCES - 1, 1)


@given(st.sets(st.integers(1, 8)), st.sets(st.integers(1, 8)), st.sets(st.integers(1, 8)))
def test_tallies_merge_commutatively_associatively_and_idempotently(a: set[int], b: set[int], c: set[int]) -> None:
    def of(versions: set[int]) -> Tally:
        return Tally("writer", tuple(PARTS["writer"][version - 1] for version in sorted(versions)))

    assert merge(of(a), of(b)).parts == merge(of(b), of(a)).parts == of(a | b).parts
    assert merge(merge(of(a), of(b)), of(c)).parts == merge(of(a), merge(of(b), of(c))).parts
    assert merge(of(a), of(a)).parts == of(a).parts
