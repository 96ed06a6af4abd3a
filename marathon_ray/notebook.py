"""What a person sees of a run in a notebook: lines that stand still below the cell, and what is new above them."""

import sys
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

from rich.console import Console
from rich.text import Text

from marathon_ray.audience import Audience, Nobody
from marathon_ray.live import Plain, Story, lines
from marathon_ray.promises.promise import Verdict
from marathon_ray.report.cell import cell
from marathon_ray.report.words import lasting
from marathon_ray.round import Round

_KEPT: Final = 12  # lines of news


class Display(Protocol):
    """What IPython hands out for a place below the cell."""

    def update(self, content: Mapping[str, str], *, raw: bool) -> None:
        """The content stands there from now on."""


def onlooker(title: str) -> Audience:
    """Whoever suits where this runs: a notebook's cell, plain lines for IPython in a terminal, nobody for a program."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if shell is None:
        return Nobody()
    if not hasattr(shell, "kernel"):
        return Plain(Console(stderr=True, highlight=False))
    from IPython.display import display  # noqa: PLC0415 - it is there, and no program needs it

    place: Any = display(cell(title), raw=True, display_id=True)  # type: ignore[no-untyped-call]
    return Cell(title, place)


class Cell:
    """An audience that is drawn in one place, and leaves the last picture there."""

    def __init__(self, title: str, place: Display) -> None:
        self._title, self._place, self._story = title, place, Story()
        self._news: deque[str] = deque(maxlen=_KEPT)
        self._last: tuple[Round, Sequence[Verdict]] | None = None

    def round(self, round_: Round, verdicts: Sequence[Verdict]) -> None:
        """Drawn anew: rounds take a second."""
        self._news.extend(f"{lasting(round_.until)}  {text}" for text in self._story.news(round_, verdicts))
        self._last = round_, verdicts
        self._draw()

    def note(self, text: str) -> None:
        """A line of news."""
        self._news.append(text)
        self._draw()

    def _draw(self) -> None:
        news = Text("\n".join(self._news), style="dim")
        unknown = self._story.unknown
        picture = lines(self._title, *self._last, unknown=unknown) if self._last else Text(self._title, style="bold")
        self._place.update(cell(news, picture), raw=True)
