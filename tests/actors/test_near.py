"""Partitions near their writers: the balance of the fleet comes first, and then as little as can be leaves a zone."""

from collections import Counter
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from actors.near import Hands, Near, near, share_out, strange
from actors.spec import Auditors, Producers

zones = st.sampled_from(["", "a", "b", "c"])
leaders = st.lists(zones, min_size=1, max_size=40).map(tuple)
homes = st.lists(zones, min_size=1, max_size=12).map(tuple)
caps = st.integers(1, 5)


def at_home(hands: Hands, led: tuple[str, ...], living: tuple[str, ...]) -> int:
    return sum(led[place] == zone for hand, zone in zip(hands, living, strict=True) for place in hand)


@given(leaders, caps, homes)
def test_each_partition_has_its_writers_and_nobody_more_than_a_fair_share(
    led: tuple[str, ...], cap: int, living: tuple[str, ...]
) -> None:
    hands = share_out(led, cap, living)
    assert all(len(set(hand)) == len(hand) for hand in hands)
    assert Counter(place for hand in hands for place in hand) == dict.fromkeys(range(len(led)), min(cap, len(living)))
    sizes = [len(hand) for hand in hands]
    assert max(sizes) - min(sizes) <= 1


@given(leaders, caps, homes, zones)
def test_one_worker_more_takes_its_part_and_nothing_else_moves(
    led: tuple[str, ...], cap: int, living: tuple[str, ...], home: str
) -> None:
    before, after = share_out(led, cap, living), share_out(led, cap, (*living, home))
    assert all(set(kept) <= set(had) for kept, had in zip(after, before, strict=False))
    assert len(after[-1]) <= Fraction(len(led) * min(cap, len(living) + 1), len(living) + 1)


@given(st.integers(1, 6), st.integers(1, 4))
def test_with_a_worker_in_each_zone_nothing_leaves_it(each: int, count: int) -> None:
    names = tuple("abcd"[:count])
    led = names * each
    hands = share_out(led, 1, names)
    assert at_home(hands, led, names) == len(led)


@given(st.integers(1, 4), st.integers(2, 8), st.integers(2, 4))
def test_far_more_stays_at_home_than_by_chance(cap: int, each: int, count: int) -> None:
    names = tuple("abcd"[:count])
    led, living = names * 12, names * each
    hands = share_out(led, cap, living)
    pairs = sum(map(len, hands))
    if each >= cap:  # else some must write to all zones
        assert at_home(hands, led, living) / pairs >= 0.5 + 0.5 / count - 0.05


def test_zones_are_known_where_nodes_and_brokers_have_some_in_common() -> None:
    led = {("t", 0): "a", ("t", 1): "b", ("t", 2): ""}
    assert near({"a", "b", "z"}, led, {1: "a", 2: "b"}) == Near(("a", "b"), led, {1: "a", 2: "b"})
    assert near({"use1-az1"}, led, {1: "a"}) is None
    assert near((), led, {1: "a"}) is None
    assert near({"", "a"}, {("t", 0): ""}, {}) is None


def test_two_languages_for_zones_are_told() -> None:
    line = "nodes are in us-east-1a, us-east-1b, brokers in use1-az1: nothing can be kept in one zone"
    assert strange({"us-east-1b", "us-east-1a"}, {1: "use1-az1", 2: "use1-az1"}) == line
    assert strange({"a"}, {1: "a", 2: "b"}) == strange((), {1: "a"}) == strange({"a"}, {}) == ""


@given(st.integers(1, 9), caps)
def test_slices_near_their_leaders_add_up_to_the_fleet(of: int, cap: int) -> None:
    known = Near(("a", "b"), {("t", number): "ab"[number % 2] for number in range(7)}, {})
    whole = Producers(to=("t",), rate="700 records/s", writers_per_partition=cap)
    slices = [whole.slice(index, of, {"t": 7}, known) for index in range(of)]
    assert sum(part.rate.amount or 0 for part in slices) == 700
    written = Counter(number for part in slices for number in part.partitions.get("t", ()))
    assert written == dict.fromkeys(range(7), min(cap, of))
    audits = [Auditors(of=("t",)).slice(index, of, {"t": 7}, known) for index in range(of)]
    assert sorted(number for part in audits for number in part.partitions.get("t", ())) == list(range(7))
