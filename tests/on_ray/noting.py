"""Writers on Ray that tell when each of them took what it was asked: its own clock, which is one for all of a machine."""

import time

from actors.pace import Pace
from actors.producer import Producer
from actors.spec import Producers
from actors.target import Target
from marathon_ray.places.on_ray import RayShell


class Noting(Producer):
    """The real one; its tally has one count more for each spec, the monotonic ns at which its thread had taken it."""

    def __init__(self, name: str, target: Target) -> None:
        super().__init__(name, target)
        self._taken = 0

    def _adopt(self, spec: Producers) -> Pace:
        pace = super()._adopt(spec)
        self._taken += 1
        with self._books.edge:
            self._books.counts[f"{self.name} took {self._taken}"] = time.monotonic_ns()
        return pace


class NotingShell(RayShell):
    """A seat for such writers."""

    def __init__(self) -> None:
        super().__init__()
        self._makers = {Producers: Noting}
