"""How many records wait is known without a look at the rows, whatever was claimed twice, late, or in what order."""

from collections import Counter
from collections.abc import Mapping
from typing import TypeAlias

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from actors.intervals import Numbers, sizes
from actors.tally import Outcome, Table
from marathon_ray.claims import Claims
from marathon_ray.interner import Interner
from marathon_ray.judge import Column, normal
from marathon_ray.settle import decided
from marathon_ray.stretch import NONE, PARTITION_SHIFT, split

STREAMS = np.array([0, 1, 1 << 32], np.uint64)  # two clients of one partition, and one of another
Row: TypeAlias = tuple[int, int, int, Outcome, int]  # stream, first, how many, outcome, offset (-1: none)
COUNTED = ("acknowledged", "refused", "unknown")

rows = st.tuples(
    st.integers(0, 2), st.integers(0, 9), st.integers(1, 4), st.sampled_from(Outcome), st.integers(-1, 20)
)  # fmt: skip
steps = st.one_of(
    st.lists(rows, min_size=1, max_size=4),
    st.tuples(st.just("harden"), st.integers(0, 25)),
    st.tuples(st.just("soften"), st.integers(0, 25)),
    st.just("settle"),
    st.just("look"),
)


class Bench:
    """Claims, and to where each stream is settled."""

    def __init__(self) -> None:
        self.streams, self.places = Interner(), Interner()
        self.streams.slots(STREAMS)
        self.places.slots(np.unique(STREAMS >> PARTITION_SHIFT))
        self.claims = Claims(self.streams, self.places)
        self.below = np.zeros(len(STREAMS), np.int64)

    def bound(self, rows: Table) -> Numbers:
        return self.below[np.searchsorted(STREAMS, rows["key"])]

    def add(self, given: list[Row]) -> None:
        table = np.full(len(given), -1, NONE.dtype)
        for row, (stream, first, count, outcome, offset) in zip(table, given, strict=True):
            row["key"], row["first"], row["last"] = STREAMS[stream], first, first + count - 1
            if offset >= 0 and outcome is Outcome.ACKNOWLEDGED:
                row["first_offset"], row["last_offset"] = offset, offset + count - 1
        for outcome in Outcome:
            mine = table[[one[3] is outcome for one in given]]
            _, live = split(mine, self.bound(mine))
            self.claims.add(live, np.full(len(live), outcome, np.uint8))

    def settle(self) -> None:
        self.claims.overtaken(self.bound)
        rows, firm = self.claims.candidates()
        if len(rows):
            keys, ends = decided(rows, firm, self.bound(rows))
            self.below[np.searchsorted(STREAMS, keys)] = ends
            self.claims.settle(self.bound)

    def told(self) -> dict[str, Counter[int]]:
        """By word and stream, of which each is asked for alone and all are asked for at once."""
        alone = [self.claims.live(STREAMS[number : number + 1], self.bound) for number in range(len(STREAMS))]
        together = self.claims.live(STREAMS, self.bound)
        sums = self._summed(*together)
        for word in COUNTED:
            assert sum((self._summed(*one)[word] for one in alone), Counter()) == sums[word]
        return sums

    def _summed(self, keys: Table, amounts: Mapping[str, Numbers]) -> dict[str, Counter[int]]:
        sums: dict[str, Counter[int]] = {word: Counter() for word in COUNTED}
        for word in COUNTED:
            for key, amount in zip(keys.tolist(), amounts[word].tolist(), strict=True):
                sums[word][key] += amount
            sums[word] = +sums[word]
        return sums

    def laid(self) -> dict[str, Counter[int]]:
        """The same from all rows, laid over one another."""
        laid = self.claims.overlaid(self.bound, STREAMS)
        times = np.zeros((len(Column), len(laid)), np.int64)
        times[:3] = laid.times
        amounts = normal(times)[:3] * sizes(laid)
        return self._summed(laid.key, dict(zip(COUNTED, amounts, strict=True)))


@given(st.lists(steps, max_size=12))
def test_what_is_counted_as_it_comes_and_goes_is_what_the_rows_say(given: list[object]) -> None:
    bench = Bench()
    for step in given:
        match step:
            case ("harden", int(position)):
                bench.claims.harden(np.full(len(bench.places), position))
            case ("soften", int(offset)):
                bench.claims.soften(0, offset)
            case "settle":
                bench.settle()
            case list():
                bench.add(step)
        if step == "look":
            assert bench.told() == bench.laid()
    assert bench.told() == bench.laid()


def test_a_stream_whose_twice_claimed_records_are_settled_is_counted_as_it_comes_again() -> None:
    bench = Bench()
    bench.add([(0, 0, 4, Outcome.ACKNOWLEDGED, 0), (0, 2, 2, Outcome.ACKNOWLEDGED, 9), (1, 0, 4, Outcome.UNKNOWN, -1)])
    assert bench.claims._tangled.tolist() == [0, 1]
    for position in (5, 20):  # what was claimed twice is settled by one, and the other is left to be overtaken
        bench.claims.harden(np.full(len(bench.places), position))
        bench.settle()
    bench.told()
    assert bench.claims._tangled.tolist() == [1]  # what is unknown waits for an acknowledgement behind it
    bench.add([(1, 4, 1, Outcome.ACKNOWLEDGED, 9)])
    bench.claims.harden(np.full(len(bench.places), 20))
    bench.settle()
    bench.told()
    assert not len(bench.claims._tangled)
