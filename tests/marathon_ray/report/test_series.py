"""What rounds measured is in the series, value by value, and silent partitions are found however rounds are cut."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.bucketing import bucket
from actors.latency import empty
from marathon_ray.report.gaps import FLOOR, Gaps
from marathon_ray.report.measured import POINTS, Line, measured
from marathon_ray.report.series import ROUNDS, SILENT, Series, values
from marathon_ray.round import ACKS, Doing, Phase, Round
from tests.marathon_ray.report import sample

BEGAN = 1_700_000_000_000_000_000


def round_of(since: float, until: float, acks: list[tuple[int, float]] = []) -> Round:  # noqa: B006 - only read
    """`acks`: partition and seconds since the begin, one acknowledgement each."""
    at = [BEGAN + int(seconds * 1e9) for _, seconds in acks]
    rows = np.array([(0, partition, when, when, 1) for (partition, _), when in zip(acks, at, strict=True)], ACKS)
    return Round(since, until, BEGAN + int(until * 1e9), Phase.WORKLOAD, acks=rows)


def silences(rounds: list[Round], partitions: int = 0) -> list[tuple[int, float, float]]:
    gaps = Gaps()
    for each in rounds:
        gaps.step(each)
    rows = gaps.finish({0: partitions} if partitions else {})
    return [(int(row["partition"]), round(row["since"], 3), round(row["until"], 3)) for row in rows]


def test_every_value_of_every_round_reads_back(tmp_path: Path) -> None:
    sample.measure(tmp_path, 30)
    table = pq.read_table(tmp_path / ROUNDS)
    expected = [
        (each.since, each.until, str(each.phase), *value) for each in sample.rounds(30) for value in values(each)
    ]
    assert [tuple(row.values()) for row in table.to_pylist()] == expected


def test_percentiles_are_of_the_merged_histogram() -> None:
    counts = empty()
    counts[bucket(100)], counts[bucket(10_000)] = 90, 10
    told = {
        name: value
        for _, name, value in values(Round(0, 1, 0, Phase.WORKLOAD, {"w": Doing(latencies={"response": counts})}))
    }
    assert told["response p50"] == told["response p90"] == 100
    assert 10_000 <= told["response p99"] <= told["response max"] <= 10_000 * 65 / 64


def test_a_limitless_fleet_is_offered_nothing_that_could_be_drawn() -> None:
    names = {name for _, name, _ in values(Round(0, 1, 0, Phase.WORKLOAD, {"w": Doing(offered=-1)}))}
    assert "offered" not in names
    assert {"workers", "wanted", "busiest"} <= names


def test_a_partition_is_silent_from_its_last_acknowledgement_to_the_next() -> None:
    rounds = [round_of(0, 1, [(0, 0.5), (1, 0.5)]), round_of(1, 2, [(0, 1.4)]), round_of(2, 5, [(0, 2.2), (1, 4.0)])]
    assert silences([*rounds, round_of(5, 6, [(0, 5.1), (1, 5.2)])]) == [(0, 2.2, 5.1), (1, 0.5, 4.0), (1, 4.0, 5.2)]


def test_a_partition_that_never_takes_writes_again_is_silent_to_the_end() -> None:
    rounds = [
        round_of(0, 1, [(0, 0.5), (1, 0.5)]),
        round_of(1, 2, [(0, 1.4)]),
        round_of(2, 3, [(0, 2.3)]),
        round_of(3, 9),
    ]
    assert silences(rounds) == [(0, 2.3, 9.0), (1, 0.5, 9.0)]


def test_a_partition_that_never_took_a_write_is_silent_from_the_topics_first_one() -> None:
    rounds = [round_of(number, number + 1, [(0, number + 0.25)]) for number in range(4)]
    assert silences(rounds) == [(0, 0.25, 1.25), (0, 1.25, 2.25), (0, 2.25, 3.25)]
    assert (1, 0.25, 4.0) in silences(rounds, partitions=2)


def test_nobody_is_silent_once_all_have_stopped_writing() -> None:
    rounds = [round_of(0, 1, [(0, 0.9), (1, 0.8)]), replace(round_of(1, 9, [(0, 1.1), (1, 1.2)]), phase=Phase.DRAIN)]
    assert silences(rounds) == []
    assert silences([*rounds, replace(round_of(9, 10, [(0, 9.5)]), phase=Phase.DRAIN)]) == [
        (0, 1.1, 9.5),
        (1, 1.2, 9.5),
    ]


@given(st.sets(st.tuples(st.integers(0, 2), st.integers(0, 99)), min_size=1))
def test_every_silence_is_found_and_nothing_else(acks: set[tuple[int, int]]) -> None:
    """In tenths of a second, each a round of its own."""
    rounds = [
        round_of(at / 10, at / 10 + 0.1, [(p, at / 10 + 0.05) for p, when in acks if when == at]) for at in range(100)
    ]
    first, last = min(when for _, when in acks) / 10 + 0.05, 10.0
    expected = []
    for partition in range(max(partition for partition, _ in acks) + 1):
        times = [first, *sorted(when / 10 + 0.05 for each, when in acks if each == partition), last]
        expected += [(partition, round(a, 3), round(b, 3)) for a, b in pairwise(times) if b - a > FLOOR - 1e-6]
    assert [found for found in silences(rounds) if found[2] - found[1] > FLOOR + 0.01] == [
        one for one in expected if one[2] - one[1] > FLOOR + 0.01
    ]


def test_the_series_of_hours_stay_small(tmp_path: Path) -> None:
    series, doing = Series(), Doing(4, 4, 1000, dict.fromkeys("abcdefghij", 7))
    for second in range(18_000):
        series.add(Round(second, second + 1, BEGAN + second * 10**9, Phase.WORKLOAD, {"w": doing}, unaudited=second))
    series.write(tmp_path)
    assert (tmp_path / ROUNDS).stat().st_size < 1_500_000
    line = measured(tmp_path).lines["", "unaudited"]
    assert line.value.tolist() == list(range(18_000))
    assert len(line.drawn("worst")[0]) <= POINTS


def test_silences_read_back_with_the_sizes_of_topics(tmp_path: Path) -> None:
    sample.measure(tmp_path)
    silence = measured(tmp_path).silences["orders"]
    assert silence.partitions == sample.PARTITIONS
    assert sorted(set(silence.partition.tolist())) == [1, 4, 7, 10]
    assert silence.since == pytest.approx(59.98)
    assert silence.until == pytest.approx(64.02)
    assert sorted(path.name for path in tmp_path.iterdir()) == [ROUNDS, SILENT]


def test_a_run_without_series_has_no_lines(tmp_path: Path) -> None:
    assert not measured(tmp_path).lines


def test_what_is_drawn_of_many_rounds_keeps_rate_and_worst() -> None:
    rounds = POINTS * 3
    until = np.arange(1.0, rounds + 1)
    value = np.full(rounds, 10.0)
    value[100] = 1_000
    line = Line(until - 1, until, value)
    times, rates = line.drawn("rate")
    assert len(times) == POINTS
    assert rates[0] == 10
    assert rates.sum() * 3 == value.sum()
    assert line.drawn("worst")[1].max() == 1_000
    assert line.drawn("last")[0][-1] == until[-1]


def test_a_round_that_was_called_early_tells_no_rate_of_its_own() -> None:
    until = np.array([1.0, 2.0, 2.1, 3.1, 3.2])
    line = Line(np.array([0.0, 1.0, 2.0, 2.1, 3.1]), until, np.array([10.0, 10.0, 100.0, 10.0, 22.0]))
    times, rates = line.drawn("rate")
    assert times.tolist() == [1.0, 2.0, 3.2]
    assert rates.tolist() == pytest.approx([10, 10, 110])
    assert line.drawn("worst")[1].tolist() == [10, 10, 100]
