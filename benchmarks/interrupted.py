"""A scenario that is interrupted, as a user's file: it freezes a broker, as kill-leader kills one, with the same fields."""

from collections.abc import Iterator

from marathon_ray import (
    Consumers,
    Duration,
    Integrity,
    Pause,
    Producers,
    Promise,
    Scenario,
    Toolkit,
    Topic,
    follower_of,
    in_sync,
)


class FreezeFollower(Scenario):
    """A follower stands still, and nothing acknowledged is lost."""

    suffers = (Pause,)

    orders: Topic = Topic(partitions=12, replication=3, min_insync=2)
    writers: Producers = Producers(to="orders", rate="10 MB/s")
    readers: Consumers = Consumers(of="orders", group="live")
    steady: Duration = 60
    down: Duration = 60

    def promises(self) -> Iterator[Promise]:
        yield Integrity("orders")

    async def workload(self, kit: Toolkit) -> None:
        await kit.steady(self.steady)
        async with kit.fault(Pause(follower_of("orders"))):
            await kit.steady(self.down)
        await kit.until(in_sync("orders"), within="10 min")
