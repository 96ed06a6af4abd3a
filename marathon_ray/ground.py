"""Where the workers of a run will live: on Ray, or in this process."""

from dataclasses import dataclass

from marathon_ray.places import head, on_ray
from marathon_ray.places.in_process import InProcess
from marathon_ray.places.place import CPUS, Places
from marathon_ray.usage import UsageError


@dataclass(slots=True)
class Ground:
    """Where so many workers will live. A Ray that this process drives already is used, and left as it is."""

    on_ray: bool
    address: str | None
    seats: int
    ours: bool = False

    def connect(self) -> None:
        """There is room for the seats. Raises UsageError where there is not, or no Ray; nothing is connected then."""
        if not self.on_ray:
            return
        try:
            self.ours = on_ray.connect(self.address, seats=self.seats)
        except ConnectionError as error:
            raise UsageError(str(error)) from None
        if self.ours and not self.address:
            return  # it was started with room for them
        if lacking := head.lacking(self.seats, cpus=CPUS):
            self.leave()
            raise UsageError(f"Ray{f' at {self.address}' if self.address else ''}: {lacking}")

    def places(self) -> Places:
        """New ones, with no seat yet."""
        return on_ray.OnRay() if self.on_ray else InProcess()

    def leave(self) -> None:
        """What was connected here is not any more."""
        if self.ours:
            on_ray.disconnect()
            self.ours = False
