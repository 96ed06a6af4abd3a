"""The death that every cluster must bear: of the broker that leads."""

from collections.abc import Iterator

from marathon_ray import (
    Consumers,
    Duration,
    Integrity,
    KeepsRate,
    Kill,
    Producers,
    Promise,
    Scenario,
    Toolkit,
    Topic,
    WritableAgain,
    in_sync,
    leader_of,
)


class KillLeader(Scenario):
    """A leader dies without warning: all partitions take writes again within a minute, nothing acknowledged is lost."""

    suffers = (Kill,)

    orders: Topic = Topic(partitions=12, replication=3, min_insync=2)
    writers: Producers = Producers(to="orders", rate="10 MB/s")
    readers: Consumers = Consumers(of="orders", group="live")
    steady: Duration = 60
    down: Duration = 60

    @property
    def lasts(self) -> float:
        return self.steady + self.down

    def promises(self) -> Iterator[Promise]:
        yield Integrity("orders")
        yield WritableAgain("orders", within="60 s")  # per partition, from the moment of the kill
        yield KeepsRate("writers", at_least="95 %", outside="faults")

    async def workload(self, kit: Toolkit) -> None:
        await kit.steady(self.steady)
        async with kit.fault(Kill(leader_of("orders"))):
            await kit.steady(self.down)
        await kit.until(in_sync("orders"), within="10 min")
