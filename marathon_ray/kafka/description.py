"""A cluster described in a YAML file: where it is and how to log in, or which local one is to be made.

    bootstrap: kafka-1.example:9093,kafka-2.example:9093
    properties:                                   # librdkafka's
      security.protocol: SASL_SSL
      sasl.mechanism: SCRAM-SHA-512
      sasl.username: marathon
      sasl.password: {env: KAFKA_PASSWORD}        # or {file: password.txt}, seen from this file

    local: {nodes: 5, version: "4.3"}
    may: [kill, pause]                            # what the run may do to it; all, where it is not said

Secrets stand in the environment or in a file of their own; no error shows one.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final, Literal, Self, TypeAlias, get_args

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from marathon_ray.kafka import security
from marathon_ray.kafka.cluster import KafkaError
from marathon_ray.usage import nearest

_SECRET: Final = re.compile(r"(password|passphrase|secret|key\.pem)$")
_BOOTSTRAP: Final = "bootstrap.servers"
Power: TypeAlias = Literal["kill", "stop", "pause", "upgrade"]


class Reference(BaseModel):
    """Where a value stands: in the environment, or in a file (all of it but the end of its line)."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    env: str = ""
    file: str = ""

    def resolved(self, beside: Path) -> str:
        """The value; KafkaError says where there is none."""
        if self.env:
            if not (value := os.environ.get(self.env, "")):
                raise KafkaError(f"the environment has no {self.env}, or an empty one")
            return value
        path = beside / self.file
        try:
            return path.read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            raise KafkaError(f"file {path}: {getattr(error, 'strerror', None) or 'it is no text'}") from None


def _value(value: object) -> object:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return str(value)
    if isinstance(value, Mapping) and len(value) == 1 and value.keys() <= {"env", "file"}:
        (name,) = value.values()
        if isinstance(name, str) and name:
            return Reference(**value)
    raise ValueError("write a value, {env: NAME} or {file: PATH}")


def _in_quotes(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError('write it in quotes, as "4.3"')  # noqa: TRY004 - pydantic takes no TypeError
    return value


class Local(BaseModel):
    """A local cluster that is made for the run."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    nodes: Annotated[int, Field(ge=1, le=30)] = 3
    version: Annotated[str, BeforeValidator(_in_quotes)] = "4.3"


class Description(BaseModel):
    """What the file says. Without `local` the cluster is somebody's, and nothing may be done to its nodes."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    bootstrap: str | None = None
    properties: dict[str, Annotated[str | Reference, BeforeValidator(_value)]] = Field(default={}, repr=False)
    local: Local | None = None
    may: tuple[Power, ...] | None = None

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        places = [self.bootstrap is not None, _BOOTSTRAP in self.properties, self.local is not None]
        if sum(places) != 1:
            raise ValueError(f"say where the cluster is once: by bootstrap, by properties {_BOOTSTRAP}, or by local")
        if self.local and self.properties:
            raise ValueError("properties: a local cluster has its own")
        if self.may and not self.local:
            raise ValueError(f"may {', '.join(self.may)}: of a cluster that is not local no node can be reached")
        for key, value in self.properties.items():
            if _SECRET.search(key) and not isinstance(value, Reference):
                raise ValueError(
                    f"properties {key}: a secret does not belong here: write {{env: NAME}} or {{file: PATH}}"
                )
        return self

    def client_properties(self, beside: Path) -> dict[str, str]:
        """librdkafka's properties, with what is referred to; KafkaError where that is not there."""
        found = {} if self.bootstrap is None else {_BOOTSTRAP: self.bootstrap}
        for key, value in self.properties.items():
            try:
                found[key] = value.resolved(beside) if isinstance(value, Reference) else value
            except KafkaError as error:
                raise KafkaError(f"properties {key}: {error}") from None
        security.check(found)
        return found


def read(path: Path) -> Description:
    """What stands in the file. Raises KafkaError of one line, without what may be a secret."""
    try:
        with path.open(encoding="utf-8") as file:
            content = yaml.safe_load(file)
    except (OSError, UnicodeDecodeError) as error:
        raise KafkaError(f"cluster {path}: {getattr(error, 'strerror', None) or 'it is no text'}") from None
    except yaml.YAMLError as error:  # whose words may hold a part of a secret
        at = getattr(error, "problem_mark", None)
        where = f", line {at.line + 1}, column {at.column + 1}" if at else ""
        raise KafkaError(f"cluster {path}{where}: that is no YAML") from None
    if not isinstance(content, dict):
        raise KafkaError(f"cluster {path}: it says nothing like bootstrap: HOST:PORT, or local: {{nodes: 3}}")
    try:
        return Description.model_validate(content)
    except ValidationError as error:
        raise KafkaError(f"cluster {path}: {_first(error)}") from None


def _first(error: ValidationError) -> str:
    """The first mistake: where it is, and what is wrong, but not what stands there."""
    first = error.errors(include_url=False)[0]
    *outer, last = map(str, first["loc"] or ("",))
    where, what = " ".join([*outer, last]), first["msg"].replace("Value error, ", "")
    if first["type"] == "extra_forbidden":
        known = Local if outer == ["local"] else Description
        return f"{where}: there is no such key; {nearest(last, known.model_fields)}"
    if first["type"] == "literal_error":  # of a power, which is no secret
        return f"{outer[0]} {first['input']}: there is no such power; {nearest(str(first['input']), get_args(Power))}"
    if first["type"] == "tuple_type":
        what = f"write a list, as [{', '.join(get_args(Power))}]"
    return f"{where}: {what}".removeprefix(": ")
