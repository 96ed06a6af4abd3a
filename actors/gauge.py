"""How busy this process and its machine are, by what the kernel tells every process."""

import os
import platform
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

from actors.order import Host
from actors.traffic import TRAFFIC

_STAT, _STATM, _GROUPS = Path("/proc/stat"), Path("/proc/self/statm"), Path("/sys/fs/cgroup")
_IDLE: Final = slice(3, 5)  # idle, and waiting for a disk
_TICKS: Final = slice(0, 8)  # what guests get is counted in these already


class Gauge:
    """Reads on behalf of one process; `place` says where that is. Without /proc, what only /proc tells stays 0."""

    def __init__(self, place: Host) -> None:
        kernel = f"{platform.system()} {platform.release()}"
        self._place = replace(place, processors=processors(), memory=memory(), kernel=kernel)
        self._idle, self._total = _ticks()
        self._machine = 0.0

    def read(self) -> Host:
        """As it is now; the machine's share is that since the last reading that is a clock tick or more ago."""
        idle, total = _ticks()
        if total > self._total:
            self._machine = 1 - (idle - self._idle) / (total - self._total)
            self._idle, self._total = idle, total
        return replace(
            self._place,
            pid=os.getpid(),
            at=time.monotonic(),
            cpu_seconds=time.process_time(),
            resident=_resident(),
            machine=self._machine,
            exchanged=TRAFFIC.read(),
        )


def processors(groups: Path = _GROUPS) -> float:
    """How many this process may use, by its affinity and by the quota of its control group (version 2, or 1), which a pod's
    limit is."""
    mine = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with suppress(OSError, ValueError):  # no such file, or "max"
        quota, period = map(float, (groups / "cpu.max").read_text().split())
        return min(mine, quota / period)
    with suppress(OSError, ValueError):
        quota, period = (float((groups / "cpu" / f"cpu.cfs_{name}_us").read_text()) for name in ("quota", "period"))
        return min(mine, quota / period) if quota > 0 else mine
    return mine


def memory(groups: Path = _GROUPS) -> int:
    """Bytes that there are for this process: the machine's, or the limit of its control group (version 2, or 1)."""
    mine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    for name in ("memory.max", "memory/memory.limit_in_bytes"):
        with suppress(OSError, ValueError):  # no such file, or "max"
            return min(mine, int((groups / name).read_text()))
    return mine


def _ticks() -> tuple[int, int]:
    """Of all processors since the machine's start: idle, and in all."""
    if not _STAT.exists():
        return 0, 0
    with _STAT.open() as lines:
        ticks = [int(word) for word in next(lines).split()[1:]]
    return sum(ticks[_IDLE]), sum(ticks[_TICKS])


def _resident() -> int:
    return int(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") if _STATM.exists() else 0
