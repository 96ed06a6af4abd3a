"""The controller's side of its box, without Ray: nothing that a command meets ends its obedience."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from ray.exceptions import ActorDiedError, GetTimeoutError, RayActorError

from marathon_ray.rotation import inbox
from marathon_ray.rotation.inbox import Answer, Box, Command, Inbox, say
from marathon_ray.usage import UsageError


class Boxes:
    """Ray, as far as an inbox sees it: each box that is made is in `made`, with those commands that wait, and one in `gone`
    raises that. While it is `full` none is made. One that was closed is in `killed`."""

    def __init__(self) -> None:
        self.made: list[Box] = []
        self.gone: dict[int, Exception] = {}
        self.waiting: list[Command] = []
        self.asked = 0
        self.full = False
        self.killed: list[Any] = []

    def remote(self) -> Any:
        if self.full:
            raise ValueError("no place\nfor an actor")
        box = Box()
        self.made.append(box)
        for command in self.waiting:
            box.put(command)
        number = len(self.made) - 1
        return SimpleNamespace(
            take=SimpleNamespace(remote=lambda answers: (number, partial(box.take, answers))),
            left=SimpleNamespace(remote=lambda: (number, box.left)),
        )

    def get(self, call: Any, timeout: float) -> Any:
        self.asked += 1
        number, ask = call
        if number in self.gone:
            raise self.gone[number]
        return ask()


@pytest.fixture
def boxes(monkeypatch: pytest.MonkeyPatch) -> Boxes:
    boxes = Boxes()
    monkeypatch.setattr(inbox, "_BoxOnRay", SimpleNamespace(options=lambda **_: boxes))
    monkeypatch.setattr(inbox, "_LOOK", 0.01)
    context = SimpleNamespace(get_node_id=lambda: "0" * 56)
    monkeypatch.setattr(
        inbox, "ray", SimpleNamespace(get=boxes.get, get_runtime_context=lambda: context, kill=boxes.killed.append)
    )
    return boxes


async def answered(
    boxes: Boxes, *words: str, obey: Callable[[Command], str], tell: Callable[[str], None] = pytest.fail
) -> Mapping[str, Answer]:
    """What is answered to these, put one after the other into the newest box."""
    own = Inbox("one")
    serving = asyncio.create_task(own.serve(obey, tell))
    found: dict[str, Answer] = {}
    try:
        for word in words:
            async with asyncio.timeout(20):
                while word not in found:  # who asks a box that has gone asks the one that has followed on it
                    for newest in boxes.made[-1:]:
                        newest.put(Command(word, word))
                    await asyncio.sleep(0.05)
                    assert not serving.done(), serving.exception()
                    for newest in boxes.made[-1:]:
                        if answer := newest.answer(word):
                            found[word] = answer
    finally:
        serving.cancel()
    return found


def test_a_command_that_cannot_be_done_is_answered_and_the_next_is_obeyed(boxes: Boxes) -> None:
    def obey(command: Command) -> str:
        if command.word == "mute":
            raise OverflowError("date value out of range")
        if command.word == "set":
            raise UsageError("it is not allowed")
        return "done"

    said = asyncio.run(answered(boxes, "mute", "set", "stop", obey=obey))
    assert said == {
        "set": Answer("it is not allowed", refused=True),
        "mute": Answer("mute: OverflowError: date value out of range", refused=True),
        "stop": Answer("done"),
    }


def test_a_command_that_comes_again_is_obeyed_once_and_each_answer_brought_away_once(boxes: Boxes) -> None:
    obeyed: list[str] = []
    boxes.waiting = [Command("1", "stop"), Command("1", "stop")]

    def obey(command: Command) -> str:
        obeyed.append(command.word)
        return "done"

    async def looked_twice_more() -> None:
        serving = asyncio.create_task(Inbox("one").serve(obey, pytest.fail))
        for asked in (3, 6):
            async with asyncio.timeout(20):
                while boxes.asked < asked:  # noqa: ASYNC110 - in another thread
                    await asyncio.sleep(0.01)
            left.append(boxes.made[0].answer("1"))
        serving.cancel()

    left: list[Answer | None] = []
    asyncio.run(looked_twice_more())
    assert obeyed == ["stop"]
    assert left == [Answer("done"), None]


def test_what_is_in_a_box_is_had_once_and_of_answers_it_keeps_the_newest() -> None:
    box = Box()
    box.put(Command("1", "stop"))
    assert [box.take({}), box.take({})] == [[Command("1", "stop")], []]
    box.take({str(number): Answer(f"answer {number}") for number in range(101)})
    assert [box.answer(number) for number in ("0", "1", "1", "100")] == [
        None,
        Answer("answer 1"),
        None,
        Answer("answer 100"),
    ]


class Spoken:
    """Ray, as far as who commands sees it: a box that answers so, a value or what a call raises, one after the other."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *answers: Answer | Exception | None) -> None:
        self.put: list[str] = []
        self._answers = iter(answers)
        box = SimpleNamespace(
            put=SimpleNamespace(remote=lambda command: partial(self.put.append, command.word)),
            answer=SimpleNamespace(remote=lambda number: self._answer),
        )
        monkeypatch.setattr(inbox, "_LOOK", 0.01)
        monkeypatch.setattr(
            inbox, "ray", SimpleNamespace(get_actor=lambda name, namespace: box, get=lambda call, timeout: call())
        )

    def _answer(self) -> Answer | None:
        answer = next(self._answers)
        if isinstance(answer, Exception):
            raise answer
        return answer


def test_what_is_refused_is_an_error_of_whoever_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    Spoken(monkeypatch, None, Answer("set: it cannot be", refused=True))
    with pytest.raises(UsageError, match=r"^set: it cannot be$"):
        say("one", "set")


def test_who_commands_puts_it_again_where_a_box_has_begun_anew_and_only_there(monkeypatch: pytest.MonkeyPatch) -> None:
    spoken = Spoken(monkeypatch, None, RayActorError(), None, Answer("done"))
    assert say("one", "stop") == "done"
    assert spoken.put == ["stop", "stop"]


def test_a_box_that_ended_with_its_controller_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    Spoken(monkeypatch, ActorDiedError())
    with pytest.raises(UsageError, match=r"^bench one: no controller serves it on this Ray cluster$"):
        say("one", "stop")


def test_a_box_that_was_a_former_controllers_and_ends_with_it_is_followed_by_another(boxes: Boxes) -> None:
    boxes.gone[0] = ActorDiedError()
    assert asyncio.run(answered(boxes, "stop", obey=lambda _: "done")) == {"stop": Answer("done")}
    assert len(boxes.made) == 2


def test_a_box_that_is_away_for_a_moment_is_asked_again(boxes: Boxes) -> None:
    boxes.gone[0] = GetTimeoutError()

    async def back() -> Mapping[str, Answer]:
        asyncio.get_running_loop().call_later(0.1, boxes.gone.clear)
        return await answered(boxes, "stop", obey=lambda _: "done")

    assert asyncio.run(back()) == {"stop": Answer("done")}
    assert len(boxes.made) == 1


def test_an_answer_that_cannot_be_brought_away_is_tried_no_more_often_than_it_is_looked(
    boxes: Boxes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox, "_LOOK", 0.1)

    def obey(command: Command) -> str:
        boxes.gone[0] = GetTimeoutError()
        return "done"

    async def tries() -> int:
        boxes.waiting = [Command("1", "stop")]
        with suppress(TimeoutError):
            async with asyncio.timeout(0.5):
                await Inbox("one").serve(obey, pytest.fail)
        return boxes.asked

    assert asyncio.run(tries()) <= 6


def test_a_box_that_cannot_be_had_is_told_once_and_tried_again_until_it_can(boxes: Boxes) -> None:
    told: list[str] = []
    boxes.full = True

    async def later() -> Mapping[str, Answer]:
        loop = asyncio.get_running_loop()

        def tell(why: str) -> None:
            told.append(why)
            if why:
                loop.call_later(0.1, setattr, boxes, "full", False)

        return await answered(boxes, "stop", obey=lambda _: "done", tell=tell)

    assert asyncio.run(later()) == {"stop": Answer("done")}
    assert told == ["ValueError: no place for an actor", ""]


def test_the_last_answers_are_fetched_and_what_comes_later_is_refused_before_the_box_goes(boxes: Boxes) -> None:
    obeyed: list[str] = []
    boxes.waiting = [Command("1", "stop")]

    async def ends() -> tuple[Answer | None, Answer | None]:
        own = Inbox("one")

        def obey(command: Command) -> str:
            obeyed.append(command.word)
            boxes.made[0].put(Command("2", "hold"))
            own.close()  # there is nothing to be ended first
            return "done"

        serving = asyncio.create_task(own.serve(obey, pytest.fail))
        async with asyncio.timeout(20):
            while boxes.made[0].left() < 2 if boxes.made else True:  # noqa: ASYNC110 - in another thread
                await asyncio.sleep(0.01)
            assert not serving.done()
            assert boxes.killed == []
            answers = boxes.made[0].answer("1"), boxes.made[0].answer("2")
            await serving
        return answers

    assert asyncio.run(ends()) == (Answer("done"), Answer("hold: the rotation ends", refused=True))
    assert obeyed == ["stop"]
    assert len(boxes.killed) == 1


@pytest.mark.parametrize("lost", [False, True])
def test_an_answer_that_is_not_fetched_or_cannot_be_brought_is_not_waited_for_long(
    boxes: Boxes, monkeypatch: pytest.MonkeyPatch, lost: bool
) -> None:
    monkeypatch.setattr(inbox, "_FETCHED_WITHIN", 0.2)
    boxes.waiting = [Command("1", "stop")]

    async def ends() -> None:
        own = Inbox("one")

        def obey(_: Command) -> str:
            if lost:
                boxes.gone[0] = RayActorError()
            own.close()
            return "done"

        async with asyncio.timeout(2):
            await own.serve(obey, pytest.fail)

    asyncio.run(ends())
    assert len(boxes.killed) == 1


def test_no_box_is_made_to_be_closed(boxes: Boxes) -> None:
    own = Inbox("one")
    own.close()
    asyncio.run(own.serve(lambda _: "done", pytest.fail))
    assert boxes.made == []
