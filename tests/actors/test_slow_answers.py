"""A writer whose cluster is slow to answer: nothing is lost or turned round, and no processor is used up by waiting."""

from collections import defaultdict
from collections.abc import Iterator

import numpy as np
import pytest

from actors import latency
from benchmarks.meter import threads
from tests.loading import Load
from tests.scripted_kafka import ScriptedKafka

_SECONDS = 2.0


@pytest.fixture
def mock() -> Iterator[ScriptedKafka]:
    with ScriptedKafka() as made:
        yield made


@pytest.mark.parametrize("rate", [1_000, 20_000])
def test_a_writer_that_waits_for_answers_does_not_turn(mock: ScriptedKafka, rate: int) -> None:
    load = Load(mock, mock.topic("orders"), rate=f"{rate} records/s").until(100)
    mock.slow(0.1)
    load.rig.run(0.5, every=0.05)
    before, parts = threads("rdk:broker"), len(load.parts)
    load.rig.run(_SECONDS, every=0.05)
    assert threads("rdk:broker") - before < 0.2 * _SECONDS  # in librdkafka's queue it is half of a core and more
    told = [part.latencies for part in load.parts[parts:]]
    response = latency.merged([tables["response"] for tables in told if "response" in tables])
    assert latency.percentile(response, 0.5) < 500_000  # µs: half an answer on average, two lingers, and its own
    mock.slow(0)
    assert_all_is_there(load, apart=1 / rate)


def test_a_writer_that_is_stopped_hands_over_what_waits(mock: ScriptedKafka) -> None:
    load = Load(mock, mock.topic("orders"), rate="4000 records/s").until(100)
    mock.slow(0.5)
    load.rig.run(1.2, every=0.05)
    mock.slow(0)
    assert_all_is_there(load, apart=1 / 4000)


def test_another_rate_and_another_client_lose_nothing_that_waits(mock: ScriptedKafka) -> None:
    load = Load(mock, mock.topic("orders"), rate="4000 records/s").until(100)
    mock.slow(0.3)
    load.rig.run(0.8, every=0.05)
    load.change(rate="2000 records/s")
    load.rig.run(0.8, every=0.05)
    load.change(idempotent=False)
    load.rig.run(0.8, every=0.05)
    mock.slow(0)
    assert_all_is_there(load, apart=1 / 2000)


def test_what_waits_is_written_as_it_was_due_though_a_batch_of_larger_ones_holds_less(mock: ScriptedKafka) -> None:
    load = Load(mock, mock.topic("orders"), rate="20000 records/s").until(100)
    mock.slow(0.3)
    load.rig.run(0.8, every=0.05)
    load.change(rate="20 records/s", size="99.9 % 100 B, 0.1 % 900 kB")
    load.rig.run(0.3, every=0.05)
    mock.slow(0)
    assert_all_is_there(load, apart=1 / 20)


def assert_all_is_there(load: Load, *, apart: float) -> None:
    """Each record that was due is in the log, acknowledged, once, and in its partition's order; `apart` is in seconds."""
    found = load.retire().read()
    assert load.counts["acknowledged"] == load.attempted() == len(found)
    by: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
    for record in found:
        row = int(record.head["sequence"]), int(record.head["intended"])
        by[int(record.head["client"]), record.partition].append(row)
    for rows in by.values():
        assert [sequence for sequence, _ in rows] == list(range(len(rows)))
        assert [intended for _, intended in rows] == sorted(intended for _, intended in rows)
    times = np.sort(np.array([intended for rows in by.values() for _, intended in rows]))
    assert np.diff(times).max() < apart * 1e9 + 1_000  # no hole in the schedule
