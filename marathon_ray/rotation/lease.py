"""Who may run on a cluster: one controller at a time, told by a file in the results store that its holder renews."""

import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Self

from marathon_ray import whole

EXPIRES: Final = 30.0  # seconds after its last renewal
RENEW: Final = 5.0


class TakenError(Exception):
    """Somebody else holds it, in a sentence."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a lease; `number` grows by one with each new holder, so that an older one can be told from a newer."""

    owner: str
    number: int
    until: float  # wall clock, seconds

    @property
    def lives(self) -> bool:
        """Whether it has not expired."""
        return time.time() < self.until


def me() -> str:
    """This process, as nobody else is called."""
    return f"{socket.gethostname()}/{os.getpid()}/{os.urandom(4).hex()}"


class Lease:
    """The lease of that name in that folder. A holder that does not renew it for half a minute has lost it."""

    def __init__(self, folder: Path, name: str, owner: str) -> None:
        self.name, self.owner = name, owner
        self.number = 0
        self._file = folder / f"{name}.lease"

    def take(self) -> Self:
        """It is ours. Raises TakenError where another one holds it."""
        with self._locked():
            held = self.holder()
            if held and held.lives and held.owner != self.owner:
                rest = held.until - time.time()
                raise TakenError(f"{self.name} is held by {held.owner}, for {rest:.0f} s more unless it renews it")
            self.number = (held.number if held else 0) + 1
            self._write()
        return self

    def renew(self) -> None:
        """For another half a minute. Raises TakenError where another one has taken it since."""
        with self._locked():
            held = self.holder()
            if held is None or (held.owner, held.number) != (self.owner, self.number):
                raise TakenError(f"{self.name} was taken by {held.owner if held else 'nobody'}")
            self._write()

    def give_back(self) -> None:
        """Another one may take it at once. It does nothing where it is not ours any more."""
        with self._locked():
            held = self.holder()
            if held and (held.owner, held.number) == (self.owner, self.number):
                self._write(until=0.0)

    def holder(self) -> Holder | None:
        """Who held it last; None where nobody did. What cannot be read was written by somebody who may live."""
        try:
            return Holder(**json.loads(self._file.read_text()))
        except FileNotFoundError:
            return None
        except (ValueError, TypeError):
            return Holder("somebody", 0, self._file.stat().st_mtime + EXPIRES)

    def _write(self, until: float | None = None) -> None:
        holder = Holder(self.owner, self.number, time.time() + EXPIRES if until is None else until)
        whole.put(self._file, json.dumps(asdict(holder)))

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Reading and writing are one act, between processes that share the file system."""
        with self._file.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
