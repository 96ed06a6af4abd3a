"""Commands to a controller from any process that reaches its Ray cluster: a small actor with a name, which the controller
asks once a second."""

import asyncio
import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable, Mapping
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


_BoxOnRay: Final = ray.remote(Box)


def _shorten(answers: OrderedDict[str, Answer]) -> None:
    while len(answers) > _KEPT:
        answers.popitem(last=False)


def name(bench: str) -> str:
    """Of the box of that bench's controller."""
    return f"marathon-inbox-{bench}"


class Inbox:
    """The controller's side. It lives as long as the controller's connection to Ray."""

    def __init__(self, bench: str) -> None:
        self._bench = bench
        self._box: Any = None
        self._lacking = ""  # why there is none

    def _open(self) -> Any:  # noqa: ANN401 - Ray's handle of an actor
        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=True)  # no spot node
        return _BoxOnRay.options(
            name=name(self._bench), namespace=NAMESPACE, num_cpus=0, get_if_exists=True, max_restarts=-1,
            scheduling_strategy=here,
        ).remote()  # fmt: skip

    async def serve(self, obey: Callable[[Command], str], tell: Callable[[str], None]) -> None:
        """Until it is cancelled: every command is obeyed once, and answered in a line; UsageError is a refusal. `tell` hears
        why there is no box, and an empty text when there is one again."""
        answers: dict[str, Answer] = {}
        said: OrderedDict[str, Answer] = OrderedDict()  # one that was lost on its way comes again
        lacking = ""
        while True:
            commands = await asyncio.to_thread(self._take, answers)
            if bool(self._lacking) != bool(lacking):
                tell(self._lacking)
            lacking = self._lacking
            for command in commands:
                if command.number not in said:
                    said[command.number] = _answer(obey, command)
                    _shorten(said)
                answers[command.number] = said[command.number]
            await asyncio.sleep(0 if commands else _LOOK)

    def _take(self, answers: dict[str, Answer]) -> list[Command]:
        try:
            self._box = self._box or self._open()
        except Exception as error:  # noqa: BLE001 - whatever Ray raises: it is tried again
            self._lacking = _line(error)
            return []
        self._lacking = ""
        try:
            commands: list[Command] = ray.get(self._box.take.remote(dict(answers)), timeout=_ANSWER_WITHIN)
        except ActorDiedError:  # it was a dead controller's, which Ray had not missed yet
            self._box = None
            return []
        except Exception:  # noqa: BLE001 - the box restarts, or its node is gone: whoever asked tries again
            return []
        answers.clear()
        return commands


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
