"""How promises speak: of names that nobody declared, and of shares, rates and times without flattering anybody."""

import math
from collections.abc import Collection, Iterable, Iterator
from difflib import get_close_matches

from actors.units import Rate, duration_text


def undeclared(what: str, names: Iterable[str], declared: Collection[str]) -> Iterator[str]:
    """A sentence for each name that is not declared, with the nearest one that is."""
    for name in names:
        if name not in declared:
            near = get_close_matches(name, declared, n=1)
            hint = f"did you mean {near[0]}?" if near else f"there is {', '.join(declared) or 'none'}"
            yield f"{what} {name} is not declared: {hint}"


def call(promise: object, *names: str) -> str:
    """How it stands in a scenario: `Integrity("orders")`; by its name alone where it names nothing."""
    quoted = ", ".join(f'"{name}"' for name in names)
    return f"{type(promise).__name__}({quoted})" if names else type(promise).__name__


def percent(share: float) -> str:
    """Rounded down, so that what is short of a limit never reads as having reached it."""
    return f"{math.floor(round(share * 10_000, 6)) / 100:g} %"


def speed(amount: float, like: Rate) -> str:
    """So much a second, in the unit of a rate; rounded down as well."""
    if like.unit == "records":
        return f"{math.floor(round(amount, 6)):,} records/s"
    return f"{math.floor(round(amount / 100_000, 6)) / 10:,g} MB/s"


def took(seconds: float) -> str:
    """Rounded up, so that what is beyond a limit never reads as having kept it."""
    if seconds < 1:
        return f"{math.ceil(round(seconds * 10_000, 6)) / 10:g} ms"
    if seconds < 120:
        return f"{math.ceil(round(seconds * 10, 6)) / 10:g} s"
    return duration_text(math.ceil(round(seconds, 6)))
