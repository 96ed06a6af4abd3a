"""What a seat is asked and what it answers: the only values that cross between the driver and where workers live."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from actors.spec import WorkerSpec
from actors.tally import Tally
from actors.target import Target


@dataclass(frozen=True, slots=True)
class Order:
    """What a worker shall do: its name (unique in the run), where, and its slice of a fleet's spec."""

    worker: str
    target: Target
    revision: int
    spec: WorkerSpec
    stop: bool = False  # come to the end in good order


@dataclass(frozen=True, slots=True)
class Ask:
    """`incarnation` is the life that is meant ("": whichever there is): another one does nothing but say who it is.
    `confirmed` is the newest part that has arrived of that life's worker. One that shall be `ready` for an order to come loads
    what workers need, and answers when it has."""

    incarnation: str = ""
    order: Order | None = None
    confirmed: int = 0
    ready: bool = False


@dataclass(frozen=True, slots=True)
class Host:
    """Where a seat is, and how busy `at` its own monotonic time (s): CPU seconds of its process so far, its resident bytes, how
    many processors and bytes of `memory` (0: not known) it may use at most, and the share of all the machine's processors (0 to
    1) that was in use. `exchanged` are bytes that its process has exchanged with each broker, by the broker's id, as far as its
    clients tell."""

    node: str = ""
    address: str = ""
    pid: int = 0
    at: float = 0.0
    cpu_seconds: float = 0.0
    resident: int = 0
    processors: float = 1.0
    memory: int = 0
    kernel: str = ""
    machine: float = 0.0
    labels: Mapping[str, str] = field(default_factory=dict)
    exchanged: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What one life of a seat says. `revision` is the newest that its worker was given. `ended` says that its worker has
    stopped, with `error` if that was not asked for."""

    incarnation: str
    host: Host
    tally: Tally | None = None
    revision: int = 0
    ended: bool = False
    error: str = ""
