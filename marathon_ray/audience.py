"""Who is told of a run while it goes on."""

from collections.abc import Sequence
from typing import Protocol

from marathon_ray.promises.promise import Verdict
from marathon_ray.round import Round


class Audience(Protocol):
    """Hears every round and every note."""

    def round(self, round_: Round, verdicts: Sequence[Verdict]) -> None:
        """One more round, and the promises by it."""

    def note(self, text: str) -> None:
        """Something worth a line."""


class Nobody:
    """An audience that is not there."""

    def round(self, round_: Round, verdicts: Sequence[Verdict]) -> None:
        """Nobody hears it."""

    def note(self, text: str) -> None:
        """Nobody hears it."""
