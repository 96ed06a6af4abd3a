"""What a user writes: what must hold, declared as fields, and what is done meanwhile, as four phases."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field

from actors.spec import WorkerSpec
from actors.units import Duration
from marathon_ray.faults.fault import Fault
from marathon_ray.kafka.cluster import Cluster
from marathon_ray.kafka.topics import Topic
from marathon_ray.promises.promise import Declared, Promise

if TYPE_CHECKING:
    from marathon_ray.toolkit import Toolkit


class UnfitError(Exception):
    """The scenario has nothing to do on that cluster; one line says why."""


class Scenario(BaseModel):
    """The fields that are topics and fleets are the plan: they are created, started and removed by the run.

    The first line of a scenario's docstring is what it promises, in words. `suffers` names the faults that it injects: a
    cluster that cannot suffer one of them is not touched. `at_most` is a field of all: what is not over by then hangs, and
    proves nothing; without it the limit follows from what it `lasts`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)
    suffers: ClassVar[tuple[type[Fault], ...]] = ()
    at_most: Annotated[Duration | None, Field(gt=0)] = None

    def fitted(self, cluster: Cluster) -> Self:  # noqa: ARG002 - a scenario may ask it
        """The scenario as it is played on that cluster, which may not be made yet. Blocks. Raises KafkaError where it cannot
        be played so, and UnfitError where there is nothing to do."""
        return self

    def promises(self) -> Iterable[Promise]:
        """What must hold."""
        return ()

    async def prepare(self, kit: "Toolkit") -> None:
        """Before any fleet works."""

    async def warmup(self, kit: "Toolkit") -> None:
        """While nothing is measured yet."""

    async def workload(self, kit: "Toolkit") -> None:
        """What is measured."""

    async def cleanup(self, kit: "Toolkit") -> None:
        """After all, on every way out: no fault is on, no worker lives, and the topics are there still, which are removed
        without this. It has a minute."""

    @property
    def lasts(self) -> float:
        """Seconds that its workload takes at least, as far as that is known beforehand; 0: it is not."""
        return 0.0

    @property
    def topics(self) -> Mapping[str, Topic]:
        """The declared topics, by field."""
        return {name: value for name, value in self._fields() if isinstance(value, Topic)}

    @property
    def fleets(self) -> Mapping[str, WorkerSpec]:
        """The declared fleets, by field."""
        return {name: value for name, value in self._fields() if isinstance(value, WorkerSpec)}

    @property
    def declared(self) -> Declared:
        """Both."""
        return Declared(self.topics, self.fleets)

    def _fields(self) -> Iterable[tuple[str, Any]]:
        return ((name, getattr(self, name)) for name in type(self).model_fields)

    @classmethod
    def title(cls) -> str:
        """Its name on a command line: KillLeader is kill-leader."""
        words = "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in cls.__name__)
        return words.strip("-")

    @classmethod
    def promise(cls) -> str:
        """What it promises, in words."""
        return (cls.__doc__ or "").strip().partition("\n")[0]
