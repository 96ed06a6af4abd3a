"""A report reads back as it was written, knows all its fields, and is what its published schema says."""

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from marathon_ray.balance import Balance
from marathon_ray.finding import Finding, FindingKind
from marathon_ray.news import Origin, told
from marathon_ray.outcome import Outcome
from marathon_ray.promises.promise import Verdict
from marathon_ray.report import facts
from marathon_ray.report.report import FINDINGS, NAME, Report
from marathon_ray.report.schema import schema
from tests.marathon_ray.report import sample

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("outcome", Outcome)
def test_a_report_reads_back_as_it_was_written(outcome: Outcome, tmp_path: Path) -> None:
    written = told(sample.report(outcome), Origin("kill-leader", "own", "local", (("down", "3 s"),)))
    assert written.events
    assert written.write(tmp_path) == tmp_path / NAME
    assert Report.read(tmp_path) == written
    assert [path.name for path in tmp_path.iterdir()] == [NAME]


def test_figures_without_bounds_read_back(tmp_path: Path) -> None:
    verdict = Verdict("A", "b", "c", "undecided", figures={"slowest": math.inf, "least": -math.inf})
    written = sample.report(verdicts=(verdict,))
    written.write(tmp_path)
    assert Report.read(tmp_path).verdicts == (verdict,)


@pytest.mark.parametrize(
    ("old", "new"), [('"seed"', '"seat"'), ('"version": 1', '"version": 2'), ('"safety"', '"safely"')]
)
def test_another_format_is_refused(tmp_path: Path, old: str, new: str) -> None:
    file = sample.report().write(tmp_path)
    file.write_text(file.read_text().replace(old, new))
    with pytest.raises(ValidationError):
        Report.read(tmp_path)


def test_the_published_schema_is_fresh() -> None:
    assert (ROOT / "docs" / "report.schema.json").read_text() == schema(), (
        "python -m marathon_ray.report.schema docs/report.schema.json"
    )


def test_partitions_add_up_under_their_topics_name() -> None:
    balance = Balance(
        {(0, 0): {"lost": 1, "found": 2}, (0, 1): {"found": 3}, (7, 0): {"found": 5}}, {"live": {(0, 0): {"owed": 1}}}
    )
    assert facts.totals(balance.places, {0: "orders"}) == {"orders": {"lost": 1, "found": 5}, "7": {"found": 5}}
    assert facts.groups(balance, {0: "orders"}) == {"live": {"orders": {"owed": 1}}}


def test_coverage_is_the_share_that_both_passes_came_to() -> None:
    assert facts.coverage(Balance({(0, 0): {"acknowledged": 80, "unaudited": 20}})) == 0.75
    assert facts.coverage(Balance({(0, 0): {"unknown": 3}})) is None


def test_a_finding_is_told_by_names_and_times_and_what_is_not_known_is_left_out() -> None:
    (found,), beyond = facts.findings(
        [
            Finding(
                kind=FindingKind.GONE, topic=3, client=0xAB, first=5, last=6, since=1_500_000_000_123_456_789, count=2
            )
        ],
        {3: "orders"},
    )
    assert (found.topic, found.client, found.first, found.last, beyond) == ("orders", "00000000000000ab", 5, 6, 0)
    assert found.since is not None
    assert found.since.isoformat() == "2017-07-14T02:40:00.123456+00:00"
    assert (found.partition, found.first_offset, found.until, found.epoch_now) == (None, None, None, None)


@given(st.lists(st.sampled_from(list(FindingKind)), max_size=12), st.integers(0, FINDINGS * 2))
def test_no_kind_of_finding_is_hidden_by_the_many_of_another(kinds: list[FindingKind], many: int) -> None:
    found = [Finding(kind=FindingKind.VANISHED, topic=0)] * many + [Finding(kind=kind, topic=0) for kind in kinds]
    kept, beyond = facts.findings(found, {})
    assert len(kept) + beyond == len(found)
    assert len(kept) == min(len(found), FINDINGS)
    assert {each.kind for each in kept} == {each.kind for each in found}
