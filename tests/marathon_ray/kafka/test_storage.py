"""A node's data on disk."""

from pathlib import Path

import pytest

from marathon_ray.kafka import storage


@pytest.fixture
def template(tmp_path: Path) -> Path:
    """What the tool of some version made: a checkpoint somewhere below."""
    formatted = tmp_path / "formatted"
    (formatted / "__cluster_metadata-0").mkdir(parents=True)
    (formatted / "__cluster_metadata-0" / "0-0.checkpoint").write_bytes(b"records")
    (formatted / "meta.properties").write_text("node.id=1")
    storage.make_template(formatted, tmp_path / "template")
    return tmp_path / "template"


def directories(tmp_path: Path) -> dict[str, str]:
    return {
        "node.id": "3",
        "log.dirs": f"{tmp_path}/n/a, {tmp_path}/n/b",
        "metadata.log.dir": f"{tmp_path}/n/m",
    }


def test_every_directory_is_marked_and_the_metadata_log_starts_from_the_template(
    tmp_path: Path, template: Path
) -> None:
    storage.format_node(directories(tmp_path), cluster_id="the-cluster", template=template)
    marks = [(tmp_path / "n" / name / "meta.properties").read_text().splitlines() for name in "abm"]
    assert all(mark[:3] == ["version=1", "cluster.id=the-cluster", "node.id=3"] for mark in marks)
    assert len({mark[3] for mark in marks}) == 3
    checkpoints = [path.relative_to(tmp_path) for path in (tmp_path / "n").rglob("*.checkpoint")]
    assert checkpoints == [Path("n/m/__cluster_metadata-0/0-0.checkpoint")]


def test_a_wipe_leaves_nothing_but_the_vote_in_the_quorum(tmp_path: Path, template: Path) -> None:
    properties = directories(tmp_path)
    storage.format_node(properties, cluster_id="the-cluster", template=template)
    for name in ("a/t-0/0.log", "m/__cluster_metadata-0/quorum-state", "m/__cluster_metadata-0/0.log"):
        path = tmp_path / "n" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    storage.wipe_node(properties)
    left = {str(path.relative_to(tmp_path / "n")) for path in (tmp_path / "n").rglob("*")}
    assert left == {"a", "b", "m", "m/__cluster_metadata-0", "m/__cluster_metadata-0/quorum-state"}


def test_segments_are_found_in_every_directory_oldest_first(tmp_path: Path) -> None:
    properties = directories(tmp_path)
    for name in ("b/orders-1/00000000000000000007.log", "b/orders-1/00000000000000000000.log", "a/orders-11/0.log"):
        path = tmp_path / "n" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    found = storage.segments(properties, "orders", partition=1)
    assert [path.name for path in found] == ["00000000000000000000.log", "00000000000000000007.log"]
    assert storage.segments(properties, "orders", partition=2) == []


def test_ids_are_as_kafka_writes_them_and_never_look_like_an_option() -> None:
    ids = {storage.new_uuid() for _ in range(2000)}
    assert len(ids) == 2000
    assert all(len(each) == 22 and not each.startswith("-") for each in ids)
