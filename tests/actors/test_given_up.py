"""What a client gives up may have been written, though librdkafka says that it was not."""

from collections.abc import Iterator
from contextlib import suppress

import numpy as np
import pytest

from actors import librdkafka as rk
from actors import rows
from actors.tally import Outcome
from tests.loading import Load
from tests.scripted_kafka import PRODUCE, ScriptedKafka

_NOT_LEADER, _NOT_ALLOWED = 6, 29
_FOR_EVER = 100_000  # answers


@pytest.fixture
def mock() -> Iterator[ScriptedKafka]:
    """Two brokers, of which the first leads everything."""
    with ScriptedKafka(brokers=2) as made:
        yield made


def test_of_a_record_that_was_on_its_way_to_a_broker_that_nobody_names_any_more_nothing_is_known(
    mock: ScriptedKafka,
) -> None:
    topic = mock.topic("orders")
    mock.lead(topic, 3, 2)  # so that the client is connected to the other one, too
    mock.hold(PRODUCE, 60.0)  # the first request is written at once, and not answered
    load = Load(mock, topic, rate="1000 records/s", properties={"linger.ms": "1"}).until(10)
    load.rig.until(lambda: any(record.partition < 3 for record in load.read()), every=0.05)
    mock.answer(PRODUCE, *[_NOT_LEADER] * _FOR_EVER)  # whoever is asked next
    mock.hide(1)
    writer = load.producer._writer
    load.rig.until(lambda: learns(writer.handle, writer.topic(topic)[0]), every=0.05)
    load.producer._flush_seconds = 0.5
    load.retire()
    written = {(record.partition, int(record.head["sequence"])) for record in load.read() if record.partition < 3}
    told = [row for part in load.parts for row in part.claims if row["partition"] < 3]
    assert written
    assert {Outcome(row["outcome"]) for row in told} == {Outcome.UNKNOWN}
    assert load.counts["refused"] == 0
    assert load.attempted() == load.reported()


def learns(client: int, topic: int) -> bool:
    """Whether a broker that answers was asked for what it knows: another one has not answered yet."""
    with suppress(rk.KafkaError):
        return rk.partitions(client, topic, 1.0) > 0
    return False


@pytest.mark.parametrize(
    ("status", "error", "outcome"),
    [
        (Outcome.ACKNOWLEDGED, 0, Outcome.ACKNOWLEDGED),
        (Outcome.UNKNOWN, _NOT_ALLOWED, Outcome.UNKNOWN),
        (Outcome.REFUSED, _NOT_ALLOWED, Outcome.REFUSED),
        *((Outcome.REFUSED, error, Outcome.UNKNOWN) for error in (-1, -152, -192, 3, 6, 7, 20, 56)),
    ],
)
def test_only_an_error_that_follows_no_writing_is_a_refusal(status: Outcome, error: int, outcome: Outcome) -> None:
    assert rows._outcome(np.int32(status), np.int32(error)) == outcome


def test_what_a_broker_has_refused_is_refused(mock: ScriptedKafka) -> None:
    topic = mock.topic("orders")
    mock.answer(PRODUCE, *[_NOT_ALLOWED] * _FOR_EVER)
    load = Load(mock, topic, rate="1000 records/s", idempotent=False, properties={"linger.ms": "1"})
    load.rig.until(lambda: load.counts["refused"] > 100, every=0.05)
    load.retire()
    assert load.counts["refused"] == load.attempted()
    assert load.read() == []
    outcomes = {row["outcome"] for part in load.parts for row in part.claims}
    assert outcomes == {Outcome.REFUSED}
