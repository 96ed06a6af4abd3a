"""A node's data on disk."""

from pathlib import Path

import pytest

from marathon_ray.kafka import storage


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    path = tmp_path / "made-once"
    path.write_bytes(b"records")
    return path


def directories(tmp_path: Path) -> dict[str, str]:
    return {
        "node.id": "3",
        "log.dirs": f"{tmp_path}/a, {tmp_path}/b",
        "metadata.log.dir": f"{tmp_path}/m",
    }


def test_every_directory_is_marked_and_the_metadata_log_starts_from_the_checkpoint(
    tmp_path: Path, checkpoint: Path
) -> None:
    storage.format_node(directories(tmp_path), cluster_id="the-cluster", checkpoint=checkpoint)
    marks = [(tmp_path / name / "meta.properties").read_text().splitlines() for name in "abm"]
    assert all(mark[:3] == ["version=1", "cluster.id=the-cluster", "node.id=3"] for mark in marks)
    assert len({mark[3] for mark in marks}) == 3
    assert [(tmp_path / name / storage.CHECKPOINT).exists() for name in "abm"] == [False, False, True]


def test_a_wipe_leaves_nothing_but_the_vote_in_the_quorum(tmp_path: Path, checkpoint: Path) -> None:
    properties = directories(tmp_path)
    storage.format_node(properties, cluster_id="the-cluster", checkpoint=checkpoint)
    for name in ("a/t-0/0.log", "m/__cluster_metadata-0/quorum-state", "m/__cluster_metadata-0/0.log"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    storage.wipe_node(properties)
    left = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path != checkpoint}
    assert left == {"a", "b", "m", "m/__cluster_metadata-0", "m/__cluster_metadata-0/quorum-state"}


def test_segments_are_found_in_every_directory_oldest_first(tmp_path: Path) -> None:
    properties = directories(tmp_path)
    for name in ("b/orders-1/00000000000000000007.log", "b/orders-1/00000000000000000000.log", "a/orders-11/0.log"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = storage.segments(properties, "orders", partition=1)
    assert [path.name for path in found] == ["00000000000000000000.log", "00000000000000000007.log"]
    assert storage.segments(properties, "orders", partition=2) == []


def test_ids_are_as_kafka_writes_them() -> None:
    ids = {storage.new_uuid() for _ in range(100)}
    assert len(ids) == 100
    assert all(len(each) == 22 for each in ids)
