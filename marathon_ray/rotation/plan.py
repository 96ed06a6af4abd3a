"""What a rotation is made of: scenarios, on clusters, with parameters, within hours and budgets.

bench: nightly
results: /var/marathon                             # an option of `marathon serve` is stronger
clusters:
  staging: ./staging.yaml                          # a file beside this one
  laptop: local
scenarios:
  - run: steady-write
  - run: kill-leader
    clusters: [laptop]
    weight: 3
    fields:
      writers.rate: ["50 MB/s", "100 MB/s"]      # one of these
      steady: {from: "1 min", to: "5 min"}       # or anything between
order: drawn                                     # or "in turn"
every: 30 min                                    # from one begin to the next, at least
upgrades: {every: 6 h}                           # a newer Kafka is asked for, and played as rolling-upgrade
quiet:
  - {from: "08:00", to: "18:00", zone: Europe/Berlin, days: [mon, tue, wed, thu, fri]}
budget: {hours: 100, bytes: 10 TB, money: 200 EUR, per: week}
prices: {spot: 0.03 EUR, on-demand: 0.10 EUR}    # a node-hour
known:
  - {scenario: kill-leader, promise: KeepsRate, until: 2027-01-31, why: KAFKA-12345}
alerts:
  - {to: {env: PAGER_URL}, from: critical}
"""

from datetime import date, time
from typing import Annotated, Final, Literal, Self, TypeAlias
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from actors.units import Duration, Size
from marathon_ray.event import Severity
from marathon_ray.kafka.description import Reference
from marathon_ray.names import Names
from marathon_ray.prices import Cash, Prices
from marathon_ray.rotation.quantity import Choice

Day: TypeAlias = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: Final[tuple[Day, ...]] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


def _clock(value: object) -> object:
    if isinstance(value, int) and not isinstance(value, bool):  # YAML reads 22:00 as a number of minutes
        value = f"{value // 60:02}:{value % 60:02}"
    return value


Clock: TypeAlias = Annotated[time, BeforeValidator(_clock)]


class Entry(_Part):
    """A scenario that takes its turn, on these clusters (none named: on all), with its fields as given here."""

    run: str
    clusters: tuple[str, ...] = ()
    weight: Annotated[float, Field(gt=0)] = 1
    fields: dict[str, Choice] = {}


def _zone(value: str) -> str:
    if value not in available_timezones():
        raise ValueError(f"{value!r} is not known: write one as Europe/Berlin")
    return value


class Quiet(_Part):
    """Hours of these days in which no run begins; `to` before `from` is on the next day."""

    since: Clock = Field(alias="from")
    until: Clock = Field(alias="to")
    zone: Annotated[str, AfterValidator(_zone)] = "UTC"
    days: tuple[Day, ...] = DAYS

    @model_validator(mode="after")
    def _is_possible(self) -> Self:
        if self.since == self.until:
            raise ValueError(f"from {self.since:%H:%M} to {self.until:%H:%M} is no time at all, or always")
        return self

    @property
    def place(self) -> ZoneInfo:
        """Where these hours are told."""
        return ZoneInfo(self.zone)


class Budget(_Part):
    """What may be spent: hours of runs, bytes of values written, money; in all, or in each day or week (UTC, from Monday)."""

    hours: Annotated[float, Field(gt=0)] | None = None
    bytes: Annotated[Size, Field(gt=0)] | None = None
    money: Cash | None = None
    per: Literal["day", "week"] | None = None


class Known(_Part):
    """A broken promise that is known: no alert until that day is over, and the runs count as what they are."""

    scenario: str
    promise: str
    cluster: str | None = None
    until: date
    why: Annotated[str, Field(min_length=1)]


class Alert(_Part):
    """Where events go from that severity on: an address of apprise, itself or where it stands."""

    to: str | Reference
    since: Severity = Field(default=Severity.WARNING, alias="from")


class Upgrades(_Part):
    """Who asks so often for a newer Kafka than that of these clusters (none named: of all that can be upgraded), and plays
    `rolling-upgrade` with these fields when there is one."""

    every: Annotated[Duration, Field(ge=60)] = 86_400
    clusters: tuple[str, ...] = ()
    fields: dict[str, Choice] = {}


def _on(value: object) -> object:
    if value is None:
        raise ValueError("write {} to have all clusters upgraded that can be")
    return value


class Patience(_Part):
    """How often one turn is tried again: after an interruption, and after a run that proves nothing; and the rest between."""

    interruptions: Annotated[int, Field(ge=0)] = 5
    invalid: Annotated[int, Field(ge=0)] = 1
    rest: Duration = 60


def _bench(value: str) -> str:
    try:
        return Names(value, "00000000").bench
    except ValueError as error:
        raise ValueError(str(error).removeprefix("bench ")) from None


class Plan(_Part):
    """A rotation. Its parts are checked one by one here, and against scenarios, clusters and each other in `checking`."""

    bench: Annotated[str, AfterValidator(_bench)] = "bench"
    seed: int = 0
    results: str | None = None
    store: str | None = None
    places: Literal["ray", "here"] | None = None
    ray: str | None = None
    nodes: Literal["any", "spot"] | None = None
    metrics: str | None = None
    clusters: Annotated[dict[str, str], Field(min_length=1)]
    scenarios: Annotated[tuple[Entry, ...], Field(min_length=1)]
    order: Literal["in turn", "drawn"] = "in turn"
    every: Duration = 0
    upgrades: Annotated[Upgrades | None, BeforeValidator(_on)] = None
    quiet: tuple[Quiet, ...] = ()
    budget: Budget = Budget()
    prices: Prices = Prices()
    known: tuple[Known, ...] = ()
    alerts: tuple[Alert, ...] = ()
    patience: Patience = Patience()

    def clusters_of(self, entry: Entry) -> tuple[str, ...]:
        """The clusters of an entry."""
        return entry.clusters or tuple(self.clusters)
