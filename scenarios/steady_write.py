"""The calm before all storms: writers and readers at an even rate, and nothing else."""

from collections.abc import Iterator

from marathon_ray import (
    Consumers,
    Duration,
    Integrity,
    KeepsRate,
    Latency,
    Producers,
    Promise,
    Scenario,
    Toolkit,
    Topic,
)


class SteadyWrite(Scenario):
    """While nothing happens, the cluster takes what is offered, answers within a second, and loses nothing."""

    orders: Topic = Topic(partitions=12)
    writers: Producers = Producers(to="orders", rate="10 MB/s")
    readers: Consumers = Consumers(of="orders", group="live")
    warm: Duration = 5  # connections, first batches, a group's first assignment: not what is measured
    steady: Duration = 60

    @property
    def lasts(self) -> float:
        return self.steady

    def promises(self) -> Iterator[Promise]:
        yield Integrity("orders")
        yield KeepsRate("writers", at_least="95 %")
        yield Latency("writers", percentile=99, below="1 s", of="response")

    async def warmup(self, kit: Toolkit) -> None:
        await kit.steady(self.warm)

    async def workload(self, kit: Toolkit) -> None:
        await kit.steady(self.steady)
