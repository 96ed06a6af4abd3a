"""Undoing what dead runs have left: one cluster that is gone for good keeps nobody from the others."""

from pathlib import Path

import pytest

from marathon_ray.clusters import Opened
from marathon_ray.journal import Journal, Thing, left, read
from marathon_ray.kafka.cluster import KafkaError
from marathon_ray.reclaim import reclaim


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
