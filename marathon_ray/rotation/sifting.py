"""What stands in a plan is sifted: what is refused by itself, and the rest, so that it can be checked, too. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import count, islice
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pydantic import Field, ValidationError

from marathon_ray.rotation.changing import Place
from marathon_ray.rotation.plan import Entry, Plan

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

ANY: Final = "*"  # in the place of a number: all of them


class Mistake(NamedTuple):
    """Where it stands, and what is wrong, in one line. `by`: other places that it was judged by."""

    place: Place
    what: str
    by: tuple[Place, ...] = ()


class Rest(Plan):
    """What is left of a plan may lack anything."""

    clusters: dict[str, str] = Field(default_factory=dict)
    scenarios: tuple[Entry, ...] = ()


class Sifted(NamedTuple):
    """A plan but for what was refused of it, which was at these places."""

    plan: Plan
    mistakes: list[Mistake]
    refused: frozenset[Place]

    def told(self, found: Iterable[Mistake]) -> list[Mistake]:
        """All mistakes, at their places in the file: those found in the rest are none where what they were judged by was
        refused."""
        own = [each._replace(place=_before(each.place, self.refused)) for each in found if not self._depends(each)]
        return [*self.mistakes, *own]

    def _depends(self, mistake: Mistake) -> bool:
        by = [_before(place, self.refused) for place in mistake.by]
        return any(_overlap(refused, place) for refused in self.refused for place in by)


def sift(content: Mapping[str, Any]) -> Sifted:
    """Part after part is left out until nothing is refused any more; what is then lacking is no further mistake."""
    odd = [key for key in content if not isinstance(key, str)]
    mistakes = [Mistake((str(key),), "a field's name is a text, and YAML takes this for none") for key in odd]
    refused: set[Place] = {(str(key),) for key in odd}
    while True:
        rest = _without(content, refused)
        try:
            plan = (Rest if refused else Plan).model_validate(rest)
        except ValidationError as error:
            before, refused = frozenset(refused), set(refused)
            for each in _innermost(error.errors(include_url=False)):
                place = _before(each["loc"], before)
                if not before or each["type"] != "missing":
                    mistakes.append(Mistake(place, _told(each["msg"])))
                refused.add(_before(_there(rest, each["loc"]), before) or place[:1])
        else:
            return Sifted(plan, mistakes, frozenset(refused))


def _innermost(errors: Sequence[ErrorDetails]) -> list[ErrorDetails]:
    """Without those of a whole of which a part is refused: a list all of whose items are is not too short by itself."""
    wholes = {each["loc"][:depth] for each in errors for depth in range(len(each["loc"]))}
    return [each for each in errors if each["loc"] not in wholes]


def _told(words: str) -> str:
    return " ".join(words.removeprefix("Value error, ").split())


def _without(part: Any, refused: Collection[Place]) -> Any:  # noqa: ANN401 - whatever YAML says
    if not refused:
        return part
    if isinstance(part, dict):
        steps = {key: str(key) for key in part}
        return {
            key: _without(part[key], _within(step, refused)) for key, step in steps.items() if (step,) not in refused
        }
    if isinstance(part, list):
        return [_without(each, _within(n, refused)) for n, each in enumerate(part) if (n,) not in refused]
    return part


def _within(step: str | int, places: Collection[Place]) -> list[Place]:
    return [place[1:] for place in places if place[0] == step]


def _there(part: Any, place: Place) -> Place:  # noqa: ANN401
    """The innermost part that there is around that place: what pydantic names beyond it is missing, or a kind of a union."""
    if not place:
        return ()
    step, *inner = place
    if isinstance(part, dict):
        found = {str(key): value for key, value in part.items()}
        return (str(step), *_there(found[str(step)], tuple(inner))) if str(step) in found else ()
    if isinstance(part, list) and isinstance(step, int):
        return (step, *_there(part[step], tuple(inner)))
    return ()


def _before(place: Place, refused: Collection[Place]) -> Place:
    """Where it stood before these were left out: a number in a list counts those as well."""
    out: Place = ()
    for step in place:
        if isinstance(step, int):
            left = (number for number in count() if (*out, number) not in refused)
            out = (*out, next(islice(left, step, None)))
        else:
            out = (*out, step)
    return out


def _overlap(one: Place, other: Place) -> bool:
    """Whether one of these is the other, or is within it."""
    return all(there in (here, ANY) for here, there in zip(one, other, strict=False))
