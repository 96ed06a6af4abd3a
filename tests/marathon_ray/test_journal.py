"""The write-ahead record, and what it says is left."""

from pathlib import Path

import pytest

from marathon_ray.journal import NAME, Journal, Thing, left, read

ORDERS, LIVE = Thing("topic", "m-bench-00000001-orders"), Thing("group", "m-bench-00000001-live")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run" / NAME


def test_what_was_intended_and_not_undone_is_left_newest_first(path: Path) -> None:
    with Journal(path) as journal:
        journal.write("begin", run="00000001")
        journal.intend(ORDERS)
        journal.intend(LIVE, members=3)
        journal.intend(Thing("fault", "1"))
        journal.undone(Thing("fault", "1"))
    found = left(read(path))
    assert list(found) == [LIVE, ORDERS]
    assert found[LIVE]["members"] == 3


def test_a_journal_goes_on_where_it_was(path: Path) -> None:
    with Journal(path) as journal:
        journal.intend(ORDERS)
    with Journal(path) as journal:
        journal.undone(ORDERS)
    assert left(read(path)) == {}


def test_a_line_that_was_cut_short_announced_nothing_that_was_begun(path: Path) -> None:
    with Journal(path) as journal:
        journal.intend(ORDERS)
        journal.intend(LIVE)
    path.write_bytes(path.read_bytes()[:-5])
    assert list(left(read(path))) == [ORDERS]


def test_every_entry_says_when(path: Path) -> None:
    with Journal(path) as journal:
        journal.write("phase", phase="warmup")
    (entry,) = read(path)
    assert entry["at"].endswith("+00:00")
