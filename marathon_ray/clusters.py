"""Which cluster a run is on, by what a person wrote: `local`, `HOST:PORT,…`, the name of a local one, or a YAML file."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Final, cast

from marathon_ray.faults.fault import Fault
from marathon_ray.kafka import description, homes
from marathon_ray.kafka.cluster import (
    CanKill,
    CanPause,
    CanStart,
    CanStop,
    CanUpgrade,
    Cluster,
    KafkaError,
    TellsReleases,
)
from marathon_ray.kafka.existing import Existing
from marathon_ray.kafka.local import LocalKafka

_NOTICED: Final = (
    45.0  # s: a broker that has just been killed is asked for until the others have noticed that it is gone
)
LOCAL: Final = "local"
_SERVER: Final = r"(?:[A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\]):(\d{1,5})"
_SERVERS: Final = re.compile(rf"{_SERVER}(?:,{_SERVER})*")
FILES: Final = (".yaml", ".yml")
_CAPABILITIES: Final = {
    "kill": (CanKill, CanStart),
    "stop": (CanStop, CanStart),
    "pause": (CanPause,),
    "upgrade": (CanUpgrade, CanStart),
}
_EVERYTHING: Final = tuple(_CAPABILITIES)
_NODES: Final = 3  # of a local cluster of which nobody says how many


@dataclass(frozen=True, slots=True)
class Opened:
    """A cluster that a run may be on. `ours` says that it is made by `acquire` and gone after `release`; both block.

    `cluster` says before that what it can be made to suffer.
    """

    name: str
    ours: bool
    cluster: Cluster = field(repr=False)
    begin: Callable[[], object] = field(repr=False)
    end: Callable[[], object] = field(repr=False)
    brokers: int | None = None  # how many, where that is known before it answers
    file: Path | None = None  # that says what may be done to it

    def acquire(self) -> Cluster:
        """The cluster answers; KafkaError of one line where it cannot be had, and nothing is left of it then."""
        self.begin()
        return self.cluster

    def release(self) -> None:
        """The run is over: of a cluster that is ours nothing is left, another one is as it was. Twice is the same."""
        self.end()

    def remedy(self, faults: Iterable[type[Fault]]) -> str:
        """What would let it suffer those faults, in a few words."""
        if not self.ours:
            return "a cluster that is made for the run can: --cluster local"
        needs = {need for fault in faults for need in fault.needs}
        may = [power for power, (own, *_) in _CAPABILITIES.items() if own in needs or isinstance(self.cluster, own)]
        return f"allow it in {self.file}: may: [{', '.join(may)}]"

    @property
    def capabilities(self) -> tuple[type, ...]:
        """What the cluster can be made to suffer."""
        every = dict.fromkeys(each for powers in _CAPABILITIES.values() for each in powers)
        return tuple(each for each in every if isinstance(self.cluster, each))


def open_cluster(text: str, *, nodes: int | None = None, version: str | None = None) -> Opened:
    """The cluster that the text means. `nodes` and `version` are for a local one that is made for the run.

    Raises KafkaError of one line; nothing is made, and nobody is asked, before `acquire`.
    """
    if text == LOCAL:
        return _made(nodes=nodes, version=version)
    if nodes is not None or version is not None:
        what = f"nodes {nodes}" if nodes is not None else f"version {version}"
        raise KafkaError(f"{what}: only a cluster that is made for the run has it, cluster {text} is there already")
    if _SERVERS.fullmatch(text):
        return _existing(text, {"bootstrap.servers": _checked(text)})
    if text.endswith(FILES) or "/" in text:
        return _from_file(Path(text))
    if text in homes.names():
        return _attached(text)
    raise KafkaError(
        f"cluster {text!r} is none: write local, HOST:PORT[,HOST:PORT], a YAML file, or the name of one that "
        f"`marathon kafka up` has started ({', '.join(homes.names()) or 'none runs'})"
    )


def _checked(servers: str) -> str:
    for server in servers.split(","):
        if not 1 <= int(server.rpartition(":")[2]) <= 65_535:
            raise KafkaError(f"cluster {server}: a port is a number from 1 to 65535")
    return servers


def _existing(name: str, properties: dict[str, str]) -> Opened:
    cluster = Existing(properties)
    return Opened(name, ours=False, cluster=cluster, begin=cluster.require_answer, end=_nothing)


def _attached(name: str) -> Opened:
    kafka = LocalKafka.attach(name)
    answers = partial(Existing(kafka.client_properties()).require_answer, within=_NOTICED)
    return Opened(name, ours=False, cluster=kafka, begin=answers, end=_nothing)


def _made(
    *,
    nodes: int | None = None,
    version: str | None = None,
    may: tuple[str, ...] = _EVERYTHING,
    file: Path | None = None,
) -> Opened:
    brokers = nodes or _NODES
    kafka = LocalKafka(nodes=brokers, version=version or "4.3")
    cluster = _restricted(kafka, may)
    return Opened(kafka.name, ours=True, cluster=cluster, begin=kafka.up, end=kafka.close, brokers=brokers, file=file)


def _from_file(path: Path) -> Opened:
    found = description.read(path)
    try:
        if found.local is None:
            return _existing(str(path), found.client_properties(path.parent))
        may = _EVERYTHING if found.may is None else found.may
        return _made(nodes=found.local.nodes, version=found.local.version, may=may, file=path)
    except KafkaError as error:
        raise KafkaError(f"cluster {path}: {error}") from None


def _restricted(kafka: LocalKafka, may: tuple[str, ...]) -> Cluster:
    """The cluster with no power left that was not granted: what is not there cannot be used."""
    if set(may) == set(_EVERYTHING):
        return kafka
    granted = (Cluster, TellsReleases, *(each for power in may for each in _CAPABILITIES[power]))
    methods = {name for protocol in granted for base in protocol.__mro__ for name in vars(base) if name[0] != "_"}
    return cast("Cluster", SimpleNamespace(**{name: getattr(kafka, name) for name in methods}))


def _nothing() -> None:
    """It was there before, and stays."""
