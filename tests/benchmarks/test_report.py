"""The report: targets are judged by the median, and the text says how."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from benchmarks import report
from benchmarks.figures import Figures
from benchmarks.job import Sample
from benchmarks.suite import PARTITIONS, PRODUCING, READING, SIZES, WIDE, producing, reading


def figures(micros: Mapping[str, float]) -> Figures:
    """Every client takes 1 µs a record, but those named here."""

    def samples(client: str) -> tuple[Sample, ...]:
        cost = micros.get(client, 1.0)
        return tuple(Sample(records=1_000_000, cpu=cost * part, wall=1.0, peak=1 << 28) for part in (0.9, 1.0, 1.1))

    tables = {producing(size, idempotent=how): clients for size in SIZES for how, clients in PRODUCING.items()}
    tables |= {reading(size): READING for size in SIZES}
    tables[WIDE] = tuple(map(str, PARTITIONS))
    return Figures({}, (1.0,), {name: {one: samples(one) for one in clients} for name, clients in tables.items()})


def unmet(micros: Mapping[str, float]) -> set[str]:
    return {target.name for target in report.targets(figures(micros)) if not target.met}


def test_a_cheap_client_meets_all_targets() -> None:
    assert unmet({"ours produce": 0.4, "ours read": 0.4}) == set()


def test_a_client_that_is_cheap_but_not_cheaper_than_its_peer_fails_the_ratios_alone() -> None:
    failed = unmet({"ours produce": 0.4, "ours read": 0.3, "confluent produce_batch": 0.4, "confluent consume": 0.3})
    assert len(failed) == 6
    assert all(" / " in name for name in failed)


def test_a_thousand_partitions_may_cost_twice_what_one_costs_and_no_more() -> None:
    cheap = {"ours produce": 0.4, "ours read": 0.4}
    assert unmet({**cheap, "1000": 2.0}) == set()
    assert unmet({**cheap, "1000": 2.1}) == {"produce: 1000 partitions / one"}


def test_the_report_names_every_client_and_marks_what_is_not_met(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("README", "FIGURES", "VOLUME", "RUNS", "THOUSAND", "LOSSES", "INTERRUPTIONS"):
        monkeypatch.setattr(report, name, tmp_path / name)
    figures({"ours produce": 0.55, "ours read": 0.4}).save(tmp_path / "FIGURES")
    report.write()
    text = (tmp_path / "README").read_text()
    assert all(name in text for name in report.NAMES.values())
    assert text.count("**not met**") == 2
    assert text.count("Not measured yet") == 5
