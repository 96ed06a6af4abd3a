"""How many processors and how much memory a process may use, and what runs the machine."""

import os
from pathlib import Path

import pytest

from actors.gauge import Gauge, memory, processors
from actors.order import Host

_MINE = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
_MEMORY = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ({}, _MINE),
        ({"cpu.max": "max 100000"}, _MINE),
        ({"cpu.max": "50000 100000"}, 0.5),
        ({"cpu.max": "99900000 100000"}, _MINE),
        ({"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, _MINE),
        ({"cpu/cpu.cfs_quota_us": "75000", "cpu/cpu.cfs_period_us": "100000"}, 0.75),
    ],
)
def test_a_quota_bounds_what_a_process_may_use(tmp_path: Path, files: dict[str, str], found: float) -> None:
    written(tmp_path, files)
    assert processors(tmp_path) == found


def written(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(f"{text}\n")


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ({}, _MEMORY),
        ({"memory.max": "max"}, _MEMORY),
        ({"memory.max": "268435456"}, 268_435_456),
        ({"memory/memory.limit_in_bytes": "9223372036854771712"}, _MEMORY),
        ({"memory/memory.limit_in_bytes": "268435456"}, 268_435_456),
    ],
)
def test_a_limit_bounds_the_memory_that_there_is_for_a_process(
    tmp_path: Path, files: dict[str, str], found: int
) -> None:
    written(tmp_path, files)
    assert memory(tmp_path) == found


def test_a_host_tells_its_memory_and_its_kernel() -> None:
    host = Gauge(Host("n")).read()
    assert 0 < host.memory <= _MEMORY
    assert host.kernel == f"{os.uname().sysname} {os.uname().release}"
