"""What a scrape sees."""

import urllib.request
from collections.abc import Mapping

import pytest
from prometheus_client.parser import text_string_to_metric_families

from marathon_ray.event import Event, Severity
from marathon_ray.metrics import Metrics, Page
from marathon_ray.news import Kind
from marathon_ray.outcome import Outcome
from marathon_ray.rotation.ended import Ended
from marathon_ray.round import Doing, Phase, Round
from marathon_ray.usage import UsageError
from tests.marathon_ray.report import sample

Samples = Mapping[tuple[str, tuple[tuple[str, str], ...]], float]


def scraped(metrics: Metrics) -> Samples:
    with Page(metrics, port=0) as page, urllib.request.urlopen(f"http://127.0.0.1:{page.port}/metrics") as answer:
        text = answer.read().decode()
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(samples: Samples, name: str, **labels: str) -> float:
    return samples[name, tuple(sorted(labels.items()))]


def test_finished_runs_are_counted_by_scenario_cluster_and_outcome() -> None:
    metrics = Metrics()
    for outcome in (Outcome.PASSED, Outcome.FAILED, Outcome.PASSED, Outcome.INTERRUPTED):
        metrics.finished(Ended.told(sample.report(outcome), "staging"))
    seen = scraped(metrics)
    where = {"scenario": "kill-leader", "cluster": "staging"}
    assert value(seen, "marathon_runs_total", **where, outcome="passed") == 2
    assert value(seen, "marathon_runs_total", **where, outcome="failed") == 1
    assert value(seen, "marathon_interruptions_total") == 1
    assert value(seen, "marathon_run_seconds_count", scenario="kill-leader") == 4
    assert value(seen, "marathon_run_seconds_sum", scenario="kill-leader") == 4 * sample.SECONDS
    assert value(seen, "marathon_run_seconds_bucket", scenario="kill-leader", le="120.0") == 0
    assert value(seen, "marathon_run_seconds_bucket", scenario="kill-leader", le="300.0") == 4
    ended = sample.BEGAN.timestamp() + sample.SECONDS
    assert value(seen, "marathon_last_run_timestamp_seconds", scenario="kill-leader", outcome="passed") == ended


def test_findings_are_counted_by_kind_and_those_beyond_a_report_too() -> None:
    metrics = Metrics()
    metrics.finished(Ended.told(sample.report(Outcome.FAILED, findings_beyond=5), "staging"))
    seen = scraped(metrics)
    assert value(seen, "marathon_findings_total", kind="lost") == 35
    assert value(seen, "marathon_findings_total", kind="gone") == 35
    assert value(seen, "marathon_findings_total", kind="other") == 5


def test_hours_of_nodes_and_what_they_cost_are_summed_over_runs() -> None:
    metrics = Metrics()
    metrics.finished(
        Ended.told(sample.report(node_hours={"spot": 1.5, "unknown": 0.25}, cost={"EUR": 0.07}), "staging")
    )
    metrics.finished(Ended.told(sample.report(node_hours={"spot": 0.5}, cost={"EUR": 0.01, "USD": 2}), "staging"))
    seen = scraped(metrics)
    assert value(seen, "marathon_node_hours_total", kind="spot") == 2
    assert value(seen, "marathon_node_hours_total", kind="unknown") == 0.25
    assert value(seen, "marathon_cost_total", currency="EUR") == pytest.approx(0.08)
    assert value(seen, "marathon_cost_total", currency="USD") == 2


def event(kind: str, severity: Severity = Severity.INFO, **facts: str) -> Event:
    return Event(severity=severity, kind=kind, about="a", message="m", facts=facts)


def test_events_and_the_messages_that_came_of_them_are_counted() -> None:
    metrics = Metrics()
    metrics.accept(event(Kind.PROMISE_BROKEN, Severity.CRITICAL))
    metrics.accept(event(Kind.ALERTED, severity_of_it="x"))
    metrics.accept(
        Event(severity=Severity.INFO, kind=Kind.ALERTED, about="a", message="m", facts={"severity": "critical"})
    )
    seen = scraped(metrics)
    assert value(seen, "marathon_events_total", kind="promise broken", severity="critical") == 1
    assert value(seen, "marathon_events_total", kind="alerted", severity="info") == 2
    assert value(seen, "marathon_alerts_total", severity="critical") == 1
    assert value(seen, "marathon_alerts_total", severity="other") == 1


def test_leftovers_are_shown_until_nothing_is_left() -> None:
    metrics = Metrics()
    shown = [value(scraped(metrics), "marathon_leftovers")]
    for over in (False, False, True):
        metrics.accept(event(Kind.LEFTOVERS, Severity.WARNING).model_copy(update={"over": over}))
        shown.append(value(scraped(metrics), "marathon_leftovers"))
    assert shown == [0, 1, 1, 0]


def a_round(**workers: int) -> Round:
    return Round(0, 1, 0, Phase.WORKLOAD, {fleet: Doing(workers=count) for fleet, count in workers.items()})


def test_workers_are_those_of_the_newest_round_of_the_run_under_way() -> None:
    metrics = Metrics()
    shown = [value(scraped(metrics), "marathon_workers")]
    for round_ in (a_round(writers=7), a_round(writers=6, readers=3), a_round()):
        metrics.round(round_, ())
        shown.append(value(scraped(metrics), "marathon_workers"))
    assert shown == [0, 7, 9, 0]


def test_a_run_that_has_ended_has_no_workers_though_its_last_round_was_never_told() -> None:
    metrics = Metrics()
    metrics.round(a_round(writers=7), ())
    metrics.finished(Ended.told(sample.report(), "staging"))
    assert value(scraped(metrics), "marathon_workers") == 0


def test_what_is_running_is_told() -> None:
    (labels,) = [dict(labels) for name, labels in scraped(Metrics()) if name == "marathon_build_info"]
    assert labels.keys() == {"version", "python"}


def test_a_label_takes_no_more_than_so_many_values() -> None:
    metrics = Metrics()
    for number in range(250):
        metrics.accept(event(f"kind {number}"))
    told = {labels: count for (name, labels), count in scraped(metrics).items() if name == "marathon_events_total"}
    seen = {labels: count for labels, count in told.items() if count}
    assert len(seen) == 101
    assert seen[("kind", "other"), ("severity", "info")] == 150


def test_what_a_rule_waits_for_is_there_from_the_start() -> None:
    labels = (("kind", "often interrupted"), ("severity", "warning"))
    assert scraped(Metrics())["marathon_events_total", labels] == 0  # else its first event is no increase


def test_two_controllers_count_for_themselves() -> None:
    one, other = Metrics(), Metrics()
    one.round(a_round(writers=1), ())
    assert value(scraped(other), "marathon_workers") == 0


def test_a_port_that_is_taken_is_told_in_one_line() -> None:
    with (
        Page(Metrics(), port=0) as page,
        pytest.raises(UsageError, match=rf"^metrics 127\.0\.0\.1:{page.port}: .*in use$"),
    ):
        Page(Metrics(), port=page.port)


@pytest.mark.parametrize(("address", "port"), [("203.0.113.1", 0), ("127.0.0.1", 70_000), ("no such host", 0)])
def test_an_address_that_cannot_be_had_is_told_in_one_line(address: str, port: int) -> None:
    with pytest.raises(UsageError, match=rf"^metrics {address}:{port}: [^\n]+$"):
        Page(Metrics(), address, port)


def test_a_port_is_free_again_when_the_page_is_closed() -> None:
    with Page(Metrics(), port=0) as page:
        port = page.port
    with Page(Metrics(), port=port) as again:
        assert again.port == port
