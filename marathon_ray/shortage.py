"""When a run's fleets lacked workers, or still made up for it: what is measured then says nothing of the target."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from marathon_ray.round import Doing

_NONE: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Shortage:
    """Fleets by name: those of which one does not answer, and those that have lost one and are not as before yet."""

    silent: frozenset[str] = _NONE
    lost: frozenset[str] = _NONE

    def after(self, doings: Mapping[str, Doing], behind: Iterable[str]) -> "Shortage":
        """One round later; `behind` are the fleets whose group lags by more than was written in that round: it reads late
        what nobody read in the meantime."""
        silent = frozenset(name for name, doing in doings.items() if doing.silent)
        lost = frozenset(name for name, doing in doings.items() if doing.lost)
        return Shortage(silent, lost | (self.lost & frozenset(behind)))

    def spoiled(self, before: "Shortage") -> tuple[str, ...]:
        """Whose part of the round between these two is not what was asked: who is silent in one answers for two in the
        next."""
        return tuple(sorted(self.silent | self.lost | before.silent | before.lost))
