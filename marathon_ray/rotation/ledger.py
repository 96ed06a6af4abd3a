"""What a rotation has done, as its journal says: turns, attempts, and what they have spent."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from marathon_ray.event import Event
from marathon_ray.journal import Entry
from marathon_ray.outcome import Outcome
from marathon_ray.report import words as report_words
from marathon_ray.rotation.finishing import KEPT
from marathon_ray.rotation.plan import Budget


@dataclass(frozen=True, slots=True)
class Spent:
    """What one attempt took: seconds, bytes of values written, money by currency, and hours of nodes by kind; and how it
    ended."""

    at: datetime
    seconds: float
    bytes: int = 0
    money: Mapping[str, float] | None = None
    outcome: Outcome = Outcome.INTERRUPTED
    hours: Mapping[str, float] | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the rotation is: the number of the turn, its attempts so far, when the last attempt began and ended, whether
    one is under way, and everything spent."""

    number: int = 0
    outcomes: tuple[Outcome, ...] = ()
    began: datetime | None = None
    ended: datetime | None = None
    running: str = ""  # the name of the run that has not ended, as far as the journal knows
    scenario: str = ""  # of the last attempt, as the plan calls it
    ends: Mapping[str, tuple[Outcome, ...]] = field(default_factory=dict)  # of the newest runs, by scenario
    spent: tuple[Spent, ...] = ()
    held: bool = False
    muted: datetime | None = None  # nobody is to be told anything until then
    changes: Mapping[str, str] = field(default_factory=dict)  # fields of the plan that were set by command, in YAML
    releases: Mapping[str, str] = field(default_factory=dict)  # the newest Kafka that was found, by cluster
    due: Mapping[str, str] = field(default_factory=dict)  # those of them to which the cluster was not upgraded yet


def standing(entries: Iterable[Entry]) -> Standing:
    """After these entries of a rotation's journal."""
    now = Standing()
    for entry in entries:
        now = after(now, entry)
    return now


def events(entries: Iterable[Entry]) -> Iterator[Event]:
    """Those that were not muted, oldest first."""
    until: datetime | None = None
    for entry in entries:
        if entry["what"] == "mute":
            until = _muted(entry)
        elif entry["what"] == "event":
            event = Event.model_validate(entry["event"])
            if until is None or event.at >= until:
                yield event


def muted(entries: Iterable[Entry]) -> datetime | None:
    """Until when nobody is to be told anything; None: as ever."""
    return next((_muted(entry) for entry in reversed(list(entries)) if entry["what"] == "mute"), None)


def _muted(entry: Entry) -> datetime | None:
    return datetime.fromisoformat(entry["until"]) if entry["until"] else None


def after(now: Standing, entry: Entry) -> Standing:
    """After one more."""
    at = datetime.fromisoformat(entry["at"])
    match entry["what"]:
        case "attempt":
            return replace(now, began=at, running=entry["run"], scenario=entry["scenario"])
        case "ended":
            outcome = Outcome(entry["outcome"])
            hours, money = dict(entry.get("hours", {})), dict(entry["money"])
            spent = Spent(at, float(entry["seconds"]), int(entry["bytes"]), money, outcome, hours)
            ends = {**now.ends, now.scenario: (*now.ends.get(now.scenario, ()), outcome)[-KEPT:]}
            now = replace(now, outcomes=(*now.outcomes, outcome), ends=ends)
            return replace(now, ended=at, running="", spent=(*now.spent, spent))
        case "newer" | "turn over":
            return _turned(now, entry)
        case "hold" | "release" as what:
            return replace(now, held=what == "hold")
        case "mute" | "set":
            return _set(now, entry)
    return now


def _set(now: Standing, entry: Entry) -> Standing:
    """What holds from now on, as a person has said."""
    if entry["what"] == "mute":
        return replace(now, muted=_muted(entry))
    kept = {name: text for name, text in now.changes.items() if name != entry["field"]}
    return replace(now, changes=kept if entry["value"] is None else {**kept, entry["field"]: entry["value"]})


def _turned(now: Standing, entry: Entry) -> Standing:
    """What is next: an upgrade comes before the plan's turn of that number."""
    if entry["what"] == "newer":
        found = {entry["cluster"]: entry["release"]}
        return replace(now, releases={**now.releases, **found}, due={**now.due, **found})
    if cluster := entry.get("upgraded"):
        due = {name: release for name, release in now.due.items() if name != cluster}
        return replace(now, due=due, outcomes=())
    return replace(now, number=int(entry["number"]) + 1, outcomes=())


def took(now: Standing) -> float:
    """Seconds since the last attempt began; 0 where the clock was set back since."""
    return max(0.0, (datetime.now(UTC) - now.began).total_seconds()) if now.began else 0.0


def words(now: Standing, at: datetime) -> str:
    """A line on where the rotation is and what it has spent, one on a mute that lasts, and one for each field that was set by
    command."""
    ended = Counter(str(one.outcome) for one in now.spent)
    counts = ", ".join(f"{count} {outcome}" for outcome, count in ended.items()) or "none"
    hours = sum(one.seconds for one in now.spent) / 3600
    mute = f"\nnobody is alerted until {now.muted:%Y-%m-%d %H:%M:%S} UTC" if now.muted and at < now.muted else ""
    changed = "".join(f"\nset by command: {name} is {text}" for name, text in now.changes.items())
    return f"turn {now.number}; runs: {counts}; {hours:.1f} hours of runs{_paid(now.spent)}{mute}{changed}"


def _paid(spent: Iterable[Spent]) -> str:
    """Hours of nodes by kind, and money, where there are any."""
    hours: dict[str, float] = {}
    money: dict[str, float] = {}
    for one in spent:
        for sums, more in ((hours, one.hours), (money, one.money)):
            for name, count in (more or {}).items():
                sums[name] = sums.get(name, 0.0) + count
    told = f"; node-hours {report_words.node_hours(hours)}" if hours else ""
    return f"{told}, which cost {report_words.money(money)}" if money else told


def exhausted(budget: Budget, spent: Iterable[Spent], now: datetime) -> str:
    """Which part of the budget is used up, in a sentence; empty where none is."""
    since = _begin(budget, now)
    counted = [one for one in spent if since is None or one.at >= since]
    per = f" in this {budget.per}" if budget.per else ""
    hours = sum(one.seconds for one in counted) / 3600
    if budget.hours is not None and hours >= budget.hours:
        return f"{hours:.1f} of {budget.hours:g} hours are used{per}"
    written = sum(one.bytes for one in counted)
    if budget.bytes is not None and written >= budget.bytes:
        return f"{written:,} of {budget.bytes:,} bytes are written{per}"
    if budget.money is not None:
        paid = sum((one.money or {}).get(budget.money.currency, 0.0) for one in counted)
        if paid >= budget.money.amount:
            return f"{paid:.2f} of {budget.money} are spent{per}"
    return ""


def renewed(budget: Budget, now: datetime) -> datetime | None:
    """When there is a new budget; None where there is but one."""
    begin = _begin(budget, now)
    return None if begin is None else begin + timedelta(days=1 if budget.per == "day" else 7)


def _begin(budget: Budget, now: datetime) -> datetime | None:
    if budget.per is None:
        return None
    today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return today if budget.per == "day" else today - timedelta(days=today.weekday())
