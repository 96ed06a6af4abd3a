"""A folder that goes with its maker, whatever becomes of it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
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


LATE = """
import sys, time
from pathlib import Path

folder, made, end = map(Path, sys.argv[1:])
with (folder / "log").open("w"):
    while folder.exists():
        time.sleep(0.01)
    (folder / "late").mkdir(parents=True)
    made.touch()
    deadline = time.monotonic() + 30
    while not end.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
"""


def test_it_goes_again_where_somebody_who_came_late_makes_it_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, made, end = (tmp_path / name for name in ("place", "made", "end"))
    monkeypatch.setenv("RAY_TMPDIR", str(place))
    with subprocess.Popen([sys.executable, "-c", MAKER], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as maker:
        assert maker.stdout is not None
        folder = maker.stdout.readline().decode().strip()
        (keeper,) = psutil.Process(maker.pid).children()
        with subprocess.Popen([sys.executable, "-c", LATE, folder, str(made), str(end)]) as late:
            deadline = time.monotonic() + 20
            while not Path(folder, "log").exists():
                assert time.monotonic() < deadline
            maker.kill()
            while not made.exists() or Path(folder).exists():
                assert time.monotonic() < deadline
            assert keeper.is_running()
            end.touch()
        assert late.returncode == 0
    psutil.wait_procs([keeper], timeout=20)
    assert list(place.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT, signal.SIGTERM])
def test_it_goes_also_when_a_signal_to_all_of_a_service_or_of_a_terminal_came_before(
    number: signal.Signals, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))
    bears = f"import signal; signal.signal({int(number)}, lambda *_: None)"  # as a run bears a first one
    with subprocess.Popen(
        [sys.executable, "-c", f"{bears}{MAKER}"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    ) as maker:
        assert maker.stdout is not None
        folder = Path(maker.stdout.readline().decode().strip())
        (keeper,) = psutil.Process(maker.pid).children()
        deadline = time.monotonic() + 20
        while not (waits := keeper.children()):  # it has come to that
            assert time.monotonic() < deadline
        assert {os.getpgid(each.pid) for each in (keeper, *waits)} == {keeper.pid}  # a terminal's are not for it
        for each in (maker.pid, keeper.pid, *(each.pid for each in waits)):
            os.kill(each, number)
        with pytest.raises(psutil.TimeoutExpired):
            keeper.wait(0.5)
        assert folder.exists()
        os.killpg(maker.pid, signal.SIGKILL)
    psutil.wait_procs([keeper], timeout=20)
    assert list(tmp_path.iterdir()) == []
