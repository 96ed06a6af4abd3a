"""Runs each client in a fresh process of its own, one at a time."""

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from typing import Final

from benchmarks import java
from benchmarks.client import CLIENTS
from benchmarks.job import Job, Sample

_WITHIN: Final = 300.0
_FEW: Final = 6_000  # records of the run that is taken away as start-up


def measure(job: Job, kafka_version: str) -> Sample:
    """What the job's client says of itself; from outside, less a run of few records (noisy in wall time), if nothing.

    Raises RuntimeError with the client's last words where it fails, or does not end within five minutes.
    """
    if job.client in CLIENTS:
        output, _ = _run([sys.executable, "-m", "benchmarks.client", job.text()])
        return Sample.parse(json.loads(output.splitlines()[-1]))
    (_, few), (_, all_) = (_run(java.command(job.of(count), kafka_version)) for count in (_FEW, job.records))
    return Sample(records=job.records - _FEW, cpu=all_.cpu - few.cpu, wall=all_.wall - few.wall, peak=all_.peak)


def _run(command: Sequence[str]) -> tuple[str, Sample]:
    """What a program printed, and what its whole life took."""
    with tempfile.TemporaryFile() as output:
        began = time.monotonic()
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        watchdog = threading.Timer(_WITHIN, process.kill)
        watchdog.start()
        _, status, used = os.wait4(process.pid, 0)
        watchdog.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        words = output.read().decode(errors="replace")
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)[:300]} ended with {process.returncode}: {words[-1_000:]}")
    cpu, peak = used.ru_utime + used.ru_stime, used.ru_maxrss * 1024
    return words, Sample(records=1, cpu=cpu, wall=time.monotonic() - began, peak=peak)
