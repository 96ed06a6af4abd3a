"""Records that everybody saw and that are gone all the same: the case that a single set of what was seen lets pass."""

import time
from collections.abc import Mapping
from typing import Any, Final

import pytest

from marathon_ray.balance import LOSSES
from marathon_ray.finding import FindingKind
from marathon_ray.kafka.local import LocalKafka
from tests.on_kafka.recipes import truth
from tests.on_kafka.recipes.recipes import ON_TWO, UNCLEAN
from tests.on_kafka.recipes.result import assert_exact, judged
from tests.on_kafka.recipes.stage import Stage

pytestmark = pytest.mark.on_kafka

_GROUP = "live"
_LOAD: Final[Mapping[str, Any]] = {"rate": "2000 records/s", "size": "200 B"}


def _all_is_read(stage: Stage) -> None:
    """Both live readers, and the group, have come to the end of the log."""
    ends = stage.rig.ends()
    readings = ("first", "second", _GROUP)
    stage.until("reading all", lambda: all(stage.rig.drained(ends, reading) for reading in readings))


def test_records_that_every_live_reader_saw_are_reported_once_an_unclean_election_cut_them(
    breakable: LocalKafka, topic: str
) -> None:
    with Stage(breakable, topic, group=_GROUP, config=UNCLEAN, **ON_TWO) as stage:
        stage.read_as(_GROUP)
        leader, (follower,) = stage.roles()
        before = stage.write("before", **_LOAD)
        stage.write_on(1_000)
        stage.rig.retire(before)
        both_have = stage.rig.ends()[topic, 0]
        breakable.kill(follower)
        stage.until_alone(leader)
        began = time.time_ns()
        alone = stage.write("alone", **_LOAD)
        stage.write_on(1_000)
        stage.rig.retire(alone)
        ended = time.time_ns()
        _all_is_read(stage)
        leader_had = stage.rig.ends()[topic, 0]
        breakable.kill(leader)
        breakable.start(follower)
        stage.until_led_by(follower)
        after = stage.write("after", **_LOAD)
        stage.rig.retire(after)
        stage.heal()
        balance = stage.rig.finish(*stage.auditors)
        result = judged(stage, balance, truth.read(breakable.client_properties(), topic, 1))

    assert_exact(result)
    assert len(result.lost) == leader_had - both_have
    gone = result.late.of(*LOSSES)
    assert {(finding.kind, finding.partition) for finding in gone} == {(FindingKind.GONE, 0)}
    assert min(finding.first_offset for finding in gone) == both_have
    assert max(finding.last_offset for finding in gone) == leader_had - 1
    assert began <= min(finding.since for finding in gone) <= max(finding.until for finding in gone) <= ended
    assert all(finding.epochs and finding.epoch_now > max(finding.epochs) for finding in gone)
    assert result.live.balance.incidents["truncated"] >= 1
    late = result.late.balance
    assert late.total("delivered, not in the log", _GROUP) == len(result.lost)
    assert late.total("owed", _GROUP) == late.total("delivered", _GROUP) == len(result.acknowledged) - len(result.lost)
