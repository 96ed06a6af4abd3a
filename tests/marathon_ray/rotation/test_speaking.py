"""Commands from Python and from a terminal: the same words, answers and refusals, on a box that is stubbed."""

import asyncio
from typing import Any

import pytest

import marathon_ray
from marathon_ray import cli
from marathon_ray.ground import Ground
from marathon_ray.rotation import speaking
from marathon_ray.usage import UsageError


class Box:
    """An inbox of which each command is kept, and answered with its word; and a Ray, connected or not."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str, dict[str, Any]]] = []
        self.addresses: list[str | None] = []
        self.connected = 0
        self.refuses = ""

    def say(self, bench: str, word: str, **arguments: Any) -> str:
        assert self.connected == 1
        self.heard.append((bench, word, arguments))
        if self.refuses:
            raise UsageError(self.refuses)
        return f"{word} is done"


@pytest.fixture
def box(monkeypatch: pytest.MonkeyPatch) -> Box:
    box = Box()

    def connect(ground: Ground) -> None:
        box.addresses.append(ground.address)
        box.connected += 1

    def leave(ground: Ground) -> None:
        box.connected -= 1

    monkeypatch.setattr(speaking, "say", box.say)
    monkeypatch.setattr(Ground, "connect", connect)
    monkeypatch.setattr(Ground, "leave", leave)
    return box


def commanded(word: str, **arguments: Any) -> str:
    return asyncio.run(marathon_ray.command(word, **arguments))


def test_a_command_goes_to_the_box_of_its_bench_and_its_answer_is_the_value(box: Box) -> None:
    assert commanded("pause", bench="nightly", ray="10.0.0.1:6379") == "pause is done"
    assert commanded("mute", duration="2 h") == "mute is done"
    assert box.heard == [("nightly", "pause", {}), ("bench", "mute", {"duration": "2 h"})]
    assert box.addresses == ["10.0.0.1:6379", "auto"]
    assert box.connected == 0


@pytest.mark.parametrize(
    ("typed", "word", "arguments"),
    [
        (["status"], "status", {}),
        (["hold"], "hold", {}),
        (["release"], "release", {}),
        (["pause"], "pause", {}),
        (["resume"], "resume", {}),
        (["skip"], "skip", {}),
        (["stop"], "stop", {}),
        (["interrupt"], "interrupt", {}),
        (["interrupt", "so"], "interrupt", {"why": "so"}),
        (["mute", "2 h"], "mute", {"duration": "2 h"}),
        (["set", "every", "10 min"], "set", {"field": "every", "value": "10 min"}),
        (["set", "every", "--clear"], "set", {"field": "every", "value": None}),
    ],
)
def test_a_controller_hears_the_same_from_python_as_from_a_terminal(
    box: Box, typed: list[str], word: str, arguments: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run([*typed, "--bench", "b"]) == 0
    assert capsys.readouterr().out == f"{commanded(word, bench='b', **arguments)}\n"
    terminal, python = box.heard
    assert terminal == python


def test_every_word_of_a_terminal_is_one_of_python() -> None:
    said = {name for name, (where, _) in cli.COMMANDS.items() if where.startswith("marathon_ray.commands.say:")}
    assert said == speaking.WORDS.keys()


@pytest.mark.parametrize(
    ("word", "arguments", "line"),
    [
        ("paus", {}, "command paus: there is none; did you mean pause?"),
        ("mute", {}, "mute: say its duration"),
        ("set", {}, "set: say its field and its value"),
        ("mute", {"durations": "2 h"}, "mute: it takes no durations; did you mean duration?"),
        ("stop", {"why": "so"}, "stop: it takes no why; there are none"),
    ],
)
def test_what_no_controller_would_understand_is_told_before_a_ray_is_connected(
    box: Box, word: str, arguments: dict[str, Any], line: str
) -> None:
    with pytest.raises(UsageError) as told:
        commanded(word, **arguments)
    assert (str(told.value), box.addresses) == (line, [])


def test_what_a_controller_refuses_is_an_error_and_ray_is_left(box: Box) -> None:
    box.refuses = "bench bench: no controller serves it on this Ray cluster"
    with pytest.raises(UsageError, match=f"^{box.refuses}$"):
        commanded("status")
    assert box.connected == 0
