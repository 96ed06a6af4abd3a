"""A group that begins at the beginning, behind writers that do not wait for it."""

from collections.abc import Iterator

from marathon_ray import (
    Consumers,
    Drained,
    Duration,
    Integrity,
    KeepsRate,
    Producers,
    Promise,
    Scenario,
    Toolkit,
    Topic,
    caught_up,
)


class CatchUpRead(Scenario):
    """A group that reads from the beginning reaches the writers in five minutes, and they are not slowed down by it."""

    orders: Topic = Topic(partitions=12)
    writers: Producers = Producers(to="orders", rate="10 MB/s")
    cold: Consumers = Consumers(of="orders", group="cold", starts="later")
    ahead: Duration = 60  # how much the writers have done when the reading begins
    reading: Duration = 300

    @property
    def lasts(self) -> float:
        return self.ahead

    def promises(self) -> Iterator[Promise]:
        yield Integrity("orders")
        yield Drained("cold", within=self.reading)  # from the first record on
        yield KeepsRate("writers", at_least="95 %")

    async def workload(self, kit: Toolkit) -> None:
        await kit.steady(self.ahead)
        await kit.start("cold")
        await kit.until(caught_up("cold"), within=self.reading)
