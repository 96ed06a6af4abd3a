"""How many processors a process may use."""

import os
from pathlib import Path

import pytest

from actors.gauge import processors

_MINE = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


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
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"{text}\n")
    assert processors(tmp_path) == found
