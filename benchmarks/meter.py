"""CPU, wall time and memory of this very process, and of its threads."""

import os
import re
import time
from contextlib import suppress
from pathlib import Path

from benchmarks.job import Sample


class Meter:
    """Runs from its making on."""

    def __init__(self) -> None:
        self._cpu = time.process_time()
        self._wall = time.monotonic()

    def sample(self, records: int) -> Sample:
        """What was spent since then."""
        cpu, wall = time.process_time() - self._cpu, time.monotonic() - self._wall
        return Sample(records=records, cpu=cpu, wall=wall, peak=_status("VmHWM"))


def threads(named: str) -> float:
    """CPU seconds so far of those threads of this process whose name begins so."""
    ticks = 0
    for task in Path("/proc/self/task").iterdir():
        with suppress(FileNotFoundError, ProcessLookupError):  # it has just ended
            if (task / "comm").read_text().startswith(named):
                ticks += sum(int(spent) for spent in (task / "stat").read_text().rsplit(")", 1)[1].split()[11:13])
    return ticks / os.sysconf("SC_CLK_TCK")


def resident() -> int:
    """Bytes of memory that this process holds now."""
    return _status("VmRSS")


def _status(name: str) -> int:
    """A size in /proc: unlike getrusage's, its peak begins with this program and not with the one that started it."""
    found = re.search(rf"^{name}:\s+(\d+) kB$", Path("/proc/self/status").read_text(encoding="ascii"), re.MULTILINE)
    if not found:
        raise OSError(f"/proc/self/status has no {name}: benchmarks need Linux")
    return int(found[1]) * 1024
