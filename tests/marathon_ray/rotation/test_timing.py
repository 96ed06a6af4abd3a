"""When an attempt may begin."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from marathon_ray.outcome import Outcome
from marathon_ray.rotation.finishing import KEPT
from marathon_ray.rotation.ledger import Spent, Standing, standing
from marathon_ray.rotation.plan import Quiet
from marathon_ray.rotation.timing import Begin, End, Wait, quiet, timing
from tests.marathon_ray.rotation.plans import a_plan

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)  # a Tuesday
MINUTE = timedelta(minutes=1)


def hours(since: str, until: str, **more: Any) -> Quiet:
    return Quiet.model_validate({"from": since, "to": until, **more})


def test_nothing_is_against_the_first_attempt() -> None:
    assert timing(a_plan(every="1 h"), NOON, Standing()) == Begin()


def test_a_turn_begins_no_sooner_than_its_cadence_says_after_the_one_before() -> None:
    over = Standing(number=1, began=NOON - 10 * MINUTE, ended=NOON - MINUTE)
    assert timing(a_plan(every="30 min"), NOON, over) == Wait(NOON + 20 * MINUTE, "cadence")
    assert timing(a_plan(every="10 min"), NOON, over) == Begin()


def test_a_turn_that_is_tried_again_rests_and_does_not_wait_for_the_cadence() -> None:
    tried = Standing(outcomes=(Outcome.INTERRUPTED,), began=NOON - MINUTE, ended=NOON)
    plan = a_plan(every="2 h", patience={"rest": "90 s"})
    assert timing(plan, NOON, tried) == Wait(NOON + timedelta(seconds=90), "rest after interrupted")
    assert timing(plan, NOON + 2 * MINUTE, tried) == Begin()


def test_a_clock_that_was_set_back_holds_up_nothing() -> None:
    """What began or ended later than now did so by another clock."""
    over = Standing(number=1, began=NOON + timedelta(days=300), ended=NOON + timedelta(days=300))
    assert timing(a_plan(every="30 min"), NOON, over) == Begin()
    assert timing(a_plan(), NOON, replace(over, outcomes=(Outcome.INTERRUPTED,))) == Begin()


def test_who_is_held_waits_for_a_word() -> None:
    assert timing(a_plan(), NOON, Standing(held=True)) == Wait(None, "held by command")


@pytest.mark.parametrize(
    ("hours", "until"),
    [
        ((hours("08:00", "18:00"),), NOON + timedelta(hours=6)),
        ((hours("08:00", "12:00"),), None),
        ((hours("12:00", "12:01"),), NOON + MINUTE),
        ((hours("22:00", "13:00"),), NOON + timedelta(hours=1)),  # begun yesterday
        ((hours("22:00", "13:00", days=["tue"]),), None),
        ((hours("22:00", "13:00", days=["mon"]),), NOON + timedelta(hours=1)),
        ((hours("07:00", "20:00", zone="America/New_York"),), NOON + timedelta(hours=13)),  # 7 there
        ((hours("11:00", "13:00"), hours("13:00", "15:00")), NOON + timedelta(hours=3)),
    ],
)  # fmt: skip
def test_quiet_hours_last_until_the_last_of_those_that_follow_at_once(
    hours: tuple[Quiet, ...], until: datetime | None
) -> None:
    wait = quiet(hours, NOON)
    assert (wait.until if wait else None) == until


def test_an_hour_that_comes_twice_is_quiet_both_times() -> None:
    berlin = (hours("02:00", "02:30", zone="Europe/Berlin"),)
    first = datetime(2026, 10, 25, 0, 15, tzinfo=UTC)
    for number, waits in enumerate([15, None, None, 30, 15, None]):
        now = first + number * 15 * MINUTE
        wait = quiet(berlin, now)
        until = wait.until.astimezone(UTC) if wait and wait.until else None
        assert until == (now + waits * MINUTE if waits else None)


def test_hours_of_all_days_never_end_in_a_loop() -> None:
    wait = quiet((hours("00:00", "12:00"), hours("12:00", "00:00")), NOON)
    assert wait is not None
    assert wait.until is not None
    assert wait.until > NOON


@pytest.mark.parametrize(
    ("budget", "spent", "why"),
    [
        ({"hours": 2}, [Spent(NOON, 7200)], "2.0 of 2 hours are used"),
        ({"hours": 2}, [Spent(NOON, 7199)], ""),
        ({"bytes": "1 GB"}, [Spent(NOON, 1, 6 * 10**8), Spent(NOON, 1, 4 * 10**8)], "1,000,000,000 of 1,000,000,000 bytes are written"),
        ({"money": "5 EUR"}, [Spent(NOON, 1, money={"EUR": 5.5})], "5.50 of 5 EUR are spent"),
        ({"money": "5 EUR"}, [Spent(NOON, 1, money={"USD": 5.5})], ""),
        ({"hours": 1, "per": "day"}, [Spent(NOON - timedelta(hours=13), 9999)], ""),
        ({"hours": 1, "per": "week"}, [Spent(NOON - timedelta(hours=13), 9999)], "2.8 of 1 hours are used in this week"),
        ({"hours": 1, "per": "week"}, [Spent(NOON - timedelta(days=2), 9999)], ""),  # on Sunday
    ],
)  # fmt: skip
def test_a_budget_that_is_used_up_ends_the_rotation_or_lets_it_wait(
    budget: dict[str, Any], spent: list[Spent], why: str
) -> None:
    found = timing(a_plan(budget=budget), NOON, Standing(spent=tuple(spent)))
    if not why:
        assert found == Begin()
    elif "per" in budget:
        assert found == Wait(datetime(2026, 11, 30, tzinfo=UTC), why)
    else:
        assert found == End(why)


def test_a_journal_tells_where_the_rotation_is() -> None:
    def entry(what: str, **facts: Any) -> dict[str, Any]:
        return {"at": NOON.isoformat(), "what": what, **facts}

    ended = {"number": 0, "seconds": 60, "bytes": 100, "money": {"EUR": 1}}
    entries = [
        entry("controller", owner="a"),
        entry("attempt", number=0, run="0000000a", scenario="kill-leader"),
        entry("ended", outcome="interrupted", **ended),
        entry("hold"),
        entry("attempt", number=0, run="0000000b", scenario="kill-leader"),
        entry("ended", outcome="passed", **ended),
        entry("turn over", number=0),
        entry("release"),
        entry("attempt", number=1, run="0000000c", scenario="steady-write"),
    ]
    assert standing(entries[:3]).outcomes == (Outcome.INTERRUPTED,)
    assert standing(entries[:4]).held
    whole = standing(entries)
    assert (whole.number, whole.outcomes, whole.running, whole.held) == (1, (), "0000000c", False)
    assert standing(entries[:6]).running == ""
    assert [one.seconds for one in whole.spent] == [60, 60]
    assert whole.ends == {"kill-leader": (Outcome.INTERRUPTED, Outcome.PASSED)}
    assert len(standing(entries[1:3] * 30).ends["kill-leader"]) == KEPT
