"""Whole runs: what is read out of a run's own lines, how costs add up, and which targets are met."""

import json
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import psutil
import pytest

from benchmarks import runs_report
from benchmarks.idle import sizes
from benchmarks.job import Sample
from benchmarks.ray_head import RayHead, between
from benchmarks.runs import PACES, PEERS, PLANE, RunFigures, costs
from benchmarks.whole import Heard, Used, Whole, busy, first_acknowledged, used


def line(since: float, until: float, phase: str, *, cpu: float = 0.02, acks: tuple[str, ...] = ()) -> dict[str, Any]:
    """A second in which 1000 records were written, and read by both passes."""
    fleets = {
        "writers": {"cpu": 0.2, "counts": {"acknowledged": 1000}},
        "auditors": {"cpu": 0.5, "counts": {"read": 2000}},
    }
    return {"since": since, "until": until, "phase": phase, "cpu": cpu, "acks": list(acks), "fleets": fleets}


def test_only_rounds_of_the_workload_count_and_not_the_one_in_which_it_began() -> None:
    rounds = [line(0, 1, "warmup", cpu=9), line(1, 2, "workload", cpu=9)]
    rounds += [line(2, 3, "workload"), line(3, 4.5, "workload"), line(4.5, 5, "drain", cpu=9)]
    told = used(rounds)
    assert told["driver"] == Used(0.04, 2.5, 2000)
    assert [told[name].micros for name in ("writers", "auditors")] == pytest.approx([200, 500])
    assert told["driver"].share == pytest.approx(1.6)
    assert "readers" not in told


def test_a_run_whose_workload_was_not_seen_says_nothing() -> None:
    with pytest.raises(ValueError, match="no two rounds"):
        used([line(0, 1, "workload"), line(1, 2, "drain")])


def test_the_first_acknowledgement_is_that_of_the_first_round_that_has_one() -> None:
    rounds = [line(0, 1, "prepare"), line(1, 2, "prepare", acks=("1970-01-01T00:01:07.250+00:00", "later"))]
    rounds += [line(2, 3, "workload", acks=("1970-01-01T00:01:08.000+00:00", "later"))]
    assert first_acknowledged(rounds, began=60.0) == pytest.approx(7.25)
    with pytest.raises(ValueError, match="no record"):
        first_acknowledged(rounds[:1], began=60.0)


def test_what_a_process_used_before_does_not_count_and_a_new_one_counts_whole() -> None:
    assert between({1: 5.0, 2: 1.0}, {1: 5.5, 3: 0.25}) == pytest.approx(0.75)


def test_a_machine_is_busy_with_whatever_it_does_until_the_first_acknowledgement_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    since = SimpleNamespace(user=5, nice=1, system=1, irq=0, softirq=0, steal=1, idle=90, iowait=2, guest=3)
    until = SimpleNamespace(user=7, nice=2, system=2, irq=1, softirq=1, steal=2, idle=92, iowait=3, guest=9)
    assert busy(since, until) == pytest.approx(7 / 10)
    monkeypatch.setattr(psutil, "cpu_times", lambda: until)
    heard = Heard(since=since)
    for acks, seen in ((), 0.0), (("now", "now"), 0.7), (("now", "now"), 0.7):
        heard.take(json.dumps(line(0, 1, "prepare", acks=acks)), cast(RayHead, None))
        assert heard.busy == pytest.approx(seen)
        if seen:
            until.user = 99


def test_the_size_of_a_seat() -> None:
    assert sizes("00-ff ---p 00:00 0 [rollup]\nRss:   150 kB\nPss:  99 kB\nPss_Anon: 3 kB\n") == (153_600, 101_376)
    with pytest.raises(ValueError, match="Pss"):
        sizes("Rss:   150 kB\n")


def test_parts_that_handled_different_numbers_of_records_add_up_by_what_each_costs() -> None:
    run = {"driver": Used(1, 10, 1000), "writers": Used(2, 10, 1000), "auditors": Used(2, 10, 500)}
    samples = tuple(Sample(records=1000, cpu=cpu, wall=10, peak=1) for cpu in (2.0, 3.0))
    told = costs("paced", Whole({**run, "Ray itself": Used(4, 10, 1000)}, 5.0), samples, samples)
    assert told["paced: run"] == pytest.approx(7000)
    assert told["paced: run / plane"] == pytest.approx(1.4)
    assert told["paced: Ray itself, share"] == pytest.approx(40)


def figures(**changed: float) -> RunFigures:
    """Everything is 1, but what is named here."""
    names = [f"{pace}: {name}" for pace in PACES for name in ("run", "plane", "peers", "run / plane", "run / peers")]
    names += [
        f"{pace}: {name}" for pace in PACES for name in (*PLANE, *PEERS, "Ray itself", "first record", "busy until it")
    ]
    names += [f"{pace}: run, {name}" for pace in PACES for name in ("driver", "writers", "auditors")]
    names += [f"eight: {name}, share" for name in ("driver", "writers", "readers", "auditors", "Ray itself")]
    names += ["eight: first record", "eight: busy until it", "idle seat: RSS", "idle seat: PSS", "working seat: RSS"]
    values: Mapping[str, float] = {**dict.fromkeys(names, 1.0), **changed}
    return RunFigures({"date": "today"}, (1.0, 2.0), {name: (value, value) for name, value in values.items()})


@pytest.mark.parametrize(
    ("name", "kept", "missed"),
    [
        ("paced: run / plane", 1.3, 1.31),
        ("unlimited: run / plane", 1.3, 1.31),
        ("eight: driver, share", 3.0, 3.1),
        ("idle seat: RSS", 200.0, 201.0),
        ("eight: first record", 8.0, 8.1),
        ("paced: first record", 8.0, 8.1),
    ],
)
def test_each_target_has_its_limit(name: str, kept: float, missed: float) -> None:
    assert all(target.met for target in runs_report.targets(figures(**{name: kept})))
    assert sum(not target.met for target in runs_report.targets(figures(**{name: missed}))) == 1


def test_the_part_of_the_report_can_be_written_and_figures_come_back_as_they_were(tmp_path: Path) -> None:
    mine = figures()
    mine.save(tmp_path / "runs.json")
    assert RunFigures.load(tmp_path / "runs.json") == mine
    text = "\n".join(runs_report.lines(mine))
    assert "Ray's own processes" in text
    assert "load average before the measurements: 1.0 to 2.0" in text
