"""Figures: ratios in pairs, and that nothing is lost on the way to a file."""

from pathlib import Path

import pytest

from benchmarks.figures import Figures, Spread
from benchmarks.job import Job, Sample


def sample(micros: float) -> Sample:
    return Sample(records=1_000_000, cpu=micros, wall=2.0, peak=1 << 20)


def figures(**series: dict[str, list[float]]) -> Figures:
    made = {
        name: {client: tuple(map(sample, values)) for client, values in clients.items()}
        for name, clients in series.items()
    }
    return Figures({"date": "today"}, (1.0, 3.0), made)


def test_a_ratio_is_taken_within_each_round_so_that_a_slow_round_weighs_on_both_sides() -> None:
    measured = figures(produce={"ours": [1.0, 10.0, 2.0], "theirs": [2.0, 20.0, 4.0]})
    assert measured.ratio(("produce", "ours"), ("produce", "theirs")) == Spread(0.5, 0.5, 0.5)


def test_a_ratio_of_series_with_different_numbers_of_rounds_is_refused() -> None:
    measured = figures(produce={"ours": [1.0, 1.0], "theirs": [1.0]})
    with pytest.raises(ValueError, match="shorter"):
        measured.ratio(("produce", "ours"), ("produce", "theirs"))


def test_a_spread_is_the_median_and_the_extremes() -> None:
    assert Spread.of([3.0, 1.0, 2.0]).text() == "2.00 (1.00 to 3.00)"


def test_figures_come_back_from_a_file_as_they_were(tmp_path: Path) -> None:
    measured = figures(produce={"ours": [1.0, 2.0]}, consume={"theirs": [3.0]})
    measured.save(tmp_path / "new folder" / "figures.json")
    assert Figures.load(tmp_path / "new folder" / "figures.json") == measured


def test_a_job_comes_back_from_its_text_as_it_was() -> None:
    job = Job(client="ours read", bootstrap="127.0.0.1:1", topic="t", records=5, size=100, properties={"a": "b"})
    assert Job.parse(job.text()) == job
