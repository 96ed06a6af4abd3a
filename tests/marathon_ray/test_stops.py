"""Signals that cut a run short, one step after the other."""

import asyncio
import os
import signal
import threading

import pytest

from marathon_ray.blocking import blocking
from marathon_ray.stops import InterruptionError, Stops


def stops() -> tuple[Stops, list[str]]:
    notes: list[str] = []
    return Stops(notes.append), notes


async def never() -> None:
    await asyncio.Event().wait()


async def done() -> str:
    return "done"


def test_a_step_that_nobody_stops_gives_what_it_returns() -> None:
    async def go() -> str:
        return await stops()[0].step(done())

    assert asyncio.run(go()) == "done"


def test_the_first_signal_cuts_a_step_short_and_the_way_out_is_still_gone() -> None:
    one, notes = stops()

    async def go() -> str:
        one.install()
        asyncio.get_running_loop().call_later(0.05, os.kill, os.getpid(), signal.SIGTERM)
        with pytest.raises(InterruptionError, match="SIGTERM"):
            await one.step(never())
        with pytest.raises(InterruptionError):
            await one.step(never())  # no further step that bears no signal
        out = await one.step(done(), bears=1)
        one.remove()
        return out

    assert asyncio.run(go()) == "done"
    assert len(notes) == 1


def test_a_step_that_bears_the_first_signal_goes_on_when_it_comes() -> None:
    async def go(*signals: str) -> str:
        one, _ = stops()

        async def works() -> str:
            for each in signals:
                one.stop(each)
            await asyncio.sleep(0)  # where it would be cut short
            return "done"

        return await one.step(works(), bears=1)

    assert asyncio.run(go("SIGINT")) == "done"
    with pytest.raises(InterruptionError, match="SIGINT"):
        asyncio.run(go("SIGINT", "SIGTERM"))


def test_the_second_signal_cuts_the_way_out_short_too() -> None:
    one, _ = stops()

    async def go() -> None:
        one.stop("SIGINT")
        asyncio.get_running_loop().call_later(0.05, one.stop, "SIGINT")
        with pytest.raises(InterruptionError):
            await one.step(never(), bears=1)
        assert await one.step(done(), bears=2) == "done"

    asyncio.run(go())


@pytest.mark.parametrize(("before", "bears"), [(0, 1), (1, 2)])
def test_a_step_that_bears_a_signal_comes_to_its_end(before: int, bears: int) -> None:
    one, _ = stops()
    one.count = before

    async def go() -> str:
        asyncio.get_running_loop().call_soon(one.stop, "SIGINT")
        await one.step(asyncio.sleep(0.05), bears=bears)
        with pytest.raises(InterruptionError, match="SIGINT"):
            await one.step(never(), bears=bears - 1)
        return await one.step(done(), bears=bears)

    assert asyncio.run(go()) == "done"


def test_a_caller_that_is_cancelled_is_an_interruption() -> None:
    one, _ = stops()

    async def go() -> None:
        task = asyncio.ensure_future(one.step(never()))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(InterruptionError, match="cancelled"):
            await task

    asyncio.run(go())


def test_a_call_that_has_begun_is_seen_to_its_end() -> None:
    begun, may_end, ended = threading.Event(), threading.Event(), []

    def slow() -> None:
        begun.set()
        may_end.wait(10)
        ended.append(True)

    async def go() -> None:
        task = asyncio.ensure_future(blocking(slow))
        await asyncio.to_thread(begun.wait, 10)
        task.cancel()
        await asyncio.sleep(0.05)
        assert not task.done()
        task.cancel()
        may_end.set()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(go())
    assert ended == [True]


def test_a_cancellation_counts_also_after_a_signal_that_was_borne() -> None:
    one, _ = stops()

    async def go() -> None:
        step = asyncio.ensure_future(one.step(never(), bears=1))
        await asyncio.sleep(0)
        one.stop("SIGINT")
        await asyncio.sleep(0)
        assert not step.done()
        step.cancel()
        await asyncio.sleep(0)
        assert one.count == 2
        with pytest.raises(InterruptionError, match="SIGINT"):
            await step

    asyncio.run(go())
