"""What a controller must hold the leases of, by name, and how it keeps each."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from marathon_ray.blocking import blocking
from marathon_ray.clusters import Opened, open_cluster
from marathon_ray.kafka.cluster import KafkaError
from marathon_ray.kafka.release import identity
from marathon_ray.rotation.lease import EXPIRES, RENEW, Lease, TakenError
from marathon_ray.rotation.plan import Plan
from marathon_ray.usage import UsageError


async def lease_names(plan: Plan) -> list[str]:
    """The rotation, and each cluster that is not made for a run, by its own id, so that nobody else has it by another name;
    one that does not tell its id now goes by its name in the plan. Raises UsageError where two names mean one cluster."""
    opened = {name: open_cluster(text) for name, text in plan.clusters.items()}
    theirs = [name for name, one in opened.items() if not one.ours]
    asked = await asyncio.gather(*(blocking(_identity, opened[name]) for name in theirs))
    ids = {name: found or name for name, found in zip(theirs, asked, strict=True)}
    for name, found in ids.items():
        if same := [other for other in ids if other < name and ids[other] == found]:
            raise UsageError(f"clusters {same[0]} and {name} are one, whose id is {found}: name it once")
    return [f"rotation-{plan.bench}", *sorted(f"cluster-{found}" for found in ids.values())]


def _identity(opened: Opened) -> str:
    """Empty where it is not told."""
    try:
        return identity(opened.cluster.client_properties())
    except KafkaError:
        return ""


@asynccontextmanager
async def kept(lease: Lease, lost: Callable[[str], None]) -> AsyncIterator[None]:
    """It is renewed within, and no more after it. `lost` hears why it is not ours any more."""
    keeper = asyncio.create_task(_keep(lease, lost))
    try:
        yield
    finally:
        keeper.cancel()
        await asyncio.wait({keeper})


async def _keep(lease: Lease, lost: Callable[[str], None]) -> None:
    renewed = time.monotonic()
    while True:
        await asyncio.sleep(RENEW)
        try:
            await blocking(lease.renew)
        except TakenError as taken:
            return lost(f"lost its lease: {taken}")
        except OSError as error:  # the store is away, for us alone perhaps
            if time.monotonic() - renewed > EXPIRES:
                return lost(f"lost its lease: not renewed for {EXPIRES:g} s: {error.strerror or error}")
        else:
            renewed = time.monotonic()
