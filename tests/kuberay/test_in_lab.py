"""Our manifests really run: a real API server, the real operator, a real Ray and Kafka, and pods that are processes.

There is no container engine: a pod is a group of processes in namespaces, on a bridge that nobody outside can reach. What
no image, no node and no cloud is needed for is so tried as it is: the commands of head, workers and submitter, probes,
rights, names, volumes, how a pod leaves, and what the run makes of it.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.kuberay.lab.image import MARK
from tests.kuberay.operator import REASON, operator
from tests.kuberay.schema import definitions

pytestmark = [pytest.mark.on_kubernetes, pytest.mark.on_kafka, pytest.mark.on_ray]
STORY = Path(__file__).with_name("lab") / "story.py"
# A shell is the first process in there: it waits for orphans, without which no namespace within comes to its end.
ALONE = [
    "unshare", "--net", "--mount", "--propagation=private", "--pid", "--ipc", "--uts", "--fork", "--mount-proc", "--kill-child",
    "sh", "-c", '"$@"; exit $?', "lab",
]  # fmt: skip
_SECONDS = 1500


def missing() -> str:
    """Why there can be no lab here; empty if there can."""
    if not operator():
        return REASON
    if sys.platform != "linux" or os.geteuid() or subprocess.run([*ALONE, "true"], capture_output=True).returncode:
        return "no namespaces can be made here: that takes Linux, and root"
    if len({Path(path).stat().st_dev for path in ("/", STORY, sys.prefix, sys.base_prefix)}) > 1:
        return "a pod sees the file system of / alone, and not all that it needs is on it"
    return ""


def left(mark: str) -> list[str]:
    """Processes that were started in the lab."""
    found = []
    for each in Path("/proc").glob("[0-9]*"):
        try:
            if f"{MARK}={mark}".encode() in (each / "environ").read_bytes().split(b"\0"):
                found.append((each / "cmdline").read_text())
        except OSError:
            continue  # it has ended
    return found


def outside() -> list[str]:
    """What of mounts, networks and namespaces this machine has."""
    return [
        Path("/proc/self/mounts").read_text(),
        *sorted(
            str(path) for folder in ("/sys/class/net", "/run/netns", "/run/lab") for path in Path(folder).glob("*")
        ),
    ]


def test_a_run_on_our_manifests_outlives_its_pods_and_nothing_is_left(tmp_path: Path) -> None:
    if why := missing():
        pytest.skip(why)
    definitions()
    before = outside()
    mark = str(tmp_path)
    command = [
        *ALONE,
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "no:cacheprovider",
        f"--basetemp={tmp_path / 'in'}",
        str(STORY),
    ]
    done = subprocess.run(command, env=os.environ | {MARK: mark}, capture_output=True, text=True, timeout=_SECONDS)
    assert done.returncode == 0, done.stdout[-20000:] + done.stderr[-2000:]
    assert "passed" in done.stdout
    assert left(mark) == []
    assert outside() == before
