"""Undoing what dead runs have left: one cluster that is gone for good keeps nobody from the others."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from marathon_ray.clusters import Opened
from marathon_ray.journal import Journal, Thing, left, read
from marathon_ray.kafka.cluster import KafkaError
from marathon_ray.reclaim import reclaim
from tests.marathon_ray.faults.test_broker import Nodes


def dead_run(results: Path, run: str, cluster: str) -> Path:
    path = results / f"kill-leader-{run}" / "journal.jsonl"
    with Journal(path) as journal:
        journal.write("begin", run=run, bench="bench", pid=1, started=-1, host="elsewhere", cluster=cluster)
        journal.intend(Thing("cluster", cluster), ours=cluster == "there")
    return path


def test_a_cluster_that_is_gone_keeps_nobody_from_what_is_left_elsewhere(tmp_path: Path) -> None:
    def opened(text: str) -> Opened:
        raise KafkaError(f"cluster {text} is none")

    gone, there = dead_run(tmp_path, "00000001", "gone"), dead_run(tmp_path, "00000002", "there")
    told: list[str] = []
    with pytest.raises(KafkaError, match="cluster gone is none"):
        reclaim(tmp_path, opened, told.append, dead=lambda _: True)
    assert [bool(left(read(path))) for path in (gone, there)] == [True, False]


@dataclass
class Upgradable(Nodes):
    """Runs these releases."""

    runs: set[str] = field(default_factory=set)

    def releases(self) -> set[str]:
        return self.runs


@pytest.mark.parametrize(
    ("runs", "told"),
    [({"4.2.1", "4.3.1"}, ["its brokers run Kafka 4.2.1 and 4.3.1: rolling-upgrade would go on where it was"]), ({"4.3.1"}, [])],
)  # fmt: skip
def test_who_died_in_an_upgrade_leaves_no_broker_down_and_what_they_run_is_told(
    tmp_path: Path, runs: set[str], told: list[str]
) -> None:
    path = dead_run(tmp_path, "00000001", "theirs")
    with Journal(path) as journal:
        for fault in ("Upgrade", "Finalize"):
            journal.intend(Thing("fault", f"0 {fault}"), fault=fault, nodes=[2], at_most=600.0)
    cluster = Upgradable(states={1: "up", 2: "down", 3: "up"}, runs=runs)
    opened = Opened("theirs", ours=False, cluster=cluster, begin=lambda: None, end=lambda: None)
    heard: list[str] = []
    assert reclaim(tmp_path, lambda _: opened, heard.append, dead=lambda _: True) == 1
    assert heard == ["kill-leader-00000001: 3 things are left", "0 Finalize", "0 Upgrade", *told]
    assert (cluster.done, left(read(path))) == ([("start", 2)], {})
