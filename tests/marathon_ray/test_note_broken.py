"""What a run has found so far is on the disk, for whoever comes after its process has died."""

from pathlib import Path
from typing import Any, cast

from marathon_ray.journal import Journal, read
from marathon_ray.running import Desk


def test_each_change_of_the_broken_promises_is_written_down_once(tmp_path: Path) -> None:
    nobody = cast(Any, None)
    with Journal(tmp_path / "journal.jsonl") as journal:
        desk = Desk(nobody, nobody, tmp_path, journal, nobody, nobody, nobody, nobody, nobody, 0)
        for broken in ({}, {"A": "1 lost"}, {"A": "2 lost"}, {"A": "2 lost", "B": "1 lost"}, {}):
            desk._note_broken(broken)
    assert [entry["promises"] for entry in read(tmp_path / "journal.jsonl")] == [
        {"A": "1 lost"},
        {"A": "2 lost", "B": "1 lost"},
        {},
    ]
