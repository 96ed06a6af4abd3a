"""Members that come and go under load, with both protocols of real Kafka: nothing is skipped, all that comes twice is counted."""

from dataclasses import replace

import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewPartitions

from actors.consumer import Consumer
from actors.producer import Producer
from actors.spec import Consumers, Producers
from actors.tally import Kind
from actors.target import TopicPlace
from marathon_ray.kafka.local import LocalKafka
from marathon_ray.terms import GroupTerms
from tests.board import red
from tests.rig import ADMIN_SECONDS, Rig, create

pytestmark = pytest.mark.on_kafka
PARTITIONS = 4


@pytest.mark.parametrize("protocol", ["classic", "consumer"])
def test_members_come_and_go_and_nothing_is_skipped(kafka: LocalKafka, topic: str, protocol: str) -> None:
    properties, group = kafka.client_properties(), f"group-of-{topic}"
    create(properties, topic, num_partitions=PARTITIONS, replication_factor=3)
    rig = Rig(properties, {topic: PARTITIONS}, groups={group: GroupTerms()})
    auditor = rig.audit(topic)
    producer = rig.start(Producer("p", rig.target), Producers(to=(topic,), rate="3000 records/s", size="200 B"))
    spec = Consumers(of=(topic,), group=group, protocol=protocol)

    def join(name: str, assigned: int) -> Consumer:
        member: Consumer = rig.start(Consumer(name, rig.target), spec)
        rig.until(lambda: rig.counts["assigned"] >= assigned, what=f"{name} joining {group}")
        return member

    one = join("one", PARTITIONS)
    two = join("two", PARTITIONS + 2)
    rig.retire(one)
    rig.until(lambda: rig.counts["assigned"] >= PARTITIONS + 4, what="two taking over")
    three = join("three", PARTITIONS + 6)
    rig.run(1.0)
    rig.retire(two)
    rig.until(lambda: rig.counts["assigned"] >= PARTITIONS + 8, what="three taking over")
    rig.retire(producer)
    ends = rig.ends()
    rig.until(lambda: rig.drained(ends, group), what="the group reading to the end")
    balance = rig.finish(auditor)
    assert three.name == "three"
    assert red(rig) == {}
    assert not balance.faults()
    given = sum(int(part.spans["count"].sum()) for part in rig.parts if part.reading == group)
    assert balance.total("delivered", group) == sum(ends.values())
    assert balance.total("redelivered", group) == given - sum(ends.values())
    assert not any((part.incidents["kind"] == Kind.REWOUND).any() for part in rig.parts)


@pytest.mark.parametrize("protocol", ["classic", "consumer"])
def test_a_member_reads_the_partitions_that_its_topic_gets(kafka: LocalKafka, topic: str, protocol: str) -> None:
    properties, group = kafka.client_properties(), f"group-of-{topic}"
    create(properties, topic, num_partitions=2, replication_factor=3)
    rig = Rig(properties, {topic: 2}, groups={group: GroupTerms()})
    spec = Consumers(
        of=(topic,), group=group, protocol=protocol, properties={"topic.metadata.refresh.interval.ms": "500"}
    )
    rig.start(Consumer("c", rig.target), spec)
    producer = rig.start(Producer("before", rig.target), Producers(to=(topic,), rate="3000 records/s", size="200 B"))
    rig.until(lambda: rig.counts["read"] > 1_000, what="the first reads")
    admin = AdminClient({**properties, "log_level": 0})
    admin.create_partitions([NewPartitions(topic, PARTITIONS)])[topic].result(ADMIN_SECONDS)
    rig.until(lambda: rig.counts["assigned"] >= PARTITIONS, what="the group taking the new partitions")
    rig.retire(producer)
    ordinal = rig.target.topics[topic].ordinal
    rig.target = replace(rig.target, topics={topic: TopicPlace(ordinal, PARTITIONS)})
    rig.partitions = {topic: PARTITIONS}
    rig.accounts.grown(ordinal, partitions=PARTITIONS)
    auditor = rig.audit(topic)
    producer = rig.start(Producer("after", rig.target), Producers(to=(topic,), rate="3000 records/s", size="200 B"))
    rig.run(2.0)
    rig.retire(producer)
    ends = rig.ends()
    rig.until(lambda: rig.drained(ends, group), what="the group reading to the end")
    balance = rig.finish(auditor)
    assert red(rig) == {}
    assert not balance.faults()
    assert len(ends) == PARTITIONS
    assert balance.total("delivered", group) == sum(ends.values())
