"""Commands to a controller, by a Ray cluster that both reach."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import ray

import marathon_ray
from marathon_ray.rotation import inbox
from marathon_ray.rotation.inbox import NAMESPACE, Command, Inbox, name, say
from marathon_ray.usage import UsageError

pytestmark = pytest.mark.on_ray


async def serving(bench: str, obey: Callable[[Command], str]) -> "asyncio.Task[None]":
    """A controller that is heard from now on."""
    task = asyncio.create_task(Inbox(bench).serve(obey, pytest.fail))
    async with asyncio.timeout(30):
        while not _is_there(bench):  # noqa: ASYNC110 - Ray tells nobody that an actor has a name by now
            await asyncio.sleep(0.05)
    return task


def _is_there(bench: str) -> bool:
    try:
        ray.get_actor(name(bench), namespace=NAMESPACE)
    except ValueError:
        return False
    return True


async def spoken(bench: str, *words: str) -> list[str]:
    """What a controller that repeats everything answers."""

    def obey(command: Command) -> str:
        return f"{command.word} {dict(command.arguments)}"

    task = await serving(bench, obey)
    try:
        return [await asyncio.to_thread(say, bench, word, why="because") for word in words]
    finally:
        task.cancel()


def run(coroutine: Coroutine[Any, Any, list[str]]) -> list[str]:
    return asyncio.run(coroutine)


def test_every_command_is_answered_by_the_controller_of_its_bench(ray_here: None) -> None:
    assert run(spoken("one", "status", "stop")) == ["status {'why': 'because'}", "stop {'why': 'because'}"]
    with pytest.raises(UsageError, match="bench another: no controller serves it on this Ray cluster"):
        say("another", "status")


def test_python_commands_as_a_terminal_does_and_leaves_the_ray_of_this_process_as_it_is(ray_here: None) -> None:
    def obey(command: Command) -> str:
        if command.word == "set":
            raise UsageError("set: it cannot be")
        return f"{command.word} {dict(command.arguments)}"

    async def commanded() -> list[str]:
        task = await serving("five", obey)
        try:
            with pytest.raises(UsageError, match=r"^set: it cannot be$"):
                await marathon_ray.command("set", field="every", value="0", bench="five")
            words = [await marathon_ray.command(word, bench="five") for word in ("resume", "interrupt")]
        finally:
            task.cancel()
        return words

    assert run(commanded()) == ["release {}", "interrupt {'why': 'interrupted by command'}"]
    assert ray.is_initialized()


def test_a_command_that_is_refused_is_an_error_of_whoever_gave_it(ray_here: None) -> None:
    def obey(command: Command) -> str:
        raise UsageError(f"{command.word}: it cannot be")

    async def refused() -> list[str]:
        task = await serving("four", obey)
        try:
            return [await asyncio.to_thread(say, "four", "set")]
        finally:
            task.cancel()

    with pytest.raises(UsageError, match="set: it cannot be"):
        run(refused())


def test_a_controller_that_is_gone_is_not_waited_for_and_one_that_hangs_not_for_long(
    ray_here: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(spoken("two", "status")) == ["status {'why': 'because'}"]
    with pytest.raises(UsageError, match="bench two: no controller serves it on this Ray cluster"):
        say("two", "status")
    monkeypatch.setattr(inbox, "_ANSWER_WITHIN", 3.0)
    hangs = Inbox("hangs")._open()
    with pytest.raises(UsageError, match="bench hangs: its controller has not answered within 3 s"):
        say("hangs", "status")
    del hangs


def test_commands_reach_a_controller_whose_box_was_lost(ray_here: None) -> None:
    async def lost() -> list[str]:
        held = Inbox("three")._open()
        ray.kill(held, no_restart=False)
        return await spoken("three", "hold")

    assert run(lost()) == ["hold {'why': 'because'}"]
