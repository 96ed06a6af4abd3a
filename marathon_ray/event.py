"""What happens in a rotation and somebody may want to know: one kind of value for journal, metrics, log and alerts."""

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from typing import Protocol

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field


class Severity(StrEnum):
    """How much it matters, and to whom."""

    INFO = "info"  # to whoever looks
    WARNING = "warning"  # the bench does less than it should
    CRITICAL = "critical"  # the cluster under test broke a promise

    @property
    def rank(self) -> int:
        """The greater, the worse."""
        return tuple(Severity).index(self)


class Event(BaseModel):
    """`about` is what it is about, a text that is the same each time: events of one `about` are one incident. One with
    `over` says that the incident has come to its end. `message` is a line or two; `facts` are for programs; `id` is its
    own, eight hexadecimal digits."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    id: str = Field(default_factory=partial(secrets.token_hex, 4))
    at: AwareDatetime = Field(default_factory=lambda: datetime.now(UTC))
    severity: Severity
    kind: str
    about: str
    message: str
    run: str = ""
    over: bool = False
    facts: Mapping[str, str | int | float] = {}


class Sink(Protocol):
    """Whoever takes events. It blocks for no longer than it takes to write a line, and raises nothing."""

    def accept(self, event: Event) -> None:
        """One more."""
