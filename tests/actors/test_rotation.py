"""Whose turn it is: nothing goes behind a first record before that one is there."""

import numpy as np
import pytest

from actors.claiming import Claiming
from actors.rotation import MANY, Rotation, Turn
from actors.rows import REPORT
from actors.tally import Outcome


class Client:
    """Streams of one client, its rotation, and reports as a test wants them."""

    def __init__(self, partitions: int, *, careful: bool = True) -> None:
        self.claiming, self.now = Claiming(), 10**9
        streams = self.claiming.open(7, [(1, partition) for partition in range(partitions)])
        self.turns = [Turn("orders", partition, stream) for partition, stream in enumerate(streams)]
        self.rotation = Rotation(self.claiming, careful=careful)
        self.rotation.set(self.turns)

    def write(self, most: int) -> tuple[int, int]:
        """Partition and number of records of the next slice, which is attempted."""
        turn, count = self.rotation.next(most)
        self.claiming.attempt(turn.stream, count)
        return turn.partition, count

    def report(self, partition: int, outcome: Outcome) -> None:
        """What became of the partition's next record."""
        row = np.zeros(1, REPORT)
        stream = self.turns[partition].stream
        row["stream"], row["sequence"] = stream, self.claiming.streams[stream]["reported"]
        row["outcome"], row["offset"] = outcome, 5 if outcome is Outcome.ACKNOWLEDGED else -1
        self.claiming.fold(row, 1, 1)
        self.hear()

    def hear(self, *, after: float = 0.0, idle: bool = False) -> None:
        """So many seconds later, one looks what became of first records."""
        self.now += round(after * 1e9)
        self.rotation.hear(self.now, idle=idle)


def test_each_partition_gets_one_record_and_then_nothing_until_it_is_acknowledged() -> None:
    client = Client(3)
    assert client.rotation.room == 3
    assert [client.write(100) for _ in range(3)] == [(0, 1), (1, 1), (2, 1)]
    assert client.rotation.room == 0
    client.report(1, Outcome.ACKNOWLEDGED)
    client.report(0, Outcome.ACKNOWLEDGED)
    assert client.rotation.room == 0
    client.report(2, Outcome.ACKNOWLEDGED)
    assert client.rotation.room == MANY
    assert [client.write(100) for _ in range(4)] == [(0, 100), (1, 100), (2, 100), (0, 100)]


def test_a_partition_that_does_not_answer_stops_the_others_for_half_a_second_only() -> None:
    client = Client(3)
    for _ in range(3):
        client.write(100)
    client.report(1, Outcome.ACKNOWLEDGED)
    client.hear(after=0.4)
    assert client.rotation.room == 0
    client.hear(after=0.2)
    assert [client.write(100) for _ in range(2)] == [(1, 100), (1, 100)]
    client.report(2, Outcome.ACKNOWLEDGED)
    assert [client.write(100) for _ in range(3)] == [(2, 100), (1, 100), (2, 100)]


@pytest.mark.parametrize("outcome", [Outcome.REFUSED, Outcome.UNKNOWN])
def test_where_the_first_record_is_not_acknowledged_another_first_one_goes(outcome: Outcome) -> None:
    client = Client(1)
    assert client.write(100) == (0, 1)
    client.report(0, outcome)
    assert client.rotation.room == 1
    assert client.write(100) == (0, 1)
    client.report(0, Outcome.ACKNOWLEDGED)
    assert client.write(100) == (0, 100)


def test_a_report_that_never_came_is_not_waited_for_when_nothing_is_on_its_way() -> None:
    client = Client(1)
    client.write(100)
    client.hear()
    assert client.rotation.room == 0
    client.hear(idle=True)
    assert client.write(100) == (0, 1)


def test_partitions_that_are_added_begin_with_one_record_and_the_others_go_on() -> None:
    client = Client(2)
    client.rotation.set(client.turns[:1])
    client.write(100)
    client.report(0, Outcome.ACKNOWLEDGED)
    client.rotation.set(client.turns)
    assert [client.write(100) for _ in range(3)] == [(0, 100), (1, 1), (0, 100)]
    client.hear()
    assert client.rotation.room == 0
    client.report(1, Outcome.ACKNOWLEDGED)
    assert [client.write(100) for _ in range(2)] == [(1, 100), (0, 100)]


def test_of_a_client_that_is_not_idempotent_nothing_is_inferred() -> None:
    client = Client(2, careful=False)
    assert [client.write(100) for _ in range(3)] == [(0, 100), (1, 100), (0, 100)]


def test_what_a_worker_no_longer_writes_gives_no_room() -> None:
    client = Client(2)
    client.write(100)
    client.report(0, Outcome.ACKNOWLEDGED)
    client.rotation.set(client.turns[1:])
    assert client.rotation.room == 1
