"""What clients exchange with brokers, added up over clients and their lives."""

import json

import pytest

from actors import bindings, librdkafka
from actors.auditor import Auditor
from actors.producer import Producer
from actors.spec import Auditors, Producers
from actors.traffic import EVERY, Traffic
from tests.mock_kafka import PARTITIONS, MockKafka
from tests.rig import Rig


def said(client: str, *brokers: tuple[int, int, int]) -> bytes:
    """A client's word: (broker's id, bytes sent, bytes had)."""
    rows = {
        f"b{row}": {"nodeid": node, "txbytes": sent, "rxbytes": had} for row, (node, sent, had) in enumerate(brokers)
    }
    return json.dumps({"name": client, "brokers": rows}).encode()


def test_each_word_tells_of_all_that_a_client_has_done() -> None:
    traffic = Traffic()
    traffic.hear(said("one", (1, 10, 1), (2, 20, 2)))
    traffic.hear(said("two", (1, 100, 0)))
    before = traffic.read()
    traffic.hear(said("one", (1, 15, 1), (2, 20, 2)))
    assert traffic.read() == {1: 116, 2: 22}
    assert before == {1: 111, 2: 22}


def test_a_coordinator_is_the_broker_that_it_is() -> None:
    traffic = Traffic()
    traffic.hear(said("one", (1, 10, 0), (1, 5, 0), (-1, 3, 0)))
    assert traffic.read() == {1: 15, -1: 3}


@pytest.mark.parametrize("kind", [Producer, Auditor])
def test_who_writes_and_who_reads_is_heard(
    mock_kafka: MockKafka, kind: type[Producer | Auditor], monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = Traffic()
    for module in (bindings, librdkafka):
        monkeypatch.setattr(module, "TRAFFIC", heard)
    topic = mock_kafka.topic(f"traffic-{kind.__name__.lower()}")
    rig = Rig({**mock_kafka.properties, EVERY[0]: "100"}, {topic: PARTITIONS})
    spec = Producers(to=(topic,), rate="2000 records/s") if kind is Producer else Auditors(of=(topic,))
    worker = rig.start(kind("one", rig.target), spec)
    rig.until(lambda: any(count > 0 for broker, count in heard.read().items() if broker > 0), within=30)
    rig.retire(worker)
