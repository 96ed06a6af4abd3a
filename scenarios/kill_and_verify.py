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
    WritableAgain,
    active_controller,
    follower_of,
    group_coordinator,
    in_sync,
    leader_of,
)

ROLES = (leader_of("orders"), follower_of("orders"), active_controller(), group_coordinator("readers"))
DEATHS = (Stop, Kill)


class KillAndVerify(Scenario):
    """Leader, follower, controller and coordinator leave and die in turn: writes go on, nothing acknowledged is lost."""

    suffers = DEATHS

    orders: Topic = Topic(partitions=12, replication=3, min_insync=2)
    writers: Producers = Producers(to="orders", rate="10 MB/s")
    readers: Consumers = Consumers(of="orders", group="live")
    steady: Duration = 20
    down: Duration = 40

    @property
    def lasts(self) -> float:
        return len(ROLES) * len(DEATHS) * (self.steady + self.down)

    def promises(self) -> Iterator[Promise]:
        yield Integrity("orders")
        yield WritableAgain("orders", within="60 s")

    async def workload(self, kit: Toolkit) -> None:
        for role in ROLES:
            for death in DEATHS:
                await kit.steady(self.steady)
                async with kit.fault(death(role)):
                    await kit.steady(self.down)
                await kit.until(in_sync("orders"), within="10 min")
