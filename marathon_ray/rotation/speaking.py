"""Commands to a rotation as people give them: a terminal by ``marathon status`` and its like, a notebook by `command`."""

from collections.abc import Mapping
from typing import Any, Final

from marathon_ray.blocking import blocking
from marathon_ray.ground import Ground
from marathon_ray.rotation.inbox import say
from marathon_ray.running import BENCH
from marathon_ray.usage import UsageError, nearest

WHY: Final = "interrupted by command"
# Each word with what it takes; `WHY` stands where nobody says why.
WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "status": (),
    "hold": (),
    "release": (),
    "pause": (),
    "resume": (),
    "interrupt": ("why",),
    "skip": (),
    "mute": ("duration",),
    "set": ("field", "value"),
    "stop": (),
}


async def command(word: str, *, bench: str = BENCH, ray: str = "auto", **arguments: Any) -> str:  # noqa: ANN401
    """What the controller of that bench answers to a word of `marathon`: "status", "hold", "release", "pause", "resume",
    "skip", "stop", "interrupt" (`why`, which need not be said), "mute" (`duration`), "set" (`field` and `value`, in YAML;
    None: as the plan says). Raises UsageError, of one line, where none answers or it refuses."""
    return await blocking(spoken, bench, ray, word, **arguments)


def spoken(bench: str, address: str, word: str, **arguments: Any) -> str:  # noqa: ANN401
    """As `command`; blocks. A Ray that this process drives already is used, whoever ends first."""
    check(word, arguments)
    if word == "interrupt":
        arguments.setdefault("why", WHY)
    ground = Ground(on_ray=True, address=address, seats=0)
    try:
        ground.connect()
        return say(bench, "release" if word == "resume" else word, **arguments)
    finally:
        ground.leave()


def check(word: str, arguments: Mapping[str, object]) -> None:
    """Raises UsageError where a controller knows no such word, or it takes something else."""
    if word not in WORDS:
        raise UsageError(f"command {word}: there is none; {nearest(word, WORDS)}")
    for name in arguments:
        if name not in WORDS[word]:
            raise UsageError(f"{word}: it takes no {name}; {nearest(name, WORDS[word])}")
    lacking = [name for name in WORDS[word] if name not in arguments and name != "why"]
    if lacking:
        raise UsageError(f"{word}: say its {' and its '.join(lacking)}")
