"""Which rounds a promise looks at: those of the workload in which the bench was whole, without or with a fault."""

from typing import Literal, TypeAlias

from marathon_ray.round import Phase, Round

Faults: TypeAlias = Literal["faults"] | None


def contradiction(outside: Faults, inside: Faults) -> str | None:
    """Why no round would do; None where some would."""
    return "outside and inside faults: no round is both, name one of them" if outside and inside else None


def chosen(round_: Round, *, outside: Faults, inside: Faults) -> bool:
    """Whether that round counts. A fault that was on at any time of it makes it one inside faults; the next round is
    outside again, with no grace. While the bench lacks workers it is not the target that is measured."""
    on = bool(round_.faults)
    whole = round_.phase is Phase.WORKLOAD and not round_.short
    return whole and not (outside and on) and not (inside and not on)


def phrase(outside: Faults, inside: Faults) -> str:
    """The choice in words, to be put behind a sentence."""
    return " outside faults" if outside else " inside faults" if inside else ""
