"""Duplicates and disorder that an application makes itself, idempotent as its producer may be."""

import pytest

from actors.spec import Producers
from marathon_ray.kafka.local import LocalKafka
from tests.on_kafka.recipes import truth
from tests.on_kafka.recipes.resender import Resender
from tests.on_kafka.recipes.result import assert_exact, judged
from tests.on_kafka.recipes.stage import Stage

pytestmark = pytest.mark.on_kafka


def test_an_application_that_sends_failed_records_again_is_told_each_copy_and_each_late_record(
    breakable: LocalKafka, topic: str
) -> None:
    with Stage(breakable, topic, num_partitions=1, replica_assignment=[[1]]) as stage:
        spec = Producers(to=(topic,), properties={"message.timeout.ms": "1500"})
        application = stage.rig.start(Resender("application", stage.rig.target), spec)
        stage.write_on(1_000)
        breakable.pause(1, at_most=20)
        stage.rig.run(3.0)
        breakable.resume(1)
        stage.until("sending again", lambda: application.resent > 0)
        stage.write_on(1_000)
        stage.heal()
        stage.rig.retire(application)
        balance = stage.rig.finish(*stage.auditors)
        result = judged(stage, balance, truth.read(breakable.client_properties(), topic, 1))

    assert_exact(result)
    assert result.lost == frozenset()
    assert result.copies.total() >= 1
    assert len(result.log.late()) >= 1
