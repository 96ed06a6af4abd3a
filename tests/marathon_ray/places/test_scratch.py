"""A folder that goes with its maker, whatever becomes of it."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from marathon_ray.places.scratch import scratch

MAKER = """
from marathon_ray.places.scratch import scratch

with scratch() as folder:
    (folder / "deep").mkdir()
    print(folder, flush=True)
    input()
"""


def test_it_is_there_as_long_as_it_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))
    with scratch() as folder:
        (folder / "file").write_text("words")
        assert folder.parent == tmp_path
    assert list(tmp_path.iterdir()) == []


def test_it_goes_when_its_maker_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))
    with subprocess.Popen([sys.executable, "-c", MAKER], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as maker:
        assert maker.stdout is not None
        folder = Path(maker.stdout.readline().decode().strip())
        assert (folder / "deep").exists()
        maker.kill()
    deadline = time.monotonic() + 20
    while list(tmp_path.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert list(tmp_path.iterdir()) == []
