"""What a run leaves: one value with everything that is known of it, which reads back as it was written."""

from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue, PrivateAttr

from marathon_ray import whole
from marathon_ray.event import Event
from marathon_ray.finding import FindingKind, Tail
from marathon_ray.outcome import Outcome
from marathon_ray.promises.promise import Shade, Verdict
from marathon_ray.round import Phase

FINDINGS: Final = 1_000  # that a report has; of those beyond it only the count
NAME: Final = "report.json"
Seconds = Annotated[float, Field(ge=0)]  # since the run began, where it is a time
Hours = Annotated[float, Field(ge=0)]
Records = Annotated[int, Field(ge=0)]


class Part(BaseModel):
    """A part of a report: a value that knows all its fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")


class Machine(Part):
    """A machine on which workers ran; CPU seconds and resident bytes are those of all its workers. `kind` is what Ray's
    label calls its market, as "spot"; empty where there is none. `hours` is how long it had workers, `processors` and `memory`
    (bytes) how much of these a worker might use there (0: not known)."""

    node: str
    address: str = ""
    kind: str = ""
    hours: Hours = 0.0
    processors: Annotated[float, Field(ge=0)] = 0.0
    memory: Annotated[int, Field(ge=0)] = 0
    kernel: str = ""
    workers: tuple[str, ...] = ()
    cpu_seconds: Seconds = 0.0
    resident: Annotated[int, Field(ge=0)] = 0


class Found(Part):
    """A finding, for people: the topic by its field's name, the client as 16 hex digits, times with their zone.

    What is not known, or does not apply, is None or empty.
    """

    kind: FindingKind
    topic: str
    partition: int | None = None
    client: str = ""
    first: int | None = None
    last: int | None = None
    first_offset: int | None = None
    last_offset: int | None = None
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    epochs: tuple[int, ...] = ()
    epoch_now: int | None = None
    count: int = 0
    reading: str = ""


class Stage(Part):
    """One phase of the run."""

    name: Phase
    since: Seconds
    until: Seconds


class Note(Part):
    """What a scenario said of a moment, or of a span of time."""

    text: str
    since: Seconds
    until: Seconds | None = None


class Crew(Part):
    """A fleet as it was, which the scenario declared or the bench added: `workers` at most at once, `deaths` of them, what each of the dead left in the dark, and the names
    of those whose loss was `announced`: their node was to be taken away. So many `moved`: they left such a node before.
    `within_zone` is the share of the bytes to and from brokers that did not leave the worker's zone (None: zones are not
    known, or the fleet has told nothing)."""

    name: str
    declared: bool = True
    workers: Annotated[int, Field(ge=0)] = 0
    deaths: Annotated[int, Field(ge=0)] = 0
    moved: Annotated[int, Field(ge=0)] = 0
    tails: tuple[Tail, ...] = ()
    announced: tuple[str, ...] = ()
    worker_hours: Hours = 0.0
    within_zone: Annotated[float, Field(ge=0, le=1)] | None = None


class Report(Part):
    """Everything that is known of one run. `version` is the format's.

    `cause` is why its end was not the scenario's own: what came first of what the outcome is by; `others` are all the rest.
    `spec` is the resolved scenario without secrets, with the workers that were planned and the auditors that the bench
    added. `totals` are the counts of a balance by topic, `groups` by group and topic; topics go by their fields' names.
    `bytes` are those of the values that were acknowledged, by topic. `coverage` is the share of the acknowledged records
    that both passes came to (None: nothing was acknowledged). `short` is the share of the time in which the bench lacked
    workers, or made up for it. `node_hours` are those of all machines by kind ("spot", "on-demand", "unknown"), `cost` what
    they cost by currency, where prices are given. `series` names the files beside this one that have what was measured over
    the time. `events` are what somebody may want to be told of it, the same that a rotation tells.
    """

    version: Literal[1] = 1
    run: str
    bench: str
    scenario: str
    promise: str
    outcome: Outcome
    cause: str = ""
    others: tuple[str, ...] = ()
    began: AwareDatetime
    seconds: Seconds
    seed: int
    versions: dict[str, str] = {}
    spec: dict[str, JsonValue] = {}
    cluster: dict[str, JsonValue] = {}
    hosts: tuple[Machine, ...] = ()
    node_hours: dict[str, Hours] = {}
    cost: dict[str, Annotated[float, Field(ge=0)]] = {}
    verdicts: tuple[Verdict, ...] = ()
    totals: dict[str, dict[str, Records]] = {}
    groups: dict[str, dict[str, dict[str, Records]]] = {}
    bytes: dict[str, Annotated[int, Field(ge=0)]] = {}
    coverage: Annotated[float, Field(ge=0, le=1)] | None = None
    findings: Annotated[tuple[Found, ...], Field(max_length=FINDINGS)] = ()
    findings_beyond: Annotated[int, Field(ge=0)] = 0
    shades: tuple[Shade, ...] = ()
    phases: tuple[Stage, ...] = ()
    notes: tuple[Note, ...] = ()
    fleets: tuple[Crew, ...] = ()
    short: Annotated[float, Field(ge=0, le=1)] = 0.0
    allowances: tuple[str, ...] = ()
    not_looked_at: tuple[str, ...] = ()
    series: tuple[str, ...] = ()
    events: tuple[Event, ...] = ()
    _folder: Path | None = PrivateAttr(None)  # where it lies, if it was written or read

    def total(self, name: str) -> int:
        """One count, summed over all topics."""
        return sum(counts.get(name, 0) for counts in self.totals.values())

    @property
    def broken(self) -> tuple[Verdict, ...]:
        """The promises that were not kept."""
        return tuple(verdict for verdict in self.verdicts if verdict.state == "failed")

    def write(self, folder: Path) -> Path:
        """It is in that folder, whole or not at all; returns the file."""
        file = folder / NAME
        whole.put(file, self.model_dump_json(indent=1) + "\n")
        self._folder = folder
        return file

    def _repr_html_(self) -> str:
        """For the cell of a notebook."""
        from marathon_ray.report import cell, page  # noqa: PLC0415 - which both need this module

        file = self._folder / page.NAME if self._folder else None
        return cell.told(self, file if file and file.is_file() else None)

    @classmethod
    def read(cls, folder: Path) -> Self:
        """The report in that folder. Raises OSError where there is none, ValueError where it is of another format."""
        report = cls.model_validate_json((folder / NAME).read_text())
        report._folder = folder  # noqa: SLF001 - its own
        return report
