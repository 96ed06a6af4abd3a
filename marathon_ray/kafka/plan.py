"""What a local cluster is asked to be, checked before anything is created."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, TypedDict

from pydantic import BaseModel, Field, ValidationError, field_validator, model_validator

from marathon_ray.kafka.cluster import KafkaError
from marathon_ray.kafka.versions import check_name

Properties = Mapping[str, str | int | float | bool]

OURS = frozenset(
    {"node.id", "process.roles", "controller.quorum.voters", "controller.listener.names", "listeners"}
    | {"listener.security.protocol.map", "inter.broker.listener.name"}
)
"""Properties that follow from the plan; setting them would contradict it."""
_KEY = re.compile(r"[A-Za-z0-9._-]+")


class Options(TypedDict, total=False):
    """The keyword arguments of a local cluster; ``Plan`` says what each means."""

    nodes: int
    voters: int | None
    version: str
    properties: Properties
    node_properties: Mapping[int, Properties]
    secure: bool
    heap: str
    jvm: tuple[str, ...]
    name: str | None
    port: int | None
    lease: float


class Plan(BaseModel, frozen=True, extra="forbid"):
    """A local cluster of ``nodes`` nodes, the first ``voters`` of which are controllers too (all, unless given).

    ``properties`` are broker properties of all nodes, ``node_properties`` of single ones; ``secure`` adds a listener
    with TLS and SCRAM; ``heap`` is the size of each JVM's heap, ``jvm`` are further arguments of it. ``port`` is the
    first of a row of fixed ports; without it free ones are found. ``lease`` is how many seconds the cluster outlives a
    process that no longer renews it.
    """

    nodes: Annotated[int, Field(ge=1, le=30)] = 3
    voters: Annotated[int, Field(ge=1)] | None = None
    version: str = "4.3"
    properties: Properties = {}
    node_properties: Mapping[int, Properties] = {}
    secure: bool = False
    heap: Annotated[str, Field(pattern=r"^\d+[mg]$")] = "400m"
    jvm: tuple[str, ...] = ()
    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")] | None = None
    port: Annotated[int, Field(ge=1024, le=65000)] | None = None
    lease: Annotated[float, Field(ge=1, le=3600)] = 15

    @field_validator("properties")
    @classmethod
    def _properties_are_ours_to_take(cls, given: Properties) -> Properties:
        check_properties(given)
        return given

    @field_validator("version")
    @classmethod
    def _version_is_a_name(cls, given: str) -> str:
        check_name(given)
        return given

    @model_validator(mode="after")
    def _fits_together(self) -> Plan:
        if (self.voters or 1) > self.nodes:
            raise KafkaError(f"voters {self.voters} is more than the {self.nodes} nodes there are")
        for node, given in self.node_properties.items():
            check_properties(given)
            if not 1 <= node <= self.nodes:
                raise KafkaError(f"properties for node {node}: there are nodes 1 to {self.nodes}")
        return self

    @property
    def controllers(self) -> int:
        """How many nodes vote."""
        return self.voters or self.nodes

    @property
    def ports_a_node(self) -> int:
        """How many ports each node needs: for clients, for controllers, for clients with TLS."""
        return 3 if self.secure else 2


def plan(options: Options) -> Plan:
    """Return the plan of these options; KafkaError names the first one that cannot be met."""
    try:
        return Plan(**options)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise KafkaError(f"{where} {first['input']!r}: {first['msg']}") from None


def check_properties(given: Properties) -> None:
    """Raise KafkaError if a key is malformed or belongs to the plan, or a value would not stay on its line."""
    for key, value in given.items():
        if not _KEY.fullmatch(key):
            raise KafkaError(f"property {key!r} is not a name like log.retention.ms")
        if key in OURS:
            raise KafkaError(f"property {key} follows from the plan and cannot be set")
        if isinstance(value, str) and ("\n" in value or "\r" in value):
            raise KafkaError(f"property {key} has a value of more than one line")


def parse_property(text: str) -> tuple[str, str]:
    """Split ``key=value``; KafkaError if it is not of that form."""
    key, equals, value = text.partition("=")
    if not equals:
        raise KafkaError(f"property {text!r} is not of the form key=value")
    check_properties({key.strip(): value.strip()})
    return key.strip(), value.strip()
