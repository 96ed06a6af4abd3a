"""Fetched rows folded into runs, spans, positions and incidents, against a small model and by any cut."""

from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.bucketing import bucket
from actors.checksum import place_hash
from actors.librdkafka import PARTITION_EOF
from actors.reading import Reading
from actors.record import Flag
from actors.rows import FETCHED, NO_TOPIC
from actors.tally import BLOCK, Kind, Table

TOPIC, NOW = 3, 9_000_000_000
Tables = dict[str, Table]


def rows(offsets: list[int], **columns: Any) -> Table:
    """Sound records of one client at these offsets, sequence = offset, in topic 3, partition 0, epoch 1."""
    table = np.zeros(len(offsets), FETCHED)
    table["offset"] = table["sequence"] = offsets
    usual = {"client": 7, "topic": TOPIC, "head_topic": TOPIC, "epoch": 1, "size": 100, "intended": NOW - 3_000_000}
    for name, column in {**usual, **columns}.items():
        table[name] = column
    return table


def reading(partitions: int = 2, *, committed: bool = False) -> Reading:
    return Reading({TOPIC: partitions}, committed=committed)


def read(one: Reading, *tables: Table) -> Tables:
    for table in tables:
        one.fold(table, len(table), NOW)
    return one.cut(NOW)


def digest(*records: tuple[int, int, int]) -> int:
    """The sum of the hashes of (offset, client, sequence)."""
    return sum(int(place_hash(*(np.uint64(one) for one in record))) for record in records) % 2**64


def runs(tables: Tables) -> list[tuple[int, ...]]:
    listed: list[tuple[int, ...]] = tables["found"][["first", "last", "first_offset", "last_offset"]].tolist()
    return listed


def incidents(tables: Tables) -> list[tuple[int, int, int]]:
    """(kind, offset, count) of each incident."""
    listed: list[tuple[int, int, int]] = tables["incidents"][["kind", "offset", "count"]].tolist()
    return listed


def test_records_in_order_are_one_run_one_span_and_a_position() -> None:
    tables = read(reading(), rows(list(range(10, 20))))
    assert runs(tables) == [(10, 19, 10, 19)]
    (span,) = tables["spans"]
    assert (span["first_offset"], span["last_offset"], span["count"], span["epoch"]) == (10, 19, 10, 1)
    assert int(span["digest"]) == digest(*((n, 7, n) for n in range(10, 20)))
    assert tables["positions"].tolist() == [(TOPIC, 0, 20, 0)]
    assert incidents(tables) == []


def test_a_gap_of_offsets_parts_neither_run_nor_span() -> None:
    tables = read(reading(), rows([0, 1, 5, 6], sequence=[0, 1, 2, 3]))
    assert runs(tables) == [(0, 3, 0, 6)]
    assert tables["spans"][["first_offset", "last_offset", "count"]].tolist() == [(0, 6, 4)]


def test_a_gap_of_sequences_parts_the_run_and_not_the_span() -> None:
    tables = read(reading(), rows([0, 1, 2], sequence=[0, 1, 9]))
    assert runs(tables) == [(0, 1, 0, 1), (9, 9, 2, 2)]
    assert len(tables["spans"]) == 1


def test_no_row_crosses_the_border_of_a_block() -> None:
    tables = read(reading(), rows(list(range(BLOCK - 3, BLOCK + 2))))
    assert runs(tables) == [(BLOCK - 3, BLOCK - 1, BLOCK - 3, BLOCK - 1), (BLOCK, BLOCK + 1, BLOCK, BLOCK + 1)]
    assert tables["spans"]["count"].tolist() == [3, 2]


def test_another_leader_epoch_parts_run_and_span() -> None:
    tables = read(reading(), rows([0, 1, 2, 3], epoch=[1, 1, 2, 2]))
    assert tables["found"][["first", "last", "epoch"]].tolist() == [(0, 1, 1), (2, 3, 2)]
    assert tables["spans"][["count", "epoch"]].tolist() == [(2, 1), (2, 2)]


def test_an_offset_that_comes_again_is_a_rewind_and_counts_how_far() -> None:
    tables = read(reading(), rows([0, 1, 2, 1, 2]))
    assert incidents(tables) == [(Kind.REWOUND, 1, 2)]
    assert runs(tables) == [(0, 2, 0, 2), (1, 2, 1, 2)]
    assert tables["spans"][["first_offset", "last_offset"]].tolist() == [(0, 2), (1, 2)]


def test_the_same_offset_twice_is_a_rewind_by_one() -> None:
    tables = read(reading(), rows([0, 1, 1]))
    assert incidents(tables) == [(Kind.REWOUND, 1, 1)]
    assert sum(last - first + 1 for first, last, *_ in runs(tables)) == 3


def test_a_sequence_that_follows_at_a_lower_offset_begins_a_new_run() -> None:
    assert runs(read(reading(), rows([5, 3], sequence=[0, 1]))) == [(0, 0, 5, 5), (1, 1, 3, 3)]


def test_a_reader_that_was_put_somewhere_has_not_rewound_and_begins_a_span() -> None:
    one = reading()
    one.fold(rows([5, 6]), 2, NOW)
    one.stand(TOPIC, 0, 5, stint=4)
    tables = read(one, rows([5, 6]))
    assert incidents(tables) == []
    assert tables["spans"][["stint", "count"]].tolist() == [(0, 2), (4, 2)]


@pytest.mark.parametrize(("columns", "kind"), [({"head_partition": 1}, "partition"), ({"head_topic": 4}, "topic")])
def test_a_record_whose_head_names_another_place_is_misplaced_and_not_found(columns: dict[str, int], kind: str) -> None:
    tables = read(reading(), rows([0], **columns))
    assert incidents(tables) == [(Kind.MISPLACED, 0, 1)]
    assert runs(tables) == []
    assert tables["spans"]["count"].tolist() == [1]


def test_a_copy_is_at_home_where_it_is_copied_to() -> None:
    tables = read(reading(), rows([0], head_topic=1, flags=int(Flag.COPY)))
    assert incidents(tables) == []
    assert runs(tables) == [(0, 0, 0, 0)]


@pytest.mark.parametrize("committed", [True, False])
def test_a_record_that_will_abort_is_poison_for_a_read_committed_reader_only(committed: bool) -> None:
    tables = read(reading(committed=committed), rows([0, 1], flags=[0, int(Flag.WILL_ABORT)]))
    assert incidents(tables) == ([(Kind.POISON, 1, 1)] if committed else [])
    assert runs(tables) == [(0, 1, 0, 1)]


@pytest.mark.parametrize("kind", [Kind.CORRUPT, Kind.SHORT, Kind.FOREIGN])
def test_what_is_no_sound_record_of_this_run_is_an_incident_and_nobodys_sequence(kind: Kind) -> None:
    tables = read(reading(), rows([0, 1, 2], sequence=[0, 99, 1], check=[0, kind, 0]))
    assert incidents(tables) == [(kind, 1, 1)]
    assert tables["incidents"][["client", "sequence"]].tolist() == [(0, -1)]
    assert runs(tables) == [(0, 1, 0, 2)]
    assert tables["spans"]["count"].tolist() == [3]


def test_a_damaged_record_changes_the_digest() -> None:
    sound, damaged = (read(reading(), rows([0, 1], check=[0, kind]))["spans"]["digest"] for kind in (0, Kind.CORRUPT))
    assert sound != damaged


def test_error_events_and_places_that_are_not_ours_are_passed_over() -> None:
    table = rows(
        [0, 1, 2, 3, 4, 5], topic=[TOPIC, NO_TOPIC, TOPIC, TOPIC - 1, TOPIC + 1, TOPIC], error=[-195, 0, 0, 0, 0, 0]
    )
    table["partition"][5] = 2
    one = reading(partitions=2)
    tables = read(one, table)
    assert tables["positions"].tolist() == [(TOPIC, 0, 3, 0)]
    assert one.cut_counts() == {"read": 1, "read bytes": 100, "incidents beyond": 0}


def test_many_clients_grow_the_table_of_runs_and_none_is_lost() -> None:
    clients = np.arange(1, 5_001, dtype=np.uint64)
    tables = read(
        reading(), *(rows(list(range(n * 5_000, (n + 1) * 5_000)), client=clients, sequence=n) for n in (0, 1))
    )
    seen = Counter(tables["found"]["client"].tolist())
    records = int((tables["found"]["last"] - tables["found"]["first"] + 1).sum())
    assert (len(seen), records) == (5_000, 10_000)


def test_full_tables_of_runs_and_spans_are_turned_and_nothing_is_lost() -> None:
    tables = read(reading(), rows(list(range(10_000)), sequence=np.arange(10_000) * 2, epoch=np.arange(10_000)))
    assert tables["found"]["first"].tolist() == list(range(0, 20_000, 2))
    assert tables["spans"]["first_offset"].tolist() == list(range(10_000))


def test_incidents_beyond_their_table_are_counted_and_a_moved_log_is_told_all_the_same() -> None:
    one = reading()
    table = rows(list(range(1_500)), check=int(Kind.SHORT))
    one.fold(table, 1_500, NOW)
    one.note(Kind.EXPIRED, TOPIC, 0, offset=1, count=1, at=NOW)
    tables = one.cut(NOW)
    assert len(tables["incidents"]) == 1_025
    assert incidents(tables)[-1] == (Kind.EXPIRED, 1, 1)
    assert one.cut_counts() == {"read": 1_500, "read bytes": 150_000, "incidents beyond": 476}


def test_a_noted_incident_travels_with_the_next_cut_only() -> None:
    one = reading()
    one.note(Kind.TRUNCATED, TOPIC, 1, offset=40, count=2, at=NOW)
    assert incidents(one.cut(NOW)) == [(Kind.TRUNCATED, 40, 2)]
    assert incidents(one.cut(NOW)) == []


def test_the_end_of_a_log_is_told_until_more_is_read() -> None:
    one = reading()
    end, more = rows([8], partition=1, error=PARTITION_EOF), rows([8], partition=1, head_partition=1)
    assert read(one, end)["positions"].tolist() == [(TOPIC, 1, 8, 1)]
    assert read(one, more)["positions"].tolist() == [(TOPIC, 1, 9, 0)]


def test_the_end_of_a_log_is_told_at_its_place_between_the_records_of_a_batch() -> None:
    more_after = rows([5, 6, 7, 8], error=[0, 0, PARTITION_EOF, 0])
    more_after["offset"] = [5, 6, 7, 7]
    assert read(reading(), more_after)["positions"].tolist() == [(TOPIC, 0, 8, 0)]
    at_the_end = rows([5, 6, 7], error=[0, 0, PARTITION_EOF])
    tables = read(reading(), at_the_end)
    assert tables["positions"].tolist() == [(TOPIC, 0, 7, 1)]
    assert tables["spans"]["count"].tolist() == [2]


def test_a_partition_that_is_not_read_is_refused_by_name() -> None:
    one = Reading({1: 2, 3: 2})
    for topic, partition in ((1, 2), (2, 0)):
        with pytest.raises(IndexError, match=f"partition {partition} of topic {topic} is not read here"):
            one.place(topic, partition)


def test_a_partition_that_is_learnt_takes_its_place_and_nothing_that_was_read_is_lost() -> None:
    one = Reading({1: 1, TOPIC: 2})
    earlier = {"topic": 1, "head_topic": 1}

    def both(offsets: list[int]) -> None:
        for table in (rows(offsets, **earlier), rows(offsets, partition=1, head_partition=1)):
            one.fold(table, len(table), NOW)

    both([0, 1])
    one.learn(1, 2, NOW)
    added = rows([7, 8], partition=2, head_partition=2, **earlier)
    one.fold(added, 2, NOW)
    both([2, 3])
    tables = one.cut(NOW)
    assert incidents(tables) == []
    assert tables["positions"].tolist() == [(1, 0, 4, 0), (1, 2, 9, 0), (TOPIC, 1, 4, 0)]
    spans = tables["spans"][["topic", "partition", "first_offset", "last_offset"]].tolist()
    assert spans == [(1, 0, 0, 3), (1, 2, 7, 8), (TOPIC, 1, 0, 3)]
    found = tables["found"][["topic", "partition", "first", "last", "first_offset", "last_offset"]].tolist()
    earlier_runs = [(1, 0, 0, 1, 0, 1), (1, 0, 2, 3, 2, 3), (1, 2, 7, 8, 7, 8)]
    assert sorted(found) == [*earlier_runs, (TOPIC, 1, 0, 1, 0, 1), (TOPIC, 1, 2, 3, 2, 3)]
    assert one.place(1, 1)["position"] == -1


def test_to_learn_what_is_known_changes_nothing() -> None:
    one = reading()
    one.fold(rows([0, 1]), 2, NOW)
    places = one.places
    one.learn(TOPIC, 1, NOW)
    assert one.places is places
    assert runs(read(one, rows([2]))) == [(0, 2, 0, 2)]


def test_latency_is_counted_from_the_intended_time() -> None:
    one = reading()
    one.fold(rows([0, 1, 2]), 3, NOW)
    assert int(one.latency.sum()) == 3
    assert one.latency[bucket(3_000)] == 3


_record = st.fixed_dictionaries(
    {
        "client": st.integers(1, 3),
        "sequence": st.integers(0, 5),
        "step": st.sampled_from([-3, 1, 1, 1, 2, BLOCK]),
        "partition": st.integers(0, 1),
        "epoch": st.integers(0, 1),
        "check": st.sampled_from([0, 0, 0, int(Kind.CORRUPT)]),
    }
)


def _drawn(records: list[dict[str, int]]) -> Table:
    table, at = rows([0] * len(records)), [5, 5]
    for row, record in zip(table, records, strict=True):
        at[record["partition"]] = max(0, at[record["partition"]] + record["step"])
        for name in ("client", "sequence", "partition", "epoch", "check"):
            row[name] = record[name]
        row["head_partition"], row["offset"] = record["partition"], at[record["partition"]]
    return table


def _joined(found: Table) -> list[list[int]]:
    """Runs of each stream with those put together that only a cut has parted."""
    merged: list[list[int]] = []
    for run in sorted(found.tolist(), key=lambda run: run[:3]):  # stable: each stream keeps its order
        stream, (epoch, first, last, first_offset, last_offset) = list(run[:3]), run[3:8]
        before = merged[-1] if merged else [-1] * 8
        here = (before[:4], before[5] + 1, before[7] // BLOCK) == ([*stream, epoch], first, first_offset // BLOCK)
        if here and first_offset > before[7] and before[6] // BLOCK == last_offset // BLOCK:
            before[5], before[7] = last, last_offset
        else:
            merged.append([*stream, epoch, first, last, first_offset, last_offset])
    return merged


def _sums(spans: Table) -> dict[tuple[int, int, int], tuple[int, int]]:
    """Count and digest by partition, epoch and block."""
    sums: dict[tuple[int, int, int], tuple[int, int]] = {}
    for span in spans:
        assert span["first_offset"] // BLOCK == span["last_offset"] // BLOCK
        key = (int(span["partition"]), int(span["epoch"]), int(span["first_offset"]) // BLOCK)
        count, total = sums.get(key, (0, 0))
        sums[key] = (count + int(span["count"]), (total + int(span["digest"])) % 2**64)
    return sums


@given(st.lists(_record, min_size=1, max_size=60), st.lists(st.tuples(st.integers(1, 12), st.booleans()), max_size=20))
def test_what_was_read_does_not_depend_on_where_batches_and_cuts_fall(
    records: list[dict[str, int]], pieces: list[tuple[int, bool]]
) -> None:
    table, parted, begin = _drawn(records), reading(), 0
    whole = read(reading(), table.copy())
    cuts: list[Tables] = []
    for size, cut in [*pieces, (len(table), True)]:
        piece = table[begin : begin + size].copy()
        parted.fold(piece, len(piece), NOW)
        cuts += [parted.cut(NOW)] if cut else []
        begin += size
    found, spans = (np.concatenate([tables[name] for tables in cuts]) for name in ("found", "spans"))
    assert _joined(found) == _joined(whole["found"])
    assert _sums(spans) == _sums(whole["spans"])
    assert sum(count for count, _ in _sums(spans).values()) == len(table)
    assert [one for tables in cuts for one in incidents(tables)] == incidents(whole)
    stood = {place["partition"]: place["position"] for tables in cuts for place in tables["positions"]}
    assert stood == {place["partition"]: place["position"] for place in whole["positions"]}
