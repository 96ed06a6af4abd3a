"""The scenarios of a soak, as a user's file: two that a healthy cluster passes at any load of the machine, and one that deletes
its own records each time, as an unsafe cluster would lose them.

The safe ones promise safety alone: rates, latencies and times to recover are no promises for a machine that is overloaded.
Machines of the load are killed meanwhile, and what these left in the dark is a large part of so short a run.
"""

from collections.abc import Iterator
from functools import partial
from typing import Final

from confluent_kafka import OFFSET_END, TopicPartition
from confluent_kafka.admin import AdminClient

from actors.spec import Auditors, Consumers, Producers
from marathon_ray import Duration, Integrity, Promise, Scenario, Toolkit, Topic
from marathon_ray.blocking import blocking
from scenarios.kill_leader import KillLeader
from scenarios.steady_write import SteadyWrite

_WRITERS: Final = Producers(to="orders", rate="500 records/s", size="200 B", workers=1)
_SAFE: Final = Topic(partitions=6, replication=3, min_insync=2)
_DARK: Final = "50 %"
STRUCK: Final = "all records were deleted"  # a note
_WITHIN: Final = 20.0  # seconds for an answer of a broker


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


class SoakedLoss(Scenario):
    """Everything that the log holds is deleted in the middle of the run, and was promised to be kept."""

    parcels: Topic = Topic(partitions=3, replication=3, min_insync=2, retention="1 h")  # of which it is held to
    writers: Producers = Producers(to="parcels", rate="500 records/s", size="200 B", workers=1)
    auditors: Auditors = Auditors(of="parcels", trailing="1 min", workers=1)  # the second pass comes too late
    servers: str
    steady: Duration = 5

    def promises(self) -> Iterator[Promise]:
        yield Integrity("parcels", dark=_DARK)

    async def workload(self, kit: Toolkit) -> None:
        await kit.steady(self.steady)
        await blocking(partial(_delete, self.servers, "-parcels"))
        kit.note(STRUCK)
        await kit.steady(self.steady)


def _delete(servers: str, end: str) -> None:
    """All records go of the topics whose names end so: a scenario does not know what its topic is called."""
    admin = AdminClient({"bootstrap.servers": servers, "log_level": 0})
    topics = admin.list_topics(timeout=_WITHIN).topics
    places = [
        TopicPartition(name, number, OFFSET_END)
        for name, topic in topics.items()
        if name.startswith("m-") and name.endswith(end)
        for number in topic.partitions
    ]
    for done in admin.delete_records(places, request_timeout=_WITHIN).values():
        done.result(_WITHIN)
