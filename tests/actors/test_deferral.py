"""What waits for a partition that is slow to answer, and what does not."""

import numpy as np

from actors.claiming import Claiming
from actors.composer import Times
from actors.deferral import Deferral, Slice
from actors.rotation import Turn
from actors.rows import REPORT
from actors.tally import Outcome

_LINGER = 0.005
_QUICK, _BETWEEN, _LATE = 0.013, 0.019, 0.021  # s: below two lingers and 4 ms; below two and 10 ms; above


class Client:
    """Streams of one client, what is kept back of them, and time and answers as a test wants them."""

    def __init__(self, partitions: int = 1, *, on: bool = True) -> None:
        self.claiming, self.now = Claiming(), 10**9
        streams = self.claiming.open(7, [(1, partition) for partition in range(partitions)])
        self.turns = [Turn("orders", partition, stream) for partition, stream in enumerate(streams)]
        self.deferral = Deferral(self.claiming, _LINGER, on=on)

    def due(self, count: int, partition: int = 0, *, at: int = 0) -> bool:
        """So many records are due there; says whether they are written now."""
        turn = self.turns[partition]
        piece = Slice(turn, self.claiming.attempt(turn.stream, count), count, Times(at))
        if self.deferral.keeps(piece, self.now):
            return False
        self.deferral.written(piece, self.now)
        return True

    def answer(self, count: int, partition: int = 0) -> None:
        """Its next records are there."""
        rows = np.zeros(count, REPORT)
        stream = self.turns[partition].stream
        rows["stream"] = stream
        rows["sequence"] = self.claiming.streams[stream]["reported"] + np.arange(count)
        rows["outcome"] = Outcome.ACKNOWLEDGED
        self.claiming.fold(rows, count, 1)

    def after(self, seconds: float) -> list[tuple[int, int, int]]:
        """(partition, records, when they were due) of what goes so much later; it is written."""
        self.now += round(seconds * 1e9)
        pieces = list(self.deferral.hear(self.now))
        for piece in pieces:
            self.deferral.written(piece, self.now)
        return [(piece.turn.partition, piece.count, piece.times.first) for piece in pieces]


def test_behind_a_quick_answer_nothing_is_kept_back() -> None:
    client = Client()
    for _ in range(3):
        assert client.due(100)
        assert client.after(_QUICK) == []
        assert client.due(100)
        client.answer(200)
        assert client.after(0) == []


def test_behind_a_late_answer_all_waits_and_goes_in_its_order_when_that_is_there() -> None:
    client = Client()
    assert client.due(5)
    assert client.after(_LATE) == []
    assert [client.due(3, at=1), client.due(4, at=2)] == [False, False]
    assert client.deferral.count == 7
    assert client.after(10) == []
    client.answer(1)
    assert client.after(0) == [(0, 3, 1), (0, 4, 2)]
    assert client.deferral.count == 0


def test_fewer_than_five_keep_nothing_back_however_late() -> None:
    client = Client()
    for _ in range(4):
        assert client.due(1)
        assert client.after(_LATE) == []
    assert client.due(1)
    assert not client.due(1)


def test_what_waits_is_not_counted_as_on_its_way() -> None:
    client = Client()
    client.due(5)
    client.after(_LATE)
    assert not client.due(100, at=1)
    client.answer(1)
    assert client.after(0) == [(0, 100, 1)]


def test_a_partition_that_was_late_once_is_waited_for_until_it_is_quick_again() -> None:
    client = Client()
    client.due(5)
    client.after(_LATE)
    client.answer(5)
    assert client.after(0) == []
    for took in (_BETWEEN, _QUICK):
        assert client.due(5)
        client.now += round(_LINGER * 1e9)
        assert not client.due(5, at=1)  # though nothing is late yet
        client.answer(5)
        assert client.after(took - _LINGER) == [(0, 5, 1)]
        client.answer(5)
        assert client.after(took) == []
    assert client.due(5)
    client.now += round(_LINGER * 1e9)
    assert client.due(5)


def test_one_that_was_never_late_is_not_waited_for_below_the_limit() -> None:
    client = Client()
    client.due(5)
    assert client.after(_BETWEEN) == []
    assert client.due(5)


def test_what_comes_while_a_batch_still_fills_joins_it() -> None:
    client = Client()
    client.due(5)
    client.after(_LATE)
    client.answer(5)
    client.after(0)
    assert [client.due(5), client.due(5)] == [True, True]
    client.now += round(_LINGER / 2 * 1e9) - 1
    assert client.due(5)
    client.now += 1
    assert not client.due(5)


def test_what_one_partition_owes_keeps_no_other_back() -> None:
    client = Client(2)
    client.due(5, 0)
    client.after(_LATE)
    assert not client.due(5, 0)
    assert client.due(5, 1)
    assert client.due(5, 1)


def test_all_that_waits_can_be_had_at_once() -> None:
    client = Client(2)
    for partition in (0, 1):
        client.due(5, partition)
    client.after(_LATE)
    for partition in (1, 0, 1):
        client.due(2, partition)
    rest = [(piece.turn.partition, piece.count) for piece in client.deferral.rest()]
    assert sorted(rest) == [(0, 2), (1, 2), (1, 2)]
    assert client.deferral.count == 0
    assert list(client.deferral.rest()) == []


def test_one_that_is_off_keeps_nothing() -> None:
    client = Client(on=False)
    client.due(5)
    client.after(_LATE)
    assert client.due(5)
