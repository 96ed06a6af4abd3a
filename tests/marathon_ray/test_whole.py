"""What is on the disk, and when."""

import os
from pathlib import Path

import pytest

from marathon_ray.report import page
from marathon_ray.rotation.lease import Lease
from marathon_ray.whole import put
from tests.marathon_ray.report import sample


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, bool]]:
    """Each file or folder that was synced: its name, the text in it by then, and whether a file "it" was there."""
    seen = list[tuple[str, str, bool]]()

    def fsync(number: int) -> None:
        path = Path(f"/proc/self/fd/{number}").readlink()
        seen.append((path.name, path.read_text() if path.is_file() else "", path.with_name("it").exists()))

    monkeypatch.setattr(os, "fsync", fsync)
    return seen


def test_the_text_is_on_the_disk_before_its_name_and_then_the_name(
    tmp_path: Path, synced: list[tuple[str, str, bool]]
) -> None:
    put(tmp_path / "it", "all of it")
    assert synced == [("it.part", "all of it", False), (tmp_path.name, "", False)]
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("it", "all of it")]


def test_reports_and_leases_are_written_so(tmp_path: Path, synced: list[tuple[str, str, bool]]) -> None:
    sample.report().write(tmp_path)
    page.write(sample.report(), tmp_path)
    Lease(tmp_path, "one", "a").take()
    assert [name for name, text, _ in synced if text] == ["report.json.part", "report.html.part", "one.lease.part"]
