"""From a finished run to its events."""

from dataclasses import replace
from datetime import timedelta

import pytest

from marathon_ray.event import Event, Severity
from marathon_ray.news import KINDS, Kind, Origin, events_of, given_up
from marathon_ray.outcome import Outcome
from marathon_ray.promises.promise import Verdict
from marathon_ray.report.report import Report
from tests.marathon_ray.report import sample

ORIGIN = Origin(
    "/home/a user/mine.py:KillTwo",
    "staging",
    "./staging.yaml",
    (("writers.rate", "50 MB/s"), ("api.token", "SECRET")),
    "results/x/index.html",
)


def told(report: Report, kind: Kind) -> list[Event]:
    return [event for event in events_of(report, ORIGIN) if event.kind == kind]


def verdict(promise: str, state: str, *, safety: bool = False) -> Verdict:
    return Verdict(promise, "demanded", "found", state, safety)  # type: ignore[arg-type]


def test_a_broken_promise_is_told_with_cluster_version_fault_and_time() -> None:
    (event,) = told(sample.report(Outcome.FAILED), Kind.PROMISE_BROKEN)
    first, second = event.message.splitlines()
    assert first == "kill-leader: Integrity(orders) was broken on staging (Kafka 4.3.0)"
    assert "840 lost" in second
    assert second.endswith("; during kill leader (node 2); since 2026-03-01 08:01:04 UTC")
    assert (event.severity, event.about) == (Severity.CRITICAL, "kill-leader on staging: Integrity(orders)")
    assert event.run == "3f9c0d21"
    assert event.facts["page"] == "results/x/index.html"
    assert event.facts["again"] == (
        "marathon run '/home/a user/mine.py:KillTwo' --seed 20260301 --cluster ./staging.yaml '--writers.rate=50 MB/s' '--api.token=***'"
    )


def test_a_fault_that_was_not_on_is_not_told() -> None:
    early = tuple(replace(shade, at=shade.at - 3600 * 10**9) for shade in sample.report().shades)
    (event,) = told(sample.report(Outcome.FAILED, shades=early), Kind.PROMISE_BROKEN)
    assert "; while no fault was on; since" in event.message


def test_since_when_is_told_by_what_the_settings_do_not_allow() -> None:
    report = sample.report(Outcome.FAILED)
    allowed = report.findings[0].model_copy(update={"kind": "unowned", "since": sample.BEGAN - timedelta(hours=1)})
    both = {"findings": (allowed, *report.findings), "allowances": ("orders: unowned records are allowed, since so",)}
    (event,) = told(report.model_copy(update=both), Kind.PROMISE_BROKEN)
    assert event.message.endswith("since 2026-03-01 08:01:04 UTC")


def test_promises_of_liveness_are_critical_where_the_run_came_to_its_end() -> None:
    report = sample.report(verdicts=(verdict("KeepsRate(writers)", "failed"), verdict("Drained(readers)", "passed")))
    report = report.model_copy(update={"outcome": Outcome.FAILED})
    (event,) = told(report, Kind.PROMISE_BROKEN)
    assert (event.severity, event.facts["promise"]) == (Severity.CRITICAL, "KeepsRate(writers)")
    assert event.message.endswith("during kill leader (node 2); since 2026-03-01 08:00:03 UTC")
    assert [each.facts["promise"] for each in told(report, Kind.PROMISE_KEPT)] == ["Drained(readers)"]


def test_of_a_run_that_was_cut_off_only_broken_safety_counts() -> None:
    verdicts = (
        verdict("Integrity(orders)", "failed", safety=True),
        verdict("Integrity(copies)", "passed", safety=True),
        verdict("KeepsRate(writers)", "failed"),
        verdict("Drained(readers)", "passed"),
    )
    report = sample.report(Outcome.FAILED, verdicts=verdicts, cause="a node was lost")
    assert [each.facts["promise"] for each in told(report, Kind.PROMISE_BROKEN)] == ["Integrity(orders)"]
    assert told(report, Kind.PROMISE_KEPT) == []


def test_a_promise_that_is_kept_is_the_end_of_the_same_incident() -> None:
    (bad,) = told(sample.report(Outcome.FAILED), Kind.PROMISE_BROKEN)
    good = told(sample.report(), Kind.PROMISE_KEPT)
    assert all(event.over for event in good)
    assert bad.about in [event.about for event in good]


@pytest.mark.parametrize(
    ("outcome", "severity"),
    [(Outcome.INVALID, Severity.WARNING), (Outcome.INTERRUPTED, Severity.INFO), (Outcome.SKIPPED, Severity.INFO)],
)
def test_a_run_without_a_verdict_says_why_and_nothing_of_promises(outcome: Outcome, severity: Severity) -> None:
    verdicts = (verdict("KeepsRate(writers)", "failed"), verdict("Drained(readers)", "passed"))
    (event,) = events_of(sample.report(outcome, cause="so it was", verdicts=verdicts), ORIGIN)
    assert (event.severity, event.over) == (severity, False)
    assert event.message == f"kill-leader on staging is {outcome}\nso it was"


def test_the_next_verdict_ends_that_there_was_none() -> None:
    (invalid,) = events_of(sample.report(Outcome.INVALID), ORIGIN)
    gone = given_up("kill-leader", "staging", "interrupted 6 times")
    for outcome in (Outcome.PASSED, Outcome.FAILED):
        (end,) = told(sample.report(outcome), Kind.VERDICT)
        assert end.over
        assert end.about == invalid.about == gone.about
    assert gone.severity is Severity.WARNING


def test_the_benchs_own_honesty_is_no_promise_of_the_cluster() -> None:
    report = sample.report(verdicts=(verdict("GeneratorHonest", "passed"),))
    assert told(report, Kind.PROMISE_KEPT) == []


def test_a_run_that_was_no_command_has_no_command_that_plays_it_again() -> None:
    (event,) = told(sample.report(Outcome.INVALID), Kind.RUN_INVALID)
    assert "again" in event.facts
    (event,) = events_of(sample.report(Outcome.INVALID), Origin("", "staging"))
    assert event.facts == {"scenario": "kill-leader", "cluster": "staging", "outcome": "invalid"}


def test_every_kind_is_described() -> None:
    assert set(KINDS) == set(Kind)
