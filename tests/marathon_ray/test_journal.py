"""The write-ahead record, and what it says is left."""

import errno
from io import FileIO
from pathlib import Path
from typing import Any

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


@pytest.mark.parametrize("ours", [True, False])
def test_with_a_cluster_that_was_made_for_it_goes_all_that_was_on_it(path: Path, ours: bool) -> None:
    cluster = Thing("cluster", "local-1")
    with Journal(path) as journal:
        journal.intend(cluster, ours=ours)
        journal.intend(ORDERS)
        journal.undone(cluster)
    assert list(left(read(path))) == ([] if ours else [ORDERS])


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


class Full:
    """A file on a disk that has room for so many bytes more: it takes a part of what it is given, and no more after that."""

    def __init__(self, file: FileIO, room: int) -> None:
        self._file, self.room = file, room

    def write(self, line: bytes) -> int:
        taken = line[: self.room]
        if line and not taken:
            raise OSError(errno.ENOSPC, "No space left on device")
        self.room -= len(taken)
        return self._file.write(taken)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def test_a_disk_that_is_full_is_told_and_leaves_no_half_line_before_the_next(path: Path) -> None:
    with Journal(path) as journal:
        journal.intend(ORDERS)
        whole = journal._file
        journal._file = Full(whole, 20)  # type: ignore[assignment]
        with pytest.raises(OSError, match="No space left"):
            journal.intend(LIVE)
        journal._file = whole
        journal.undone(ORDERS)
    assert [entry["what"] for entry in read(path)] == ["intend", "undone"]


def test_what_the_disk_takes_in_parts_is_one_line(path: Path) -> None:
    with Journal(path) as journal:
        whole = journal._file
        journal._file = Halves(whole)  # type: ignore[assignment]
        journal.intend(ORDERS)
    assert list(left(read(path))) == [ORDERS]


class Halves(Full):
    """A file that takes one half of what it is given at a time."""

    def __init__(self, file: FileIO) -> None:
        super().__init__(file, 0)

    def write(self, line: bytes) -> int:
        return self._file.write(line[: (len(line) + 1) // 2])
