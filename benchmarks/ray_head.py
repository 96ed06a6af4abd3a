"""A Ray cluster as people have one: `ray start --head` on this machine, in a process tree of its own."""

import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import psutil

_SEAT: Final = "ray::RayShell"  # what Ray calls a seat's process
_STARTED: Final = "Ray runtime started"
_STARTS_SECONDS: Final = 60.0
_CALM_SECONDS: Final = 5.0  # what a head still does of itself after it said that
_ENDS_SECONDS: Final = 20.0
_OBJECT_STORE: Final = 256 << 20


class RayHead:
    """A context in which it runs at `address`, with a page for jobs at `dashboard`, for programs that have `environment`.

    Its token is made for it and forgotten with it: a head asks for the one that is saved for this user, if there is one,
    and not every driver tells it.
    """

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="mb-"))  # a short path: there are sockets below
        self.address = f"127.0.0.1:{_free_port()}"
        self.dashboard = f"http://127.0.0.1:{_free_port()}"
        self.environment = {
            **os.environ, "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32),
            "RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
            "RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S": "0",
        }  # fmt: skip

    def __enter__(self) -> Self:
        log = self._folder / "log"
        ports = {"port": self.address.rpartition(":")[2], "dashboard-port": self.dashboard.rpartition(":")[2]}
        ports |= {"dashboard-agent-listen-port": str(_free_port()), "temp-dir": str(self._folder)}
        options = [f"--{name}={value}" for name, value in ports.items()]
        command = [str(Path(sys.executable).with_name("ray")), "start", "--head", "--block", *options]
        with log.open("wb") as output:
            self._head = subprocess.Popen(
                [*command, f"--object-store-memory={_OBJECT_STORE}"],
                env=self.environment, stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        deadline = time.monotonic() + _STARTS_SECONDS
        while _STARTED not in (words := log.read_text(errors="replace")):
            if self._head.poll() is not None or time.monotonic() > deadline:
                self._end()
                raise RuntimeError(f"Ray did not start: {words[-1_000:]}")
            time.sleep(0.1)
        time.sleep(_CALM_SECONDS)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def _end(self) -> None:
        below = self._below()
        self._head.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._head.wait(_ENDS_SECONDS)
        for process in [*psutil.wait_procs(below, timeout=_ENDS_SECONDS)[1]]:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self._head.kill()
        self._head.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _below(self) -> list[psutil.Process]:
        with suppress(psutil.NoSuchProcess):
            return psutil.Process(self._head.pid).children(recursive=True)
        return []

    def spent(self) -> dict[int, float]:
        """CPU seconds so far of each process of Ray's own, by its number: of all but seats."""
        used = {}
        for process in self._below():
            with suppress(psutil.Error):
                if not " ".join(process.cmdline()).startswith(_SEAT):
                    times = process.cpu_times()
                    used[process.pid] = times.user + times.system
        return used

    def largest_seat(self) -> int:
        """Resident bytes of the largest seat that there is; 0 where there is none."""
        sizes = [0]
        for process in self._below():
            with suppress(psutil.Error):
                if " ".join(process.cmdline()).startswith(_SEAT):
                    sizes.append(process.memory_info().rss)
        return max(sizes)


def between(before: dict[int, float], after: dict[int, float]) -> float:
    """CPU seconds that those there at the end have used since; what one used that is gone by then is not known."""
    return sum(seconds - before.get(number, 0.0) for number, seconds in after.items())


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port
