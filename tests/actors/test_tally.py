"""A part as it travels: whatever it holds arrives, and it is small."""

import pickle
from dataclasses import fields, replace

import numpy as np

from actors import latency
from actors.tally import (
    ATTEMPTS,
    CLAIMS,
    CLIENTS,
    COMMITS,
    FATES,
    FOUND,
    INCIDENTS,
    POSITIONS,
    SPANS,
    Part,
    Table,
)

TABLES = {
    "clients": CLIENTS, "attempts": ATTEMPTS, "claims": CLAIMS, "found": FOUND, "spans": SPANS,
    "positions": POSITIONS, "commits": COMMITS, "fates": FATES, "incidents": INCIDENTS,
}  # fmt: skip


def full() -> Part:
    """Every table has rows, no two alike."""
    draw = np.random.default_rng(1)
    tables: dict[str, Table] = {
        name: np.frombuffer(draw.bytes(3 * layout.itemsize), layout) for name, layout in TABLES.items()
    }
    histogram = latency.empty()
    histogram[[0, 7, latency.LAYOUT_SIZE - 1]] = 1, 2**40, 3
    sparse = {"lag": latency.sparse(histogram), "response": latency.sparse(latency.empty())}
    return Part(7, 11, "first", counts={"read": 3}, latencies=sparse, **tables)


def test_a_part_arrives_as_it_was_sent() -> None:
    sent = full()
    arrived: Part = pickle.loads(pickle.dumps(sent))
    for field in fields(Part):
        mine, theirs = getattr(sent, field.name), getattr(arrived, field.name)
        if isinstance(mine, np.ndarray):
            assert theirs.dtype == mine.dtype
            assert theirs.tobytes() == mine.tobytes()
        elif field.name != "latencies":
            assert theirs == mine
    assert list(arrived.latencies) == list(sent.latencies)
    for name, wire in sent.latencies.items():
        assert [column.dtype for column in arrived.latencies[name]] == [column.dtype for column in wire]
        assert latency.dense(arrived.latencies[name]).tolist() == latency.dense(wire).tolist()


def test_a_slice_of_a_table_travels_as_what_it_shows() -> None:
    rows = full().claims
    arrived: Part = pickle.loads(pickle.dumps(replace(full(), claims=rows[::2])))
    assert arrived.claims.tolist() == rows[::2].tolist()


def test_tables_without_rows_cost_nothing_on_the_way() -> None:
    assert len(pickle.dumps(Part(1, 0))) < 100
