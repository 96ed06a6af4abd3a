"""The auditor on logs that lose their beginnings: by deletion, and by compaction."""

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

from actors.producer import Producer
from actors.spec import Producers
from actors.tally import Kind
from marathon_ray.kafka.local import LocalKafka
from tests.board import red
from tests.readback import records
from tests.rig import ADMIN_SECONDS, Rig, create

pytestmark = pytest.mark.on_kafka


def test_a_log_whose_start_moved_is_told_as_expired_and_read_from_there(kafka: LocalKafka, topic: str) -> None:
    properties = kafka.client_properties()
    create(properties, topic, num_partitions=1, replication_factor=3)
    rig = Rig(properties, {topic: 1})
    producer = rig.start(Producer("p", rig.target), Producers(to=(topic,), rate="5000 records/s", size="100 B"))
    rig.until(lambda: rig.counts["acknowledged"] >= 3_000)
    rig.retire(producer)
    admin = AdminClient({**properties, "log_level": 0})
    (moved,) = admin.delete_records([TopicPartition(topic, 0, 700)]).values()
    assert moved.result(ADMIN_SECONDS).low_watermark == 700
    auditor = rig.audit(topic, begin={topic: {0: ((0, -1), (0, -1))}})
    balance = rig.finish(auditor)
    told = [row for part in rig.parts for row in part.incidents if row["kind"] == Kind.EXPIRED]
    assert [(int(row["offset"]), int(row["count"])) for row in told] == [(700, 700)] * 2  # by each pass
    assert red(rig) == {}
    assert balance.total("expired") == 700
    assert balance.total("found") == balance.total("acknowledged") - 700
    assert not balance.faults()


def test_a_second_pass_finds_what_the_log_holds_then_not_what_it_held_before(kafka: LocalKafka, topic: str) -> None:
    properties = kafka.client_properties()
    create(properties, topic, num_partitions=1, replication_factor=3)
    rig = Rig(properties, {topic: 1})
    auditor = rig.audit(topic, trailing=4.0)
    producer = rig.start(Producer("p", rig.target), Producers(to=(topic,), rate="500 records/s", size="100 B"))

    def stands(reading: str) -> int:
        return rig.courts[0].told.get((reading, 1, 0), (0, False))[0]

    admin = AdminClient({**properties, "log_level": 0})
    admin.list_topics(topic, ADMIN_SECONDS)  # it is connected, and what it is asked then takes effect at once
    rig.until(lambda: stands("second") > 1_000)
    second, first = stands("second"), stands("first")
    (moved,) = admin.delete_records([TopicPartition(topic, 0, first)]).values()
    assert moved.result(ADMIN_SECONDS).low_watermark == first
    rig.until(lambda: stands("second") > first)
    expired = [row for part in rig.parts if part.reading == "second" for row in part.incidents]
    assert {int(row["kind"]) for row in expired} == {Kind.EXPIRED}
    assert sum(int(row["count"]) for row in expired) > (first - second) / 2
    rig.retire(producer)
    assert not rig.finish(auditor).faults()


def test_a_compacted_log_owes_the_last_value_of_each_key_only(kafka: LocalKafka, topic: str) -> None:
    properties, keys = kafka.client_properties(), 20
    often = {"segment.ms": "1000", "min.cleanable.dirty.ratio": "0.01", "max.compaction.lag.ms": "1000"}
    create(properties, topic, num_partitions=1, replication_factor=3, config={"cleanup.policy": "compact", **often})
    rig = Rig(properties, {topic: 1}, terms={topic: {"cleanup": "compact", "keys": keys}})
    auditor = rig.audit(topic, trailing=3600.0)
    spec = Producers(to=(topic,), rate="1000 records/s", size="100 B", keys=f"sequential of {keys}")
    producer = rig.start(Producer("p", rig.target), spec)
    rig.until(
        lambda: (
            rig.counts["acknowledged"] > 3_000
            and len(records(properties, [(topic, 0)])) < rig.counts["acknowledged"] - 1_000
        ),
        every=1.0,
        what="the cleaner",
    )
    rig.retire(producer)
    balance = rig.finish(auditor)
    assert red(rig) == {}
    assert balance.total("compacted") > 0
    assert balance.total("found") + balance.total("compacted") == balance.total("acknowledged")
    assert not balance.faults()
