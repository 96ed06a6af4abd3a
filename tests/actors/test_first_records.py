"""A client's first records in partitions whose leader has only just come: what is acknowledged is there."""

from collections.abc import Iterator

import pytest

from actors import latency
from tests.loading import Load
from tests.scripted_kafka import PRODUCE, ScriptedKafka

_NOT_LEADER = 6


@pytest.fixture
def mock() -> Iterator[ScriptedKafka]:
    """It takes the requests behind a refused one, as Kafka does of a client that is new to it."""
    with ScriptedKafka() as made:
        yield made


@pytest.mark.parametrize("more", [0, 4])
def test_what_is_acknowledged_is_there_though_first_requests_were_refused(mock: ScriptedKafka, more: int) -> None:
    topic = mock.topic("orders")
    mock.hold(PRODUCE, 1.0, error=_NOT_LEADER)
    mock.answer(PRODUCE, *[_NOT_LEADER] * more)
    # librdkafka sends nothing behind a request of five records or more: ten a second and partition make small ones
    load = Load(mock, topic, rate="40 records/s", properties={"linger.ms": "1"}).until(100).retire()
    found = load.read()
    assert load.counts["acknowledged"] == load.attempted() == len(found)
    assert [row for part in load.parts for row in part.claims if row["first_offset"] < 0] == []


def test_while_first_records_are_on_their_way_it_is_not_the_writer_that_is_late(mock: ScriptedKafka) -> None:
    topic = mock.topic("orders")
    mock.hold(PRODUCE, 2.0)
    load = Load(mock, topic, rate="2000 records/s").until(5_000).retire()
    merged = latency.merged([part.latencies["lag"] for part in load.parts if "lag" in part.latencies])
    assert merged.sum() == load.attempted()
    assert latency.percentile(merged, 0.99) < 1_000_000
    answered = latency.merged([part.latencies["response"] for part in load.parts if "response" in part.latencies])
    assert latency.percentile(answered, 0.8) > 1_000_000  # it is told all the same, as the cluster's time
