"""What a scenario does has a limit, since it may wait for what never comes."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from actors.units import duration_text
from marathon_ray.rounds import BenchError


async def in_time(work: Coroutine[Any, Any, object], what: str, *, within: float) -> None:
    """It is over. Cancelled when its time is, however it takes that, and BenchError raised of `what` it is."""
    over = BenchError(f"{what} was not over within {duration_text(within)}")
    try:
        async with asyncio.timeout(within) as limit:
            await work
    except Exception as error:
        if limit.expired():
            raise over from error
        raise
    if limit.expired():
        raise over
