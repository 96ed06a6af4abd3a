"""What one client process is asked to do, and what it then says of itself."""

import json
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final, Self

IN_FLIGHT: Final = 20_000  # records; the same bound on both sides


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """`records` records of `size` bytes each, written to or read from all `partitions` partitions of `topic`."""

    client: str
    bootstrap: str
    topic: str
    records: int
    size: int
    partitions: int = 6
    idempotent: bool = True
    properties: dict[str, str] = field(default_factory=dict)  # librdkafka's, beside what all have
    rate: int = 0  # records a second; 0: as fast as it goes
    warm: float = 0.0  # seconds before a window of time, for clients that work for one
    seconds: float = 0.0  # of that window

    def text(self) -> str:
        """The job as JSON, which `parse` turns back."""
        return json.dumps(asdict(self))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises TypeError on a field that there is not."""
        return cls(**json.loads(text))

    def of(self, records: int) -> Self:
        """The same with another number of records."""
        return replace(self, records=records)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One process: CPU (user and system, all threads) and wall time for `records`, start-up taken away; its peak RSS."""

    records: int
    cpu: float  # seconds
    wall: float  # seconds
    peak: int  # bytes

    @property
    def micros(self) -> float:
        """CPU a record, in µs."""
        return self.cpu / self.records * 1e6

    @property
    def rate(self) -> float:
        """Records a second."""
        return self.records / self.wall

    @classmethod
    def parse(cls, values: dict[str, Any]) -> Self:
        """Out of the values of a JSON object. Raises TypeError where one is missing."""
        return cls(**values)
