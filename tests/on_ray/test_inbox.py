"""Commands to a controller, by a Ray cluster that both reach."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest
import ray

from marathon_ray.rotation import inbox
from marathon_ray.rotation.inbox import Command, Inbox, say
from marathon_ray.usage import UsageError

pytestmark = pytest.mark.on_ray


async def spoken(bench: str, *words: str) -> list[str]:
    """What a controller that repeats everything answers."""

    def obey(command: Command) -> str:
        return f"{command.word} {dict(command.arguments)}"

    serving = asyncio.create_task(Inbox(bench).serve(obey, pytest.fail))
    try:
        return [await asyncio.to_thread(say, bench, word, why="because") for word in words]
    finally:
        serving.cancel()


def run(coroutine: Coroutine[Any, Any, list[str]]) -> list[str]:
    return asyncio.run(coroutine)


def test_every_command_is_answered_by_the_controller_of_its_bench(ray_here: None) -> None:
    assert run(spoken("one", "status", "stop")) == ["status {'why': 'because'}", "stop {'why': 'because'}"]
    with pytest.raises(UsageError, match="bench another: no controller serves it on this Ray cluster"):
        say("another", "status")


def test_a_command_that_is_refused_is_an_error_of_whoever_gave_it(ray_here: None) -> None:
    def obey(command: Command) -> str:
        raise UsageError(f"{command.word}: it cannot be")

    async def refused() -> list[str]:
        serving = asyncio.create_task(Inbox("four").serve(obey, pytest.fail))
        try:
            return [await asyncio.to_thread(say, "four", "set")]
        finally:
            serving.cancel()

    with pytest.raises(UsageError, match="set: it cannot be"):
        run(refused())


def test_a_controller_that_is_gone_is_not_waited_for_and_one_that_hangs_not_for_long(
    ray_here: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(spoken("two", "status")) == ["status {'why': 'because'}"]
    with pytest.raises(UsageError, match="bench two: no controller serves it on this Ray cluster"):
        say("two", "status")
    monkeypatch.setattr(inbox, "_ANSWER_WITHIN", 3.0)
    hangs = Inbox("hangs")
    with pytest.raises(UsageError, match="bench hangs: its controller has not answered within 3 s"):
        say("hangs", "status")
    del hangs


def test_commands_reach_a_controller_whose_box_was_lost(ray_here: None) -> None:
    async def lost() -> list[str]:
        held = Inbox("three")
        ray.kill(held._box, no_restart=False)
        return await spoken("three", "hold")

    assert run(lost()) == ["hold {'why': 'because'}"]
