"""The way to a newer Kafka that every cluster must go: without a stop."""

from collections.abc import Iterator
from typing import Self

from marathon_ray import (
    Cluster,
    Consumers,
    Duration,
    Finalize,
    Integrity,
    KeepsRate,
    Producers,
    Promise,
    Scenario,
    Toolkit,
    Topic,
    Upgrade,
    Version,
    WritableAgain,
    broker,
    in_sync,
    newer_release,
    share_of_brokers,
)


class RollingUpgrade(Scenario):
    """Broker by broker goes to a newer Kafka: all partitions take writes again within a minute, nothing acknowledged is lost.

    At last the newer features are put in force, which belongs to an upgrade and may break one. There is no way back then:
    with `finalize` false there is.
    """

    suffers = (Upgrade, Finalize)

    orders: Topic = Topic(partitions=12, replication=3, min_insync=2)
    writers: Producers = Producers(to="orders", rate="10 MB/s")
    readers: Consumers = Consumers(of="orders", group="live")
    to: Version = "newest"
    finalize: bool = True
    steady: Duration = 30

    @property
    def lasts(self) -> float:
        return 2 * self.steady

    def fitted(self, cluster: Cluster) -> Self:
        return self.model_copy(update={"to": newer_release(cluster, self.to)})

    def promises(self) -> Iterator[Promise]:
        yield Integrity("orders")
        yield WritableAgain("orders", within="60 s")
        yield KeepsRate("writers", at_least="95 %", outside="faults")

    async def workload(self, kit: Toolkit) -> None:
        await kit.steady(self.steady)
        for node in await kit.brokers():
            async with kit.fault(Upgrade(broker(node), self.to)):
                pass
            await kit.until(in_sync("orders"), within="10 min")
        if self.finalize:
            async with kit.fault(Finalize(share_of_brokers("100 %"), self.to)):
                pass
        await kit.steady(self.steady)
