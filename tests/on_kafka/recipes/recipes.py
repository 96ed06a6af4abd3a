"""What is done to a cluster under load so that it breaks its promises, and twins of the same steps that it keeps."""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from marathon_ray.balance import LOSSES
from marathon_ray.finding import FindingKind
from marathon_ray.kafka.local import LocalKafka
from tests.on_kafka.recipes import truth
from tests.on_kafka.recipes.result import Result, judged
from tests.on_kafka.recipes.stage import Stage

_FOLLOWING: Final = 1_000  # records that must be acknowledged after the healing
_LOSSES: Final = (*LOSSES, FindingKind.VANISHED, FindingKind.TRUNCATED_SETTLED)
_ALONE: Final = 2_000  # records that a leader takes while nobody follows


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """`loses`: acknowledged records are lost each time; `copies`: some are there twice. Else nothing is amiss."""

    name: str
    harm: Callable[[Stage], None]
    loses: bool = False
    copies: bool = False
    topic: Mapping[str, Any]
    writer: Mapping[str, Any] = field(default_factory=dict)

    @property
    def amiss(self) -> tuple[FindingKind, ...]:
        """The findings that there may be."""
        return (*(_LOSSES if self.loses else ()), *((FindingKind.DUPLICATED,) if self.copies else ()))


def play(recipe: Recipe, kafka: LocalKafka, topic: str) -> Result:
    """Load, harm, heal, load on, drain, and judge; the cluster is whole again."""
    with Stage(kafka, topic, **recipe.topic) as stage:
        writer = stage.write(**{"rate": "3000 records/s", "size": "200 B", **recipe.writer})
        recipe.harm(stage)
        stage.write_on(_FOLLOWING)
        stage.heal()
        stage.rig.retire(writer)
        balance = stage.rig.finish(*stage.auditors)
        return judged(stage, balance, truth.read(kafka.client_properties(), topic, stage.partitions))


def leader_killed_behind_paused_followers(stage: Stage) -> None:
    """What the leader alone has is acknowledged with acks=1, and dies with it."""
    leader, followers = stage.roles()
    for node in followers:
        stage.kafka.pause(node, at_most=20)
    stage.rig.run(1.0)  # below the session's time-out, so that nobody leaves the ISR
    stage.kafka.kill(leader)
    for node in followers:
        stage.kafka.resume(node)
    stage.until("another leader", lambda: stage.now().leader in followers)


def leader_died_alone(stage: Stage) -> tuple[int, int]:
    """The follower dies, the leader takes records alone, and dies too."""
    leader, (follower,) = stage.roles()
    stage.kafka.kill(follower)
    stage.until_alone(leader)
    stage.write_on(_ALONE)
    stage.kafka.kill(leader)
    return leader, follower


def stale_follower_returns(stage: Stage) -> None:
    """The one that missed records comes back first; it leads if an unclean election is allowed."""
    leader, follower = leader_died_alone(stage)
    stage.kafka.start(follower)
    stage.until_led_by(follower)
    stage.write_on(_ALONE // 2)
    stage.kafka.start(leader)


def stale_follower_waits(stage: Stage) -> None:
    """The one that missed records comes back first; it must not lead, and nobody does until the other is back."""
    leader, follower = leader_died_alone(stage)
    stage.kafka.start(follower)
    stage.kafka.wait_up()
    stage.until("nobody to lead", lambda: stage.now().leader == -1)  # the controllers must miss the dead one first
    stage.rig.run(2.0)
    assert stage.now().leader == -1
    stage.kafka.start(leader)
    stage.until_led_by(leader)


def disk_lost_its_partition(stage: Stage) -> None:
    """The one that has all comes back without the partition's files, and leads again: everything is gone."""
    leader, follower = leader_died_alone(stage)
    for segment in stage.kafka.segments(stage.topic, 0, node=leader):
        shutil.rmtree(segment.parent, ignore_errors=True)
    stage.kafka.start(leader)
    stage.until_led_by(leader)
    stage.kafka.start(follower)


def power_failed(stage: Stage) -> None:
    """All nodes die at once, and no disk has the last third."""
    stage.write_on(_ALONE)
    stage.power_failure()
    for node in stage.kafka.nodes:
        stage.kafka.start(node)
    stage.kafka.wait_up()


def follower_paused(stage: Stage) -> None:
    """The leader has appended and cannot acknowledge; requests time out and are sent again."""
    _, (follower, *_) = stage.roles()
    stage.kafka.pause(follower, at_most=20)
    stage.rig.run(3.0)
    stage.kafka.resume(follower)


ON_THREE: Final[Mapping[str, Any]] = {"num_partitions": 1, "replication_factor": 3}
ON_TWO: Final[Mapping[str, Any]] = {
    "num_partitions": 1,
    "replica_assignment": [[1, 2]],
}  # node 3 only keeps the controllers' quorum
SAFE: Final = {"min.insync.replicas": "2"}
WEAK: Final = {"min.insync.replicas": "1"}
UNCLEAN: Final = {**WEAK, "unclean.leader.election.enable": "true"}
ONE_ACK: Final = {"acks": "1", "idempotent": False}
HASTY: Final = {"rate": "500 records/s", "properties": {"request.timeout.ms": "500", "message.timeout.ms": "60000"}}

RECIPES: Final = (
    Recipe(
        name="acks=1, leader killed behind paused followers",
        harm=leader_killed_behind_paused_followers,
        loses=True,
        topic={**ON_THREE, "config": WEAK},
        writer=ONE_ACK,
    ),
    Recipe(
        name="acks=all, leader killed behind paused followers",
        harm=leader_killed_behind_paused_followers,
        topic={**ON_THREE, "config": SAFE},
    ),
    Recipe(
        name="unclean election", harm=stale_follower_returns, loses=True, topic={**ON_TWO, "config": UNCLEAN}
    ),
    Recipe(
        name="unclean election, not idempotent",
        harm=stale_follower_returns,
        loses=True,
        topic={**ON_TWO, "config": UNCLEAN},
        writer={"idempotent": False},
    ),
    Recipe(name="no unclean election", harm=stale_follower_waits, topic={**ON_TWO, "config": WEAK}),
    Recipe(
        name="disk lost its partition", harm=disk_lost_its_partition, loses=True, topic={**ON_TWO, "config": WEAK}
    ),
    Recipe(name="power failure", harm=power_failed, loses=True, topic={**ON_THREE, "config": SAFE}),
    Recipe(
        name="follower paused, not idempotent",
        harm=follower_paused,
        copies=True,
        topic={**ON_THREE, "config": WEAK},
        writer={**HASTY, "idempotent": False},
    ),
    Recipe(name="follower paused, idempotent", harm=follower_paused, topic={**ON_THREE, "config": WEAK}, writer=HASTY),
)  # fmt: skip
