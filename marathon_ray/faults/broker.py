"""What can become of brokers: killed, stopped in good order, frozen, restarted. Each befalls whoever has a role."""

import contextlib
from dataclasses import dataclass
from typing import ClassVar, Final, Protocol, cast

from marathon_ray.faults.fault import Role
from marathon_ray.kafka.cluster import CanKill, CanPause, CanStart, CanStop, Cluster, KafkaError

_START_SECONDS: Final = 120.0  # a broker comes up in 10 s, on a machine that has nothing else to do


@dataclass(frozen=True, slots=True)
class Kill:
    """The process is gone without warning (SIGKILL), and is started when it is healed."""

    whom: Role
    needs: ClassVar[tuple[type, ...]] = (CanKill, CanStart)

    def inject(self, cluster: Cluster, nodes: tuple[int, ...], *, at_most: float) -> None:
        """They are gone when this returns; after `at_most` seconds they are started, if nobody has before."""
        able = cast("_Able", cluster)
        for node in nodes:
            if able.state(node) != "down":
                able.kill(node, at_most=at_most)

    def heal(self, cluster: Cluster, nodes: tuple[int, ...]) -> None:
        """They serve again."""
        _start(cluster, nodes)

    def healed(self, cluster: Cluster, nodes: tuple[int, ...]) -> bool:
        """Whether they live, and all that live know each other."""
        return _serve(cluster, nodes)

    def __str__(self) -> str:
        return f"kill {self.whom}"


@dataclass(frozen=True, slots=True)
class Stop:
    """The process leaves in good order (SIGTERM), and is started when it is healed."""

    whom: Role
    needs: ClassVar[tuple[type, ...]] = (CanStop, CanStart)

    def inject(self, cluster: Cluster, nodes: tuple[int, ...], *, at_most: float) -> None:
        """They are gone when this returns; after `at_most` seconds they are started, if nobody has before."""
        able = cast("_Able", cluster)
        for node in nodes:
            if able.state(node) != "down":
                able.stop(node, at_most=at_most)

    def heal(self, cluster: Cluster, nodes: tuple[int, ...]) -> None:
        """They serve again."""
        _start(cluster, nodes)

    def healed(self, cluster: Cluster, nodes: tuple[int, ...]) -> bool:
        """Whether they live, and all that live know each other."""
        return _serve(cluster, nodes)

    def __str__(self) -> str:
        return f"stop {self.whom}"


@dataclass(frozen=True, slots=True)
class Restart:
    """Each in turn leaves in good order (SIGTERM) and comes back."""

    whom: Role
    needs: ClassVar[tuple[type, ...]] = (CanStop, CanStart)

    def inject(self, cluster: Cluster, nodes: tuple[int, ...], *, at_most: float) -> None:
        """All of them are back when this returns. One that is left down is started `at_most` seconds after its stop."""
        for node in nodes:
            Stop(self.whom).inject(cluster, (node,), at_most=at_most)
            _start(cluster, (node,))

    def heal(self, cluster: Cluster, nodes: tuple[int, ...]) -> None:
        """They serve again."""
        _start(cluster, nodes)

    def healed(self, cluster: Cluster, nodes: tuple[int, ...]) -> bool:
        """Whether they live, and all that live know each other."""
        return _serve(cluster, nodes)

    def __str__(self) -> str:
        return f"restart {self.whom}"


@dataclass(frozen=True, slots=True)
class Pause:
    """The process stands still (SIGSTOP): its connections stay, and nobody answers on them."""

    whom: Role
    needs: ClassVar[tuple[type, ...]] = (CanPause,)

    def inject(self, cluster: Cluster, nodes: tuple[int, ...], *, at_most: float) -> None:
        """They stand still when this returns, for `at_most` seconds."""
        able = cast("_Able", cluster)
        for node in nodes:
            able.pause(node, at_most=at_most)

    def heal(self, cluster: Cluster, nodes: tuple[int, ...]) -> None:
        """They go on."""
        able = cast("_Able", cluster)
        for node in nodes:
            if able.state(node) == "paused":
                able.resume(node)

    def healed(self, cluster: Cluster, nodes: tuple[int, ...]) -> bool:
        """Whether they live, and all that live know each other."""
        return _serve(cluster, nodes)

    def __str__(self) -> str:
        return f"pause {self.whom}"


class _Able(Cluster, CanKill, CanStop, CanStart, CanPause, Protocol):
    """What a cluster can be made to suffer; who lacks what a fault needs was turned away before."""


def _start(cluster: Cluster, nodes: tuple[int, ...]) -> None:
    able = cast("_Able", cluster)
    for node in nodes:
        if able.state(node) == "down":
            try:
                able.start(node)
            except KafkaError:
                if able.state(node) == "down":
                    raise  # else it has been started since, as its time was over
    able.wait_up(within=_START_SECONDS)


def _serve(cluster: Cluster, nodes: tuple[int, ...]) -> bool:
    able = cast("_Able", cluster)
    if any(able.state(node) != "up" for node in nodes):
        return False
    with contextlib.suppress(KafkaError):
        able.wait_up(within=0)
        return True
    return False
