"""What a whole run is measured with: the data plane alone, and eight workers of three kinds."""

from collections.abc import Iterator

from marathon_ray import Auditors, Consumers, Duration, Integrity, Producers, Promise, Scenario, Toolkit, Topic


class Plane(Scenario):
    """What is written is there: a producer and an auditor, no group."""

    orders: Topic = Topic(partitions=6, replication=1, min_insync=1)
    writers: Producers = Producers(to="orders", size="100 B", workers=1)
    auditors: Auditors = Auditors(of="orders", trailing="2 s", workers=1)
    warm: Duration = 5
    steady: Duration = 10

    @property
    def lasts(self) -> float:
        return self.steady

    def promises(self) -> Iterator[Promise]:
        yield Integrity("orders")

    async def warmup(self, kit: Toolkit) -> None:
        await kit.steady(self.warm)

    async def workload(self, kit: Toolkit) -> None:
        await kit.steady(self.steady)


class Eight(Plane):
    """What is written is there, and is delivered: eight workers of three kinds."""

    orders: Topic = Topic(partitions=12, replication=1, min_insync=1)
    writers: Producers = Producers(to="orders", size="100 B", workers=3)
    readers: Consumers = Consumers(of="orders", group="live", workers=2)
    auditors: Auditors = Auditors(of="orders", trailing="2 s", workers=3)
