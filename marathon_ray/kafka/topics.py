"""A topic as a scenario declares it: what is promised about it has a field of its own, the rest is Kafka's words."""

from __future__ import annotations

import math
import re
from typing import Annotated, Final, Literal, Self, TypeAlias

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, PlainSerializer, model_validator

from actors.units import duration_text, parse_duration

UNLIMITED: Final = "unlimited"
LONGEST_NAME: Final = 249  # Kafka's limit: with "-" and the partition it names a directory
_NAME: Final = re.compile(r"[A-Za-z0-9._-]+")
_OWNED: Final = {
    "cleanup.policy": "cleanup",
    "min.insync.replicas": "min_insync",
    "retention.ms": "retention",
    "unclean.leader.election.enable": "unclean",
}


def _parse_retention(value: object) -> float:
    """Seconds, a whole number of milliseconds above 0; infinite where unlimited."""
    if value in (UNLIMITED, math.inf):
        return math.inf
    seconds = parse_duration(value)
    if seconds < 0.001:
        raise ValueError(f"retention {value!r}: it is 1 ms or more, or {UNLIMITED}")
    return round(seconds * 1000) / 1000


def _retention_text(seconds: float) -> str:
    return UNLIMITED if math.isinf(seconds) else duration_text(seconds)


def _texts(value: object) -> object:
    """Values as Kafka reads them."""
    if not isinstance(value, dict):
        return value
    return {key: str(each).lower() if isinstance(each, bool) else str(each) for key, each in value.items()}


def _not_owned(config: dict[str, str]) -> dict[str, str]:
    for key in config:
        if key in _OWNED:
            raise ValueError(f"config {key}: use the field {_OWNED[key]}")
    return config


Retention: TypeAlias = Annotated[
    float, BeforeValidator(_parse_retention), PlainSerializer(_retention_text, when_used="json")
]
Config: TypeAlias = Annotated[dict[str, str], BeforeValidator(_texts), AfterValidator(_not_owned)]


class Topic(BaseModel, frozen=True, extra="forbid"):
    """What a topic shall be. `retention` is in seconds, "unlimited" or None: what the cluster has by default.

    `unclean` lets a replica lead that is not in sync, which loses records. `config` has the settings that have no field.
    """

    partitions: Annotated[int, Field(ge=1, le=100_000)]
    replication: Annotated[int, Field(ge=1, le=100)] = 3
    min_insync: Annotated[int, Field(ge=1, le=100)] = 2
    cleanup: Literal["delete", "compact", "compact,delete"] = "delete"
    retention: Retention | None = None
    unclean: bool = False
    config: Config = {}

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        if self.min_insync > self.replication:
            raise ValueError(f"min_insync {self.min_insync} is more than the replication {self.replication}")
        if self.retention is not None and self.cleanup == "compact":
            raise ValueError(f"retention {_retention_text(self.retention)}: cleanup compact keeps records of any age")
        return self

    def settings(self) -> dict[str, str]:
        """The topic's settings by Kafka's names: those of the fields that are not left to the cluster, and `config`."""
        kept = {} if self.retention is None else {"retention.ms": _milliseconds(self.retention)}
        return {
            "cleanup.policy": self.cleanup,
            "min.insync.replicas": str(self.min_insync),
            "unclean.leader.election.enable": str(self.unclean).lower(),
            **kept,
            **self.config,
        }


def _milliseconds(seconds: float) -> str:
    return "-1" if math.isinf(seconds) else str(round(seconds * 1000))


def name_mistake(name: str) -> str | None:
    """Why Kafka would not take a topic of that name; None where it would."""
    if name in (".", ".."):
        return f"topic {name!r}: that is no name of a topic"
    if not _NAME.fullmatch(name):
        return f"topic {name!r}: a name has ASCII letters, digits, '.', '_' and '-', and at least one of them"
    if len(name) > LONGEST_NAME:
        return f"topic {name[:20]}…: a name of {len(name)} characters, {LONGEST_NAME} are allowed"
    return None
