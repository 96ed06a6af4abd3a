"""The data path through the listener with TLS and SCRAM: written, read twice, and nothing amiss."""

from collections.abc import Callable

import pytest

from actors.librdkafka import KafkaError
from actors.producer import Producer
from actors.spec import Producers
from actors.target import Target, TopicPlace
from marathon_ray.kafka.local import LocalKafka
from tests.board import red
from tests.rig import Rig, create

pytestmark = pytest.mark.on_kafka


def test_producer_and_auditor_work_through_tls_and_scram(
    fresh_kafka: Callable[..., LocalKafka], topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kafka = fresh_kafka(nodes=1, secure=True)
    secure = kafka.client_properties(secure=True)
    create(secure, topic, num_partitions=2, replication_factor=1)
    rig = Rig(secure, {topic: 2})
    auditor = rig.audit(topic)
    producer = rig.start(Producer("p", rig.target), Producers(to=(topic,), rate="5000 records/s", size="300 B"))
    rig.until(lambda: rig.counts["acknowledged"] >= 5_000)
    rig.retire(producer)
    balance = rig.finish(auditor)
    assert red(rig) == {}
    assert not balance.faults()
    assert balance.total("found") == balance.total("acknowledged") >= 5_000

    monkeypatch.setattr("actors.writer._ASK_SECONDS", 3.0)
    stranger = Producer("s", Target(1, {**secure, "sasl.password": "wrong"}, {topic: TopicPlace(1, 2)}))
    stranger.apply(1, Producers(to=(topic,)).slice(0, 1, {topic: 2}))
    with pytest.raises(KafkaError) as refused:
        stranger.run()
    assert "wrong" not in str(refused.value)

    nowhere = Producer("n", Target(1, secure, {"absent": TopicPlace(1, 2)}))
    nowhere.apply(1, Producers(to=("absent",)).slice(0, 1, {"absent": 2}))
    monkeypatch.setattr("actors.writer._NEW_TOPIC_SECONDS", 0.5)
    with pytest.raises(KafkaError, match="topic absent"):
        nowhere.run()
