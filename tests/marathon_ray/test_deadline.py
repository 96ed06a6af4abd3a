"""What is over in time is as it is, and what is not is told so, however it takes its end."""

import asyncio

import pytest

from marathon_ray.deadline import in_time
from marathon_ray.rounds import BenchError

_OVER = r"^the workload was not over within 10 ms$"


def test_what_is_not_over_in_time_is_cancelled_and_told() -> None:
    with pytest.raises(BenchError, match=_OVER):
        asyncio.run(in_time(asyncio.Event().wait(), "the workload", within=0.01))


def test_who_does_not_mind_that_its_time_is_over_was_not_in_time_all_the_same() -> None:
    async def stubborn() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return

    with pytest.raises(BenchError, match=_OVER):
        asyncio.run(in_time(stubborn(), "the workload", within=0.01))


def test_an_error_is_its_own_also_where_it_is_one_of_time() -> None:
    async def fails() -> None:
        raise TimeoutError("of its own")

    with pytest.raises(TimeoutError, match="of its own"):
        asyncio.run(in_time(fails(), "the workload", within=60))


def test_a_cancellation_from_outside_is_none_of_time() -> None:
    async def cancelled() -> None:
        task = asyncio.create_task(in_time(asyncio.Event().wait(), "the workload", within=60))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())


def test_what_breaks_because_its_time_is_over_was_not_in_time() -> None:
    async def breaks() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise LookupError("of its own")

    with pytest.raises(BenchError, match=_OVER):
        asyncio.run(in_time(breaks(), "the workload", within=0.01))
