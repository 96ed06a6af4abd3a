"""Every role of a broker dies in turn, once in good order and once without warning."""

from collections.abc import Iterator

from marathon_ray import (
    Consumers,
    Duration,
    Integrity,
    Kill,
    Producers,
    Promise,
    Scenario,
    Stop,
    Toolkit,
    Topic,
    Transactors,
    WritableAgain,
    active_controller,
    follower_of,
    group_coordinator,
    in_sync,
    leader_of,
    transaction_coordinator,
)

ROLES = (
    leader_of("orders"),
    follower_of("orders"),
    active_controller(),
    group_coordinator("readers"),
    transaction_coordinator("copiers"),
)
DEATHS = (Stop, Kill)


class KillAndVerify(Scenario):
    """All roles of a broker leave and die in turn: nothing acknowledged is lost, and each record is copied exactly once."""

    suffers = DEATHS

    orders: Topic = Topic(partitions=12, replication=3, min_insync=2)
    copies: Topic = Topic(partitions=12, replication=3, min_insync=2)
    writers: Producers = Producers(to="orders", rate="10 MB/s")
    copiers: Transactors = Transactors(of="orders", to="copies", group="copiers", records_per_transaction=5_000)
    readers: Consumers = Consumers(of=("orders", "copies"), group="live")
    steady: Duration = 20
    down: Duration = 40

    @property
    def lasts(self) -> float:
        return len(ROLES) * len(DEATHS) * (self.steady + self.down)

    def promises(self) -> Iterator[Promise]:
        yield Integrity("orders", "copies")
        yield WritableAgain("orders", within="60 s")

    async def workload(self, kit: Toolkit) -> None:
        for role in ROLES:
            for death in DEATHS:
                await kit.steady(self.steady)
                async with kit.fault(death(role)):
                    await kit.steady(self.down)
                await kit.until(in_sync("orders"), within="10 min")
                await kit.until(in_sync("copies"), within="10 min")
