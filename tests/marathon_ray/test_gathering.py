"""Acknowledgements by partition, histograms and positions, of all new parts of a round."""

import numpy as np

from actors import latency
from actors.tally import CLAIMS, POSITIONS, Outcome, Part
from marathon_ray.finding import Tail
from marathon_ray.gathering import Gathering, Loss, acks, mourned


def claims(*rows: tuple[int, int, Outcome, int, int, int, int]) -> np.ndarray:
    """(topic, partition, outcome, first, last, since, until)"""
    table = np.zeros(len(rows), CLAIMS)
    for name, column in zip(
        ("topic", "partition", "outcome", "first", "last", "since", "until"), zip(*rows, strict=True), strict=True
    ):
        table[name] = column
    return table


def test_acknowledgements_are_summed_by_topic_and_partition() -> None:
    table = acks(
        claims(
            (2, 70_000, Outcome.ACKNOWLEDGED, 0, 9, 50, 60),
            (1, 3, Outcome.ACKNOWLEDGED, 0, 0, 30, 30),
            (2, 70_000, Outcome.ACKNOWLEDGED, 10, 14, 40, 55),
            (2, 70_000, Outcome.REFUSED, 15, 99, 1, 99),
            (2, 5, Outcome.UNKNOWN, 0, 9, 1, 99),
        )
    )
    assert table.tolist() == [(1, 3, 30, 30, 1), (2, 70_000, 40, 60, 15)]


def test_of_nothing_there_is_nothing() -> None:
    assert len(Gathering().acks()) == 0


def test_parts_add_up() -> None:
    gathering = Gathering()
    histogram = latency.empty()
    histogram[5] = 2
    position = np.array([(1, 2, 77, 1)], POSITIONS)
    for version in (1, 2):
        gathering.add(
            [
                Part(
                    version,
                    0,
                    "first",
                    counts={"read": 3},
                    latencies={"x": latency.sparse(histogram)},
                    positions=position,
                )
            ]
        )
    assert gathering.counts == {"read": 6}
    assert gathering.latencies()["x"][5] == 4
    assert gathering.positions == [("first", 1, 2, 77, True)] * 2


def test_of_lost_workers_it_is_told_who_and_why() -> None:
    def lost(*whys: str) -> list[Loss]:
        return [
            Loss(f"seat-{n}", f"w-{n}", why, announced=False, tail=Tail(f"w-{n}", 0, 0)) for n, why in enumerate(whys)
        ]

    assert mourned("writers", lost("its node is gone")) == "writers lost w-0: its node is gone"
    assert mourned("writers", lost("gone", "gone")) == "writers lost w-0, w-1: gone"
    many = lost("gone", "silent", "gone", "gone", "gone")
    assert mourned("writers", many) == "writers lost w-0, w-1, w-2 and 2 more: gone (4); silent (1)"
    assert mourned("writers", lost("a", "b", "c", "d")).endswith(": a (1); b (1); c (1); and other reasons")
