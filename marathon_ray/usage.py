"""What is asked for cannot be done as asked: the error that ends a command with exit code 2, and the word that was meant."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches


class UsageError(Exception):
    """A line for each mistake, which names the thing, the value and the limit."""


def in_short(mistakes: Sequence[str]) -> list[str]:
    """The first one, and the second one, which counts those that are left."""
    first, rest = list(mistakes[:1]), mistakes[1:]
    if len(rest) > 1:
        return [*first, f"{rest[0]} (and {len(rest) - 1} more)"]
    return [*first, *rest]


def nearest(word: str, known: Iterable[str]) -> str:
    """How a sentence about an unknown word ends: the one that was probably meant, else those that there are."""
    there = sorted(known)
    if close := get_close_matches(word, there, n=1):
        return f"did you mean {close[0]}?"
    return f"there are {', '.join(there)}" if there else "there are none"
