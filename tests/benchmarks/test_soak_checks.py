"""What a soak looks at, on journals and reports that are made up: each check holds, and each can fail."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks import soak_checks, soaked
from benchmarks.soak_checks import DIED, GROWS, LONG, SAFE, UNSAFE
from benchmarks.soak_lives import Life, Lives
from marathon_ray.event import Event, Severity
from marathon_ray.journal import NAME, Entry, Journal, Thing
from marathon_ray.news import Kind
from marathon_ray.outcome import Outcome
from marathon_ray.report.report import Note, Report
from tests.marathon_ray.report import sample

PASSED, FAILED, INVALID, INTERRUPTED = Outcome.PASSED, Outcome.FAILED, Outcome.INVALID, Outcome.INTERRUPTED
AT = "2026-03-01T12:00:00+00:00"
CONTROLLER: Entry = {"what": "controller", "at": AT}


def began(number: int) -> Entry:
    return {"what": "attempt", "at": AT, "number": number}


def ended(number: int, outcome: str = "passed", cause: str = "", run: str = "") -> Entry:
    return {"what": "ended", "at": AT, "number": number, "outcome": outcome, "cause": cause, "run": run}


def event(kind: Kind, scenario: str, promise: str = "Integrity", severity: Severity = Severity.CRITICAL) -> Entry:
    told = Event(
        severity=severity, kind=kind, about=f"{scenario} on kafka: {promise}",
        message=f"{scenario}: {promise} was broken on kafka\n3 lost", facts={"scenario": scenario, "promise": promise},
    )  # fmt: skip
    return {"what": "event", "at": AT, "event": told.model_dump(mode="json")}


def report(outcome: Outcome, scenario: str = SAFE[0], run: str = "00000001", **options: Any) -> Report:
    return sample.report(outcome, scenario=scenario, run=run, **options)


def accounted(*entries: Entry, cut: int = 0, found: Sequence[Report] = ()) -> bool:
    return soak_checks.accounted([CONTROLLER, *entries], cut, found).holds


# Attempts and their ends


def test_attempts_that_end_one_after_the_other_are_accounted_for() -> None:
    assert accounted(began(0), ended(0), began(1), ended(1, "failed"))


@pytest.mark.parametrize(
    "entries",
    [
        [began(0)],
        [began(0), began(1), ended(1)],
        [ended(0)],
        [began(0), ended(0), ended(0), began(1)],
    ],
)
def test_an_attempt_without_an_end_is_found_and_an_end_without_an_attempt(entries: list[Entry]) -> None:
    assert not accounted(*entries)


def test_an_attempt_that_died_with_its_controller_is_tried_again() -> None:
    died = [began(0), CONTROLLER, ended(0, "interrupted", DIED)]
    assert accounted(*died, began(0), ended(0), cut=1)
    assert accounted(*died, cut=1)
    assert not accounted(*died, began(1), ended(1), cut=1)


def test_one_that_had_found_a_loss_by_then_has_its_verdict() -> None:
    assert accounted(began(0), CONTROLLER, ended(0, "failed", DIED, "00000001"), began(1), ended(1), cut=1)


def test_each_controller_that_was_killed_in_an_attempt_is_known_by_the_journal() -> None:
    died = [began(0), CONTROLLER, ended(0, "interrupted", DIED), began(0), ended(0)]
    assert not accounted(*died, cut=0)
    assert not accounted(*died, cut=2)
    assert not accounted(began(0), ended(0), CONTROLLER, began(1), ended(1), cut=1)


def test_one_that_had_its_report_when_its_controller_died_is_booked_as_that_says() -> None:
    def booked(said: str, why: str, *, outcome: Outcome = PASSED, cause: str = "") -> bool:
        found = [report(outcome, cause=cause)]
        return accounted(began(0), CONTROLLER, ended(0, said, why, "00000001"), cut=1, found=found)

    assert booked("passed", "")
    assert booked("invalid", "it rained", outcome=INVALID, cause="it rained")
    assert not booked("passed", "", outcome=FAILED)
    assert not booked("passed", "it rained")
    assert not booked("interrupted", DIED)


def test_one_that_had_no_report_died_and_nobody_else_did() -> None:
    assert not accounted(began(0), CONTROLLER, ended(0, "passed", "", "00000001"), cut=1)
    assert not accounted(began(0), ended(0, "interrupted", DIED))


# Reports and what is left


def filed(results: Path, *entries: Entry) -> bool:
    return soak_checks.filed(entries, results).holds


def test_each_end_has_its_report_and_each_report_its_end(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    report(PASSED).write(tmp_path / "one")
    assert filed(tmp_path, ended(0, run="00000001"))
    assert not filed(tmp_path, ended(0, "failed", run="00000001"))
    assert not filed(tmp_path)
    assert not filed(tmp_path, ended(0, run="00000001"), ended(1, run="00000002"))
    assert not filed(tmp_path, ended(0, "interrupted", DIED, "00000001"))


def test_a_run_without_a_report_has_nothing_left_however_far_it_had_come(tmp_path: Path) -> None:
    topic = Thing("topic", "m-soak-00000001-orders")
    dies = ended(0, "interrupted", DIED, "00000001")
    with Journal(tmp_path / "one" / NAME) as journal:
        journal.write("begin", run="00000001")
        assert filed(tmp_path, dies)
        journal.intend(topic)
        assert not filed(tmp_path, dies)
        journal.write("reclaimed", by=1)
        assert not filed(tmp_path, dies)
        journal.undone(topic)
        assert filed(tmp_path, dies)


# Verdicts


def test_a_safe_run_never_fails_and_some_pass() -> None:
    both = [report(PASSED, SAFE[0]), report(INTERRUPTED, SAFE[1])]
    assert soak_checks.safe([], [*both, report(FAILED, UNSAFE)]).holds
    assert not soak_checks.safe([], [*both, report(FAILED, SAFE[1])]).holds
    assert not soak_checks.safe([], [report(PASSED, UNSAFE), report(INVALID, SAFE[0])]).holds


def test_a_false_alarm_of_a_run_that_died_without_a_report_is_one_too() -> None:
    found = [report(PASSED)]
    assert soak_checks.safe([event(Kind.PROMISE_BROKEN, UNSAFE), event(Kind.PROMISE_KEPT, SAFE[0])], found).holds
    assert not soak_checks.safe([event(Kind.PROMISE_BROKEN, SAFE[1])], found).holds


LOST = sum(finding.count for finding in sample.LOST)  # of each report that has failed


def unsafe(*outcomes: Outcome, gone: int | None = LOST, **changes: Any) -> bool:
    """Whether reports of these outcomes are right where so many records are gone (None: nobody has looked), with those changes
    of what they say of integrity."""
    notes = (Note(text=soaked.told(gone), since=5.0),) if gone is not None else ()
    found = [report(one, UNSAFE, notes=notes) for one in outcomes]
    return soak_checks.unsafe([_saying(one, **changes) for one in found]).holds


def _saying(one: Report, **changes: Any) -> Report:
    integrity, *others = one.verdicts
    return one.model_copy(update={"verdicts": (replace(integrity, **changes), *others)})


def test_whatever_came_to_its_end_has_failed_for_what_the_log_has_lost() -> None:
    assert unsafe(FAILED, INTERRUPTED)
    assert not unsafe(FAILED, PASSED)
    assert not unsafe(FAILED, INVALID)
    assert not unsafe(INVALID, state="failed", figures={"lost": LOST})
    assert not unsafe(INTERRUPTED)


def test_a_run_names_just_what_the_log_has_lost_but_for_what_is_in_the_dark() -> None:
    dark = {"lost": LOST, "in the dark": 1}
    assert not unsafe(FAILED, gone=LOST - 1)
    assert not unsafe(FAILED, gone=LOST - 1, figures=dark)
    assert not unsafe(FAILED, gone=LOST + 1)
    assert unsafe(FAILED, gone=LOST + 1, figures=dark)
    assert not unsafe(FAILED, gone=LOST + 2, figures=dark)
    unread = {"lost": LOST, "unaudited": 5}
    assert unsafe(FAILED, gone=LOST + 5, figures=unread)
    assert not unsafe(FAILED, gone=LOST + 6, figures=unread)


def test_a_run_that_has_lost_nothing_is_not_unsafe_and_one_that_broke_before_says_nothing() -> None:
    assert not unsafe(PASSED, gone=0)
    assert not unsafe(FAILED, gone=0)
    assert not unsafe(FAILED, gone=None)
    assert not unsafe(FAILED, gone=None, state="passed")
    assert not unsafe(INVALID, gone=None)
    broke = report(INVALID, UNSAFE, notes=())
    assert soak_checks.unsafe([broke, report(FAILED, UNSAFE, notes=(Note(text=soaked.told(LOST), since=5.0),))]).holds


# Alerts


def headline(promise: str, mark: str = "critical", scenario: str = UNSAFE) -> str:
    return f"[{mark}] {scenario}: {promise} was broken on kafka"


def alerted(*messages: list[str], entries: Sequence[Entry]) -> bool:
    return soak_checks.alerted(entries, messages).holds


def test_an_incident_has_three_messages_at_most_whatever_else_stands_in_them() -> None:
    entries = [event(Kind.PROMISE_BROKEN, UNSAFE), event(Kind.PROMISE_BROKEN, UNSAFE, "another"), ended(0, "failed")]
    three = [[headline("Integrity"), "3 lost", headline("another")], [f"{headline('Integrity')} (and 1 more)"]]
    three.append([headline("Integrity", "critical, still")])
    assert alerted(*three, entries=entries)
    assert not alerted(*three, [headline("another"), headline("Integrity", "critical, again")], entries=entries)


def test_that_unsafe_runs_fail_was_told_to_somebody() -> None:
    entries = [event(Kind.PROMISE_BROKEN, UNSAFE), ended(0, "failed")]
    assert not alerted(entries=entries)
    assert not alerted([headline("Integrity", scenario=SAFE[0])], entries=entries)
    assert alerted(entries=[ended(0, "passed")])


def arrived(*entries: Entry, taken: int = 1, refused: int = 1) -> bool:
    return soak_checks.arrived(entries, taken, refused).holds


def messaged(*told: Entry) -> Entry:
    names = " ".join(entry["event"]["id"] for entry in told)
    one = Event(severity=Severity.INFO, kind=Kind.ALERTED, about="messages", message="told", facts={"told": names})
    return {"what": "event", "at": AT, "event": one.model_dump(mode="json")}


def test_each_incident_is_told_in_the_end_though_calls_were_refused() -> None:
    one, again = event(Kind.PROMISE_BROKEN, UNSAFE), event(Kind.PROMISE_BROKEN, UNSAFE)
    other = event(Kind.RUN_INVALID, SAFE[0], severity=Severity.WARNING)
    both = messaged(one, other)
    assert arrived(one, again, other, both)
    assert not arrived(one, other, messaged(one))
    assert not arrived(one, other, both, refused=0)
    assert not arrived(one, other, both, taken=0)


def test_what_nobody_must_hear_of_need_not_be_told() -> None:
    own = event(Kind.CHANNEL_FAILED, UNSAFE, severity=Severity.WARNING)
    assert arrived(own, event(Kind.VERDICT, UNSAFE, severity=Severity.INFO), taken=0)


# The controller


def lives(*sizes: list[tuple[float, int]], fallen: Sequence[str] = ()) -> Lives:
    process: Any = None
    each = [Life(process, Path("log"), 0.0, one) for one in sizes]
    return Lives(Path("plan"), Path("results"), "ray", "token", lives=each, fallen=list(fallen))


MIB = 1 << 20


def life(*minutes: float, seconds: float = 600.0) -> list[tuple[float, int]]:
    """So many MiB in each minute: between runs for a moment, and more in one."""
    sizes = [
        (at, minutes[min(int(at // 60), len(minutes) - 1)] + (20 if at % 60 > 10 else 0)) for at in range(0, 3600, 5)
    ]
    return [(float(at), int(size * MIB)) for at, size in sizes if at <= seconds]


def grown(of: float, *, by: float) -> list[tuple[float, int]]:
    """By so many MiB an hour, of which a fresh one has so much."""
    return life(*(of + by * minute / 60 for minute in range(10)))


def test_memory_may_grow_at_the_begin_and_not_after() -> None:
    warm = life(50, 100, 150, 200, *[250] * 6)
    assert soak_checks.flat(lives(warm, [], [(3.0, 9)])).holds
    assert not soak_checks.flat(lives(warm[:60], grown(250, by=2 * GROWS))).holds
    assert soak_checks.flat(lives(grown(250, by=GROWS / 2))).holds
    assert "+60 MiB/h" in soak_checks.flat(lives(grown(250, by=60))).found


def test_one_minute_without_a_pause_says_nothing_of_growth() -> None:
    assert soak_checks.flat(lives(life(*[250] * 9, 270, seconds=605.0))).holds


def test_memory_of_short_lives_is_not_called_flat() -> None:
    check = soak_checks.flat(lives(life(250, seconds=LONG - 10), []))
    assert (check.holds, "too short" in check.found) == (False, True)
    assert not soak_checks.flat(lives([])).holds


def test_a_controller_ends_when_it_is_told_to_and_not_before() -> None:
    one = lives([])
    assert soak_checks.standing(one, 4).holds
    assert not soak_checks.standing(one, -9).holds
    assert not soak_checks.standing(replace(one, fallen=["life 1 ended with 1"]), 4).holds


def test_a_controller_obeys_if_it_says_at_which_turn_it_is() -> None:
    assert soak_checks.obeys("plays x\nturn 7; runs: none").holds
    assert not soak_checks.obeys("bench soak: no controller serves it on this Ray cluster").holds


def test_whatever_is_left_is_named() -> None:
    assert soak_checks.clean([]).holds
    one = soak_checks.clean(["topic m-soak-1", "worker process 7"])
    assert (one.holds, one.found) == (False, "topic m-soak-1; worker process 7")
