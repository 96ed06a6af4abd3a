"""Reports folded into claims: every run, every cut, every sum."""

from collections.abc import Iterable

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from actors.claiming import Claiming
from actors.rows import REPORT
from actors.tally import Outcome, Table

CLIENT, NOW = 77, 5_000_000_000
ACKNOWLEDGED, REFUSED, UNKNOWN = Outcome.ACKNOWLEDGED, Outcome.REFUSED, Outcome.UNKNOWN
Report = tuple[int, int, int, Outcome]  # stream, sequence, offset, outcome


def reports(some: Iterable[Report]) -> Table:
    rows = np.array([(sequence, offset, 0, 0, 0, stream, 100, outcome) for stream, sequence, offset, outcome in some])
    table = np.zeros(len(rows), REPORT)
    for name, column in zip(("sequence", "offset", "stream", "size", "outcome"), rows.T[[0, 1, 5, 6, 7]], strict=True):
        table[name] = column
    table["intended"], table["service_us"] = NOW - 2_000_000, 700
    return table


def opened(streams: int = 1) -> Claiming:
    claiming = Claiming()
    claiming.open(CLIENT, [(1, partition) for partition in range(streams)])
    return claiming


def fold(claiming: Claiming, some: Iterable[Report], now: int = NOW) -> None:
    rows = reports(some)
    claiming.fold(rows, len(rows), now)


def claims(claiming: Claiming) -> list[tuple[int, int, int, int, int, int]]:
    """(partition, outcome, first, last, first offset, last offset) of each run."""
    names = ["partition", "outcome", "first", "last", "first_offset", "last_offset"]
    found: list[tuple[int, int, int, int, int, int]] = claiming.cut()[1][names].tolist()
    return found


def joined(runs: Iterable[tuple[int, int, int, int, int, int]]) -> list[list[int]]:
    """Runs of each partition with those put together that only a cut has parted."""
    merged: list[list[int]] = []
    for run in sorted(runs, key=lambda run: run[0]):  # stable: each stream keeps its order
        last = merged[-1] if merged else [-1] * 6
        follows = run[:3] == (last[0], last[1], last[3] + 1) and (run[4] < 0) == (last[5] < 0)
        if follows:
            last[3], last[5] = run[3], run[5]
        else:
            merged.append(list(run))
    return merged


def test_reports_in_order_are_one_run_with_the_offsets_of_both_ends() -> None:
    claiming = opened()
    fold(claiming, [(0, n, 50 + n, ACKNOWLEDGED) for n in range(10)])
    assert claims(claiming) == [(0, ACKNOWLEDGED, 0, 9, 50, 59)]


def test_a_break_in_the_sequence_begins_a_new_run() -> None:
    claiming = opened()
    fold(claiming, [(0, n, n, ACKNOWLEDGED) for n in (0, 1, 3, 2, 2)])
    assert [run[2:4] for run in claims(claiming)] == [(0, 1), (3, 3), (2, 2), (2, 2)]


def test_another_outcome_begins_a_new_run() -> None:
    claiming = opened()
    fold(claiming, [(0, 0, 0, ACKNOWLEDGED), (0, 1, -1, UNKNOWN), (0, 2, -1, REFUSED), (0, 3, 1, ACKNOWLEDGED)])
    assert [run[1:4] for run in claims(claiming)] == [
        (ACKNOWLEDGED, 0, 0),
        (UNKNOWN, 1, 1),
        (REFUSED, 2, 2),
        (ACKNOWLEDGED, 3, 3),
    ]


def test_an_acknowledgement_without_an_offset_stands_apart_from_those_with_one() -> None:
    claiming = opened()
    fold(
        claiming,
        [(0, 0, 10, ACKNOWLEDGED), (0, 1, -1, ACKNOWLEDGED), (0, 2, -1, ACKNOWLEDGED), (0, 3, 13, ACKNOWLEDGED)],
    )
    assert [run[2:] for run in claims(claiming)] == [(0, 0, 10, 10), (1, 2, -1, -1), (3, 3, 13, 13)]


def test_streams_that_take_turns_in_a_batch_keep_one_run_each() -> None:
    claiming = opened(3)
    fold(claiming, [(stream, n, n, ACKNOWLEDGED) for n in range(20) for stream in range(3)])
    assert claims(claiming) == [(stream, ACKNOWLEDGED, 0, 19, 0, 19) for stream in range(3)]


def test_a_table_that_is_full_is_turned_and_no_run_is_lost_or_doubled() -> None:
    claiming = opened()
    fold(claiming, [(0, 2 * n, n, ACKNOWLEDGED) for n in range(10_000)])
    assert [run[2] for run in claims(claiming)] == list(range(0, 20_000, 2))
    assert claiming.cut_counts()["acknowledged"] == 10_000


def test_a_cut_closes_what_is_open_and_the_next_cut_begins_with_nothing() -> None:
    claiming = opened()
    fold(claiming, [(0, 0, 0, ACKNOWLEDGED)], now=NOW)
    fold(claiming, [(0, 1, 1, ACKNOWLEDGED)], now=NOW + 5)
    _, first = claiming.cut()
    assert first[["since", "until"]].tolist() == [(NOW, NOW + 5)]
    assert claims(claiming) == []
    fold(claiming, [(0, 2, 2, ACKNOWLEDGED)])
    assert claims(claiming) == [(0, ACKNOWLEDGED, 2, 2, 2, 2)]


def test_attempts_are_absolute_and_told_once_for_each_change() -> None:
    claiming = opened(2)
    assert [claiming.attempt(0, 5), claiming.attempt(0, 7)] == [0, 5]
    assert claiming.cut()[0][["client", "topic", "partition", "attempted"]].tolist() == [(CLIENT, 1, 0, 12)]
    assert len(claiming.cut()[0]) == 0
    assert claiming.attempt(0, 1) == 12


def test_a_copy_raises_its_stream_to_its_inputs_sequence_and_never_lowers_it() -> None:
    claiming = opened()
    claiming.copy(0, 41)
    claiming.copy(0, 7)
    assert claiming.cut()[0]["attempted"].tolist() == [42]


def test_streams_of_later_clients_get_numbers_of_their_own() -> None:
    claiming = opened(2)
    assert claiming.open(78, [(1, 0), (2, 3)]) == [2, 3]
    assert claiming.streams[["client", "topic", "partition"]].tolist()[2:] == [(78, 1, 0), (78, 2, 3)]
    assert claiming.open(79, []) == []


def test_streams_of_clients_that_are_gone_are_given_out_again_once_a_cut_has_told_of_them() -> None:
    claiming = opened(streams=2)
    claiming.attempt(0, 5)
    fold(claiming, [(1, 0, 9, ACKNOWLEDGED)])
    claiming.close(CLIENT)
    assert claiming.open(78, [(1, 0)]) == [2]
    assert claims(claiming) == [(1, ACKNOWLEDGED, 0, 0, 9, 9)]
    assert claiming.open(79, [(1, 5), (1, 6), (1, 7)]) == [0, 1, 3]
    fold(claiming, [(0, 0, 4, ACKNOWLEDGED), (2, 0, 8, ACKNOWLEDGED)])
    attempts, cut = claiming.cut()
    assert attempts.tolist() == []
    assert cut[["client", "partition", "first_offset"]].tolist() == [(79, 5, 4), (78, 0, 8)]


def test_a_thousand_clients_one_after_the_other_need_no_more_room_than_two() -> None:
    claiming = Claiming()
    for client in range(1, 1_001):
        for stream in claiming.open(client, [(1, 0), (1, 1)]):
            assert claiming.attempt(stream, 3) == 0
        claiming.close(client)
        assert {row["client"] for row in claiming.cut()[0]} == {client}
    assert len(claiming.streams) == 2


def test_outcomes_bytes_and_latencies_are_counted_once() -> None:
    claiming = opened()
    fold(claiming, [(0, 0, 0, ACKNOWLEDGED), (0, 1, 1, ACKNOWLEDGED), (0, 2, -1, REFUSED), (0, 3, -1, UNKNOWN)])
    claiming.attempt(0, 4)
    counts = claiming.cut_counts()
    assert counts == {"attempted": 4, "acknowledged": 2, "refused": 1, "unknown": 1, "bytes": 200}
    assert set(claiming.cut_counts().values()) == {0}
    assert (int(claiming.response.sum()), int(claiming.service.sum())) == (2, 2)


_report = st.tuples(st.integers(0, 2), st.integers(0, 12), st.booleans(), st.sampled_from(Outcome))


@given(st.lists(_report, min_size=1, max_size=60), st.lists(st.tuples(st.integers(1, 12), st.booleans()), max_size=20))
def test_claims_do_not_depend_on_where_batches_and_cuts_fall(
    drawn: list[tuple[int, int, bool, Outcome]], pieces: list[tuple[int, bool]]
) -> None:
    some = [(stream, n, at if has else -1, outcome) for at, (stream, n, has, outcome) in enumerate(drawn)]
    whole, parted = opened(3), opened(3)
    fold(whole, some)
    runs, begin = [], 0
    for size, cut in [*pieces, (len(some), True)]:
        if begin < len(some):
            fold(parted, some[begin : begin + size])
        runs += claims(parted) if cut else []
        begin += size
    assert joined(runs) == joined(claims(whole))
    assert sum(run[3] - run[2] + 1 for run in runs) == len(some)
    assert parted.cut_counts() == whole.cut_counts()
