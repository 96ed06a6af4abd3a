"""The scenarios of a soak, as a user's file: two that a healthy cluster passes at any load of the machine, and one whose topic
is not as safe as it was declared, so that acknowledged records are lost each time.

The safe ones promise safety alone: rates, latencies and times to recover are no promises for a machine that is overloaded.
Machines of the load are killed meanwhile, and what these left in the dark is a large part of so short a run.
"""

import contextlib
import re
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Final

from confluent_kafka import TopicPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # they are its public names, without an __all__
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    OffsetSpec,
    ResourceType,
)

from actors.spec import Auditors, Consumers, Producers
from marathon_ray import (
    Duration,
    Integrity,
    Kill,
    Promise,
    Scenario,
    Stop,
    Toolkit,
    Topic,
    follower_of,
    in_sync,
    leader_of,
    size,
)
from marathon_ray.blocking import blocking
from marathon_ray.conditions import View
from marathon_ray.kafka.cluster import KafkaError
from scenarios.kill_leader import KillLeader
from scenarios.steady_write import SteadyWrite

_WRITERS: Final = Producers(to="orders", rate="500 records/s", size="200 B", workers=1)
_SAFE: Final = Topic(partitions=6, replication=3, min_insync=2)
_DARK: Final = "50 %"
_WITHIN: Final = 20.0  # seconds for an answer of a broker
_ALONE: Final = 200_000  # bytes that the leader takes alone
_COMES: Final = "3 min"  # for brokers on a busy machine
_LOST: Final = re.compile(r"the log has lost (?P<records>-?\d+) records")


class SoakedKill(KillLeader):
    """A leader dies without warning, and nothing acknowledged is lost."""

    orders: Topic = _SAFE
    writers: Producers = _WRITERS
    readers: Consumers = Consumers(of="orders", group="live", workers=1)
    auditors: Auditors = Auditors(of="orders", trailing="2 s", workers=1)
    steady: Duration = 5
    down: Duration = 5

    def promises(self) -> Iterator[Promise]:
        yield Integrity("orders", dark=_DARK)


class SoakedWrite(SteadyWrite):
    """Nothing happens to the cluster, and nothing is lost."""

    orders: Topic = _SAFE
    writers: Producers = _WRITERS
    readers: Consumers = Consumers(of="orders", group="live", workers=1)
    auditors: Auditors = Auditors(of="orders", trailing="2 s", workers=1)
    warm: Duration = 1
    steady: Duration = 15

    def promises(self) -> Iterator[Promise]:
        yield Integrity("orders", dark=_DARK)


class SoakedUnclean(Scenario):
    """The brokers of a topic die one after the other, and nothing acknowledged is lost.

    A topic as declared here would wait for the one that has all. But somebody has switched unclean elections on, so the one
    that comes back first leads: what the other had taken alone is lost. No setting that was declared allows that.
    """

    suffers = (Kill, Stop)

    parcels: Topic = Topic(partitions=1, replication=2, min_insync=1)
    writers: Producers = Producers(to="parcels", rate="500 records/s", size="200 B", workers=1)
    auditors: Auditors = Auditors(of="parcels", trailing="10 min", workers=1)  # the second pass comes when all is over
    servers: str
    steady: Duration = 3

    def promises(self) -> Iterator[Promise]:
        yield Integrity("parcels", dark=_DARK)

    async def workload(self, kit: Toolkit) -> None:
        await blocking(_allow_unclean, self.servers)
        await kit.steady(self.steady)
        async with AsyncExitStack() as later:
            async with kit.fault(Stop(follower_of("parcels"))) as (follower,):
                # That it was told so much is no matter of time: a writer may be lost meanwhile, and have a successor.
                await kit.until(size("parcels", kit.written("parcels") + _ALONE), within=_COMES)
                await kit.stop("writers")
                had = await blocking(_end, self.servers)  # all of it acknowledged by who leads alone
                await later.enter_async_context(kit.fault(Kill(leader_of("parcels"))))
            await kit.until(_LedBy(follower), within=_COMES)
        await kit.until(in_sync("parcels"), within=_COMES)
        kit.note(told(had - await blocking(_end, self.servers)))


def told(records: int) -> str:
    """The truth of a run, as a note: what plain clients saw of the log, whatever our accounts say."""
    return f"the log has lost {records} records"


def truth(note: str) -> int | None:
    """What such a note says; None of another one."""
    found = _LOST.fullmatch(note)
    return int(found["records"]) if found else None


@dataclass(frozen=True, slots=True)
class _LedBy:
    """That node leads the parcels."""

    node: int

    @property
    def name(self) -> str:
        return "parcels led by who was away"

    def holds(self, view: View) -> bool:
        with contextlib.suppress(KafkaError):  # nobody answers yet
            return view.eyes.leaders("parcels").get(0) == self.node
        return False


def _allow_unclean(servers: str) -> None:
    """Unclean elections are on, whatever was declared."""
    admin = AdminClient({"bootstrap.servers": servers, "log_level": 0})
    entry = ConfigEntry("unclean.leader.election.enable", "true", incremental_operation=AlterConfigOpType.SET)
    topic = ConfigResource(ResourceType.TOPIC, _name(admin), incremental_configs=[entry])
    for done in admin.incremental_alter_configs([topic], request_timeout=_WITHIN).values():
        done.result(_WITHIN)


def _end(servers: str) -> int:
    """Where the log ends: before so many records, since nobody has deleted any and there are no transactions."""
    admin = AdminClient({"bootstrap.servers": servers, "log_level": 0})
    place = TopicPartition(_name(admin), 0)
    latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]
    return int(admin.list_offsets({place: latest}, request_timeout=_WITHIN)[place].result(_WITHIN).offset)


def _name(admin: AdminClient) -> str:
    """What the topic is called there, which a scenario does not know."""
    (name,) = (name for name in admin.list_topics(timeout=_WITHIN).topics if re.fullmatch(r"m-.*-parcels", name))
    return name
