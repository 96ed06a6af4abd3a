"""What is told of the records of a transaction, by what became of each of them."""

import numpy as np

from actors.fates import Fates, Sent
from actors.rows import REPORT
from actors.tally import Fate, Outcome


def reports(*rows: tuple[int, int, Outcome]) -> np.ndarray:
    """(stream, sequence, outcome)"""
    table = np.zeros(len(rows), REPORT)
    for name, column in zip(("stream", "sequence", "outcome"), zip(*rows, strict=True), strict=True):
        table[name] = column
    return table


def told(fates: Fates) -> list[tuple[int, int, int]]:
    """(first, last, fate)"""
    return [(int(row["first"]), int(row["last"]), int(row["fate"])) for row in fates.cut()]


def a_transaction(fates: Fates, fate: Fate) -> None:
    fates.begin()
    fates.send(Sent(stream=5, client=9, partition=2, topic=1, first=10, last=19))
    fates.hear(
        reports(
            (5, 10, Outcome.ACKNOWLEDGED), (5, 12, Outcome.REFUSED), (5, 13, Outcome.REFUSED), (5, 17, Outcome.UNKNOWN),
            (6, 11, Outcome.REFUSED),
        )  # of another stream
    )  # fmt: skip
    fates.end(fate, 3, 77)


def test_only_what_was_acknowledged_of_an_aborted_transaction_is_told_as_aborted() -> None:
    fates = Fates()
    a_transaction(fates, Fate.ABORTED)
    assert told(fates) == [
        (10, 11, Fate.ABORTED),
        (14, 16, Fate.ABORTED),
        (17, 17, Fate.MAYBE_WRITTEN),
        (18, 19, Fate.ABORTED),
    ]
    assert told(fates) == []


def test_any_other_end_is_that_of_all_that_was_sent() -> None:
    fates = Fates()
    a_transaction(fates, Fate.UNKNOWN)
    fates.begin()
    fates.send(Sent(stream=5, client=9, partition=2, topic=1, first=20, last=29))
    fates.end(Fate.ABORTED, 4, 77)  # the one before has left nothing
    assert told(fates) == [(10, 19, Fate.UNKNOWN), (20, 29, Fate.ABORTED)]


def test_a_row_names_stream_transaction_and_writer() -> None:
    fates = Fates()
    a_transaction(fates, Fate.COMMITTED)
    (row,) = fates.cut()
    names = ("client", "partition", "topic", "transaction", "writer")
    assert row.dtype.names is not None
    assert [int(row[name]) for name in names if name in row.dtype.names] == [9, 2, 1, 3, 77][: len(names)]
