"""The summary says in a few lines what a person in a hurry needs."""

import io

from rich.console import Console

from marathon_ray.outcome import Outcome
from marathon_ray.report.report import Report
from marathon_ray.report.summary import summary
from tests.marathon_ray.report import sample


def told(report: Report, page: str = "") -> list[str]:
    console = Console(file=io.StringIO(), width=250)
    console.print(summary(report, page=page))
    out = console.file
    assert isinstance(out, io.StringIO)
    return [line.rstrip() for line in out.getvalue().splitlines()]


def test_a_passed_run_has_its_sums_and_what_was_found_of_each_promise_beside_what_was_promised() -> None:
    assert told(sample.report(), "results/x/report.html") == [
        (
            "kill-leader   PASSED   17,402,806 acknowledged   17,402,806 found   0 lost   0 doubled   0 out of order"
            "   312 outcomes unknown, 298 of them found"
        ),
        (
            "  kept   Integrity(orders)       17,402,806 acknowledged, 17,402,806 found, 0 lost, 0 doubled, 0 out of order"
            " (promised all there, once and in order)"
        ),
        "  kept   WritableAgain(orders)   every partition writable again in 3.4 s (promised 60 s)",
        (  # a promise of a user's own may have no short words
            "  kept   KeepsRate(writers)      99.8 % of 17,000,000 records"
            " (demanded: at least 95 % of what was offered, outside faults)"
        ),
        "  node-hours 0.05 spot, which cost 0.0015 EUR",
        "report   results/x/report.html",
    ]


def test_a_failed_run_says_what_was_demanded_and_the_first_findings() -> None:
    lines = told(sample.report(Outcome.FAILED, findings_beyond=10))
    assert "840 lost" in lines[0]
    assert lines[1].startswith("  broken   Integrity(orders)")
    assert "(demanded: every acknowledged record of orders is there, once and in order)" in lines[1]
    assert lines[4] == (
        "  lost: 12 in orders 0, sequences 0 to 11 of client feed0000beef0000, offsets 0 to 11, 2026-03-01 08:01:04 UTC"
    )
    assert sum(line.startswith(("  lost:", "  gone:")) for line in lines) == 5
    assert lines[-2] == "  and 75 findings more"


def test_a_skipped_run_says_why_and_has_no_sums() -> None:
    lines = told(
        sample.report(
            Outcome.SKIPPED,
            totals={},
            verdicts=(),
            cause="nobody may kill",
            others=("and it rained",),
            node_hours={},
            cost={},
        )
    )
    assert lines == [
        "kill-leader   SKIPPED   The scenario does not fit the cluster. Nothing was created.",
        "  nobody may kill",
        "  and it rained",
    ]


def test_hours_of_nodes_are_told_where_they_differ_or_cost() -> None:
    hours = {"on-demand": 0.5, "spot": 12.0, "unknown": 0.25}
    assert told(sample.report(node_hours=hours, cost={}))[-1] == "  node-hours 0.50 on-demand, 12.00 spot, 0.25 unknown"
    assert "which cost 1.50 EUR, 0.25 USD" in told(sample.report(node_hours=hours, cost={"USD": 0.25, "EUR": 1.5}))[-1]
    assert "0.25 unknown, which cost" in told(sample.report(node_hours={"unknown": 0.25}))[-1]
    assert "node-hours" not in told(sample.report(node_hours={"unknown": 0.25}, cost={}))[-1]


def test_what_was_not_audited_is_never_passed_over() -> None:
    counts = {**sample.report().totals["orders"], "found": 17_402_800, "unaudited": 6}
    assert "6 unaudited" in told(sample.report(totals={"orders": counts}))[0]
