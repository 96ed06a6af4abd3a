"""When the next attempt may begin: cadence, quiet hours, rests, budgets, a person's word. Decisions over values."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from marathon_ray.rotation.ledger import Standing, exhausted, renewed
from marathon_ray.rotation.plan import DAYS, Plan, Quiet
from marathon_ray.rotation.retry import Again, retry


@dataclass(frozen=True, slots=True)
class Begin:
    """Now."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Not before then, and why; None: not before somebody says so."""

    until: datetime | None
    why: str


@dataclass(frozen=True, slots=True)
class End:
    """Never again."""

    why: str


Timing: TypeAlias = Begin | Wait | End


def timing(plan: Plan, now: datetime, standing: Standing) -> Timing:
    """Whether an attempt may begin at `now` (an aware time), by the first reason against it."""
    if standing.held:
        return Wait(None, "held by command")
    if used := exhausted(plan.budget, standing.spent, now):
        fresh = renewed(plan.budget, now)
        return Wait(fresh, used) if fresh else End(used)
    waits = [
        wait
        for wait in (_rest(plan, now, standing), _cadence(plan, now, standing), quiet(plan.quiet, now))
        if wait and wait.until and wait.until > now
    ]
    return max(waits, key=lambda wait: wait.until or now, default=None) or Begin()


def _rest(plan: Plan, now: datetime, standing: Standing) -> Wait | None:
    """Between attempts at one turn. What ended later than now did so by a clock that was set back since."""
    if not standing.outcomes or standing.ended is None or standing.ended > now:
        return None
    decision = retry(standing.outcomes, plan.patience)
    if not isinstance(decision, Again):
        return None
    return Wait(standing.ended + timedelta(seconds=decision.rest), f"rest after {standing.outcomes[-1]}")


def _cadence(plan: Plan, now: datetime, standing: Standing) -> Wait | None:
    """Between the begins of two turns; a clock that was set back makes none of it."""
    if standing.outcomes or standing.began is None or standing.began > now or not plan.every:
        return None
    return Wait(standing.began + timedelta(seconds=plan.every), "cadence")


def quiet(hours: Iterable[Quiet], now: datetime) -> Wait | None:
    """Until the end of the quiet hours, those that follow on them at once included; None where there are none now."""
    all_ = tuple(hours)
    until = now
    for _ in range(8 * len(all_)):
        ends = [end for one in all_ if (end := _end(one, until)) is not None]
        if not ends:
            break
        until = max(ends)
    return Wait(until, "quiet hours") if until > now else None


def _end(hours: Quiet, now: datetime) -> datetime | None:
    """When these hours end, if `now` is within them. Those of a day are told by its wall clock."""
    here = now.astimezone(hours.place)
    for days in (0, 1):  # begun today, or yesterday
        day = here.date() - timedelta(days=days)
        since = datetime.combine(day, hours.since, hours.place)
        over = day + timedelta(days=1) if hours.until <= hours.since else day
        until = datetime.combine(over, hours.until, hours.place)
        if DAYS[day.weekday()] in hours.days and since <= here < until:
            return until.replace(fold=here.fold)  # of an hour that comes twice the one that is now
    return None
