"""When people are told: each decision, with the times given."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marathon_ray.alerts.alert import (
    HOUR,
    Batch,
    Book,
    Notice,
    Rules,
    Say,
    delivered,
    due,
    failed,
    heard,
    silenced,
    taken,
)
from marathon_ray.event import Event, Severity
from marathon_ray.rotation.plan import Known

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
RULES = Rules()
CRITICAL, WARNING, INFO = Severity.CRITICAL, Severity.WARNING, Severity.INFO


def event(hours: float = 0, severity: Severity = CRITICAL, about: str = "a", **changes: Any) -> Event:
    return Event(at=NOON + timedelta(hours=hours), severity=severity, kind="k", about=about, message=about, **changes)


def over(hours: float, about: str = "a") -> Event:
    return event(hours, INFO, about, over=True)


def says(*events: Event, rules: Rules = RULES) -> list[tuple[float, Say]]:
    """Which of these are told, by their hours, and why."""
    book = Book()
    for each in events:
        book = heard(book, each, rules)
    return [((each.event.at - NOON) / HOUR, each.say) for each in book.waiting.notices]


def test_an_incident_is_told_once_however_often_it_is_met() -> None:
    assert says(event(0), event(1), event(2), event(3.9)) == [(0, Say.NEW)]


def test_an_incident_that_lasts_is_told_once_more_and_its_end_is_the_third_message() -> None:
    lasting = [event(hours) for hours in range(0, 200, 2)]
    assert says(*lasting, over(200)) == [(0, Say.NEW), (4, Say.STILL), (200, Say.OVER)]


def test_one_that_gets_worse_is_told_at_once_and_one_that_gets_better_is_not() -> None:
    assert says(event(0, WARNING), event(0.1, CRITICAL), event(0.2, WARNING)) == [(0, Say.NEW), (0.1, Say.WORSE)]


def test_one_that_gets_worse_is_told_even_when_its_messages_are_spent() -> None:
    told = says(event(0, WARNING), over(1), event(2, WARNING), event(2.5, CRITICAL))
    assert told == [(0, Say.NEW), (1, Say.OVER), (2, Say.AGAIN), (2.5, Say.NEW)]


def test_an_end_is_told_only_if_the_beginning_was() -> None:
    assert says(over(0)) == []
    assert says(event(0, INFO), over(1)) == []
    assert says(event(0), over(1), over(2)) == [(0, Say.NEW), (1, Say.OVER)]


def test_one_that_comes_back_soon_is_the_same_and_comes_and_goes_in_silence_then() -> None:
    flapping = [event(0), over(0.5), event(1), over(1.5), event(2), over(2.5), event(3), over(3.5), event(4)]
    assert says(*flapping) == [(0, Say.NEW), (0.5, Say.OVER), (1, Say.AGAIN)]
    assert says(*flapping, over(4.5), event(5.1)) == [(0, Say.NEW), (0.5, Say.OVER), (1, Say.AGAIN), (5.1, Say.NEW)]


def test_one_that_comes_back_late_is_another() -> None:
    assert says(event(0), over(1), event(5), over(6)) == [(0, Say.NEW), (1, Say.OVER), (5, Say.NEW), (6, Say.OVER)]


def test_after_an_end_was_told_a_break_is_never_kept_from_people() -> None:
    assert says(event(0, WARNING), event(1), over(2), event(2.5))[-1] == (2.5, Say.NEW)


def test_a_channel_hears_of_nothing_below_its_severity() -> None:
    rules = Rules(since=CRITICAL)
    assert says(event(0, WARNING), event(1, CRITICAL), over(2), rules=rules) == [(1, Say.NEW), (2, Say.OVER)]


steps = st.lists(st.tuples(st.floats(0.01, 5), st.sampled_from([*Severity, None]), st.sampled_from("ab")), max_size=60)


@given(steps)
def test_what_people_last_heard_of_an_incident_is_at_most_one_silence_old(
    some: list[tuple[float, Severity | None, str]],
) -> None:
    """However it goes: three messages between a NEW and the next; an end only after a beginning; and no break is kept
    from people who were told of an end, nor one that is worse than what they were told."""
    book, hours = Book(), 0.0
    count, last, worst = dict.fromkeys("ab", 0), dict.fromkeys("ab", Say.OVER), dict.fromkeys("ab", INFO)
    for step, severity, about in some:
        hours += step
        book = heard(book, over(hours, about) if severity is None else event(hours, severity, about), RULES)
        book, batch = taken(book)
        for notice in batch.notices:
            count[about] = 1 if notice.say is Say.NEW else count[about] + 1
            assert count[about] <= 3
            assert notice.say is not Say.OVER or last[about] is not Say.OVER
            last[about] = notice.say
            worst[about] = (
                notice.event.severity
                if notice.say is Say.NEW
                else max(worst[about], notice.event.severity, key=lambda each: each.rank)
            )
        if severity in (WARNING, CRITICAL):
            assert last[about] is not Say.OVER
            assert severity.rank <= worst[about].rank


def test_all_that_waits_goes_out_as_one_and_no_more_than_so_many_in_any_hour() -> None:
    rules, book, sent = Rules(hourly=3, kept=0), Book(), []
    for minute in range(120):
        now = NOON + timedelta(minutes=minute)
        book = heard(book, event(minute / 60, WARNING, f"incident {minute}"), rules)
        at = due(book, now, rules)
        assert at is not None
        if at <= now:
            book, batch = taken(book)
            sent.append((minute, len(batch.notices)))
            book = delivered(book, now)
    assert sent == [(0, 1), (1, 1), (2, 1), (60, 58), (61, 1), (62, 1)]


def test_the_last_messages_of_an_hour_are_kept_for_critical_ones() -> None:
    rules = Rules(hourly=3, kept=1)
    book = Book(sent=(NOON, NOON))
    assert due(heard(book, event(0.1, WARNING), rules), NOON + 0.1 * HOUR, rules) == NOON + HOUR
    assert due(heard(book, event(0.1, CRITICAL), rules), NOON + 0.1 * HOUR, rules) == NOON + 0.1 * HOUR
    full = Book(sent=(NOON, NOON, NOON))
    assert due(heard(full, event(0.1, CRITICAL), rules), NOON + 0.1 * HOUR, rules) == NOON + HOUR


def test_a_clock_that_was_set_back_keeps_nothing_from_people() -> None:
    """A channel that rests does so for as long as it may at most; messages of a time to come were sent by another clock."""
    later = NOON + timedelta(days=300)
    full = Book(sent=(later,) * RULES.hourly)
    assert due(heard(full, event(0), RULES), NOON, RULES) == NOON
    assert delivered(full, NOON).sent == (NOON,)
    resting = heard(Book(failures=9, resting=later), event(0), RULES)
    assert due(resting, NOON, RULES) == NOON


def test_nothing_is_due_where_nothing_waits() -> None:
    assert due(Book(), NOON, RULES) is None


def test_what_was_not_sent_waits_before_what_came_since_and_rests_grow() -> None:
    book, rests = heard(Book(), event(0), RULES), []
    for number in range(12):
        book, batch = taken(book)
        book = heard(book, event(0, about=f"later {number}"), RULES)
        book = failed(book, batch, NOON, RULES)
        rests.append(((due(book, NOON, RULES) or NOON) - NOON).total_seconds())
    assert rests == [2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]
    assert [each.event.about for each in book.waiting.notices] == ["a", *(f"later {number}" for number in range(12))]
    assert due(delivered(book, NOON), NOON, RULES) == NOON


def test_the_newest_are_kept_and_critical_ones_before_others() -> None:
    rules = Rules(held=2)
    book = Book()
    for number, severity in enumerate([CRITICAL, WARNING, WARNING, WARNING]):
        book = heard(book, event(number, severity, str(number)), rules)
    assert ([each.event.about for each in book.waiting.notices], book.waiting.lost) == (["0", "3"], 2)
    again = failed(book, Batch((Notice(event(9, about="9"), Say.NEW),), lost=1), NOON, rules)
    assert ([each.event.about for each in again.waiting.notices], again.waiting.lost) == (["9", "0"], 4)


def test_what_is_remembered_has_a_bound() -> None:
    book = Book()
    for number in range(3000):
        book, _ = taken(heard(book, event(0, about=str(number)), RULES))
    assert len(book.stories) == 1000
    for number in range(3000):
        book = heard(book, over(1, str(number)), RULES)
    assert len(heard(book, event(6), RULES).stories) == 1


KNOWN = Known(scenario="kill-leader", promise="KeepsRate", cluster="staging", until=date(2026, 3, 1), why="KAFKA-12345")
FACTS = {"scenario": "kill-leader", "promise": 'KeepsRate("writers")', "cluster": "staging"}


def test_what_is_known_is_told_to_nobody_until_that_day_is_over() -> None:
    assert silenced(event(11.9, facts=FACTS), [KNOWN], None)
    assert not silenced(event(12, facts=FACTS), [KNOWN], None)


@pytest.mark.parametrize("other", ["scenario", "promise", "cluster"])
def test_only_what_is_known_is_silent(other: str) -> None:
    assert not silenced(event(0, facts={**FACTS, other: "another"}), [KNOWN], None)
    assert not silenced(event(0), [KNOWN], None)


def test_a_promise_is_known_by_its_whole_text_too_and_on_any_cluster_where_none_is_named() -> None:
    anywhere = Known(scenario="kill-leader", promise='KeepsRate("writers")', until=date(2026, 3, 1), why="so")
    assert silenced(event(0, facts={**FACTS, "cluster": "another"}), [anywhere], None)
    assert not silenced(event(0, facts={**FACTS, "promise": 'KeepsRate("readers")'}), [anywhere], None)


def test_what_is_muted_is_told_to_nobody_until_then() -> None:
    assert silenced(event(0.9), [], NOON + HOUR)
    assert not silenced(event(1), [], NOON + HOUR)
