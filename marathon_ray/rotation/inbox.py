"""Commands to a controller from any process that reaches its Ray cluster: a small actor with a name, which the controller
asks once a second."""

import asyncio
import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import ray
from ray.exceptions import ActorDiedError, GetTimeoutError, RayActorError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from marathon_ray.usage import UsageError

NAMESPACE: Final = "marathon"
_LOOK: Final = 1.0  # s between two asks of the controller
_ANSWER_WITHIN: Final = 15.0
_KEPT: Final = 100  # answers that nobody has fetched
_FETCHED_WITHIN: Final = 3.0  # s, at the end


@dataclass(frozen=True, slots=True)
class Command:
    """What a person wants, by its word, with its arguments."""

    number: str
    word: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


class Answer(NamedTuple):
    """What the controller says; `refused`: it has done nothing."""

    text: str
    refused: bool = False


class Box:
    """Commands that wait, and answers that were not fetched yet. Safe between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[Command] = []
        self._answers: OrderedDict[str, Answer] = OrderedDict()

    def put(self, command: Command) -> None:
        """Somebody wants something."""
        with self._lock:
            self._waiting.append(command)

    def take(self, answers: Mapping[str, Answer]) -> list[Command]:
        """The controller answers former commands, and gets those that have come since."""
        with self._lock:
            self._answers.update(answers)
            _shorten(self._answers)
            waiting, self._waiting = self._waiting, []
            return waiting

    def answer(self, number: str) -> Answer | None:
        """What the controller said; None where it has not yet. It is said once."""
        with self._lock:
            return self._answers.pop(number, None)

    def left(self) -> int:
        """How many answers nobody has fetched yet."""
        with self._lock:
            return len(self._answers)


_BoxOnRay: Final = ray.remote(Box)


def _shorten(answers: OrderedDict[str, Answer]) -> None:
    while len(answers) > _KEPT:
        answers.popitem(last=False)


def name(bench: str) -> str:
    """Of the box of that bench's controller."""
    return f"marathon-inbox-{bench}"


class Inbox:
    """The controller's side. The box lives until it is closed, or the controller's connection to Ray ends."""

    def __init__(self, bench: str) -> None:
        self._bench = bench
        self._box: Any = None
        self._lacking = ""  # why there is none
        self._closes = asyncio.Event()
        self._owed: dict[str, Answer] = {}
        self._said: OrderedDict[str, Answer] = OrderedDict()  # one that was lost on its way comes again

    def close(self) -> None:
        """Nothing is obeyed any more; `serve` ends as soon as whoever has asked has fetched the answer, or soon after."""
        self._closes.set()

    def _open(self) -> Any:  # noqa: ANN401 - Ray's handle of an actor
        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=True)  # no spot node
        return _BoxOnRay.options(
            name=name(self._bench), namespace=NAMESPACE, num_cpus=0, get_if_exists=True, max_restarts=-1,
            scheduling_strategy=here,
        ).remote()  # fmt: skip

    async def serve(self, obey: Callable[[Command], str], tell: Callable[[str], None]) -> None:
        """Until it is closed: every command is obeyed once, and answered in a line; UsageError is a refusal. `tell` hears why
        there is no box, and an empty text when there is one again."""
        lacking = ""
        while not self._closes.is_set():
            commands = await asyncio.to_thread(self._take)
            if bool(self._lacking) != bool(lacking):
                tell(self._lacking)
            lacking = self._lacking
            self._answer(commands, _refuse if self._closes.is_set() else obey)
            with suppress(TimeoutError):
                async with asyncio.timeout(0 if commands else _LOOK):
                    await self._closes.wait()
        if self._box:
            await asyncio.to_thread(self._end)

    def _end(self) -> None:
        """Answers are fetched, and the box is gone, so that nobody waits for one any more."""
        deadline = time.monotonic() + _FETCHED_WITHIN
        with suppress(Exception):  # of whatever kind: a box that is gone has no answers
            while True:
                self._answer(self._take(), _refuse)
                if not self._owed and not ray.get(self._box.left.remote(), timeout=_ANSWER_WITHIN):
                    break
                if time.monotonic() >= deadline:
                    break
                time.sleep(_LOOK / 10)
        with suppress(Exception):
            ray.kill(self._box)

    def _answer(self, commands: Sequence[Command], obey: Callable[[Command], str]) -> None:
        for command in commands:
            if command.number not in self._said:
                self._said[command.number] = _answer(obey, command)
                _shorten(self._said)
            self._owed[command.number] = self._said[command.number]

    def _take(self) -> list[Command]:
        """Those that have come; what is owed is brought."""
        try:
            self._box = self._box or self._open()
        except Exception as error:  # noqa: BLE001 - whatever Ray raises: it is tried again
            self._lacking = _line(error)
            return []
        self._lacking = ""
        try:
            commands: list[Command] = ray.get(self._box.take.remote(dict(self._owed)), timeout=_ANSWER_WITHIN)
        except ActorDiedError:  # it was a dead controller's, which Ray had not missed yet
            self._box = None
            return []
        except Exception:  # noqa: BLE001 - the box restarts, or its node is gone: whoever asked tries again
            return []
        self._owed.clear()
        return commands


def _refuse(command: Command) -> str:
    raise UsageError(f"{command.word}: the rotation ends")


def _answer(obey: Callable[[Command], str], command: Command) -> Answer:
    try:
        return Answer(obey(command))
    except UsageError as error:
        return Answer(str(error), refused=True)
    except Exception as error:  # noqa: BLE001 - whatever it was, the next command is obeyed
        return Answer(f"{command.word}: {_line(error)}", refused=True)


def _line(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


def say(bench: str, word: str, **arguments: Any) -> str:  # noqa: ANN401 - whatever the command takes
    """What the controller of that bench answers; Ray is connected. Raises UsageError of one line where none answers, or it
    refuses."""
    command = Command(uuid.uuid4().hex, word, arguments)
    deadline = time.monotonic() + _ANSWER_WITHIN
    put = answer = None
    while time.monotonic() < deadline:
        try:
            box: Any = ray.get_actor(name(bench), namespace=NAMESPACE)
            put = put or ray.get(box.put.remote(command), timeout=_ANSWER_WITHIN) is None
            answer = ray.get(box.answer.remote(command.number), timeout=_ANSWER_WITHIN)
        except (ValueError, ActorDiedError):
            raise UsageError(f"bench {bench}: no controller serves it on this Ray cluster") from None
        except (RayActorError, GetTimeoutError):
            put = None  # a box that restarts has forgotten what was in it
        if answer is not None:
            if answer.refused:
                raise UsageError(answer.text)
            return str(answer.text)
        time.sleep(_LOOK / 4)
    raise UsageError(f"bench {bench}: its controller has not answered within {_ANSWER_WITHIN:g} s")
