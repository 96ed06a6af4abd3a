"""The driver's side of a guardian: appoint one, ask it, keep its lease alive, and clear up after one that was killed."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

from marathon_ray.kafka import guardian
from marathon_ray.kafka.cluster import KafkaError
from marathon_ray.kafka.waiting import wait_until

RENEWALS = 5  # in each lease
ANSWER_WITHIN = 10.0  # seconds
APPOINT_WITHIN = 60.0  # seconds; longer than a guardian waits for others
END_WITHIN = 30.0  # seconds for all processes and files to go
PATH_LIMIT = 100  # bytes of a Unix socket's path; the systems' own limits are 104 to 108


def mark(home: Path) -> str:
    """Return the argument that every process of a cluster carries, by which it can be told from any other."""
    return f"-Dmarathon.cluster={home}"


@dataclass(frozen=True)
class Guardianship:
    """A handle of the guardian whose cluster lives in ``home``; any process of the same user may have one."""

    home: Path

    def request(self, do: str, *, within: float = ANSWER_WITHIN, **arguments: object) -> dict[str, Any]:
        """Return the guardian's answer; KafkaError with its reason if it refuses, is gone, or is silent."""
        line = json.dumps({"do": do, **arguments}).encode() + b"\n"
        try:
            answer = self._exchange(line, within)
        except (OSError, ValueError) as error:
            raise KafkaError(f"the guardian of cluster {self.home.name} does not answer: {error}") from None
        if "error" in answer:
            raise KafkaError(str(answer["error"]))
        return answer

    def _exchange(self, line: bytes, within: float) -> dict[str, Any]:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(within)
            connection.connect(str(self.home / guardian.SOCKET))
            connection.sendall(line)
            with connection.makefile("rb") as lines:
                answer: dict[str, Any] = json.loads(lines.readline())
                return answer

    def end(self) -> None:
        """End the cluster: no process, port or file of it is left when this returns. Ending twice is the same."""
        wait_until(f"the end of cluster {self.home.name}", self._ended, within=END_WITHIN)

    def _ended(self) -> bool:
        """Ask for the end; whether nothing is left (a guardian that is just being born is asked again)."""
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(END_WITHIN)
            connection.connect(str(self.home / guardian.SOCKET))
            connection.sendall(b'{"do": "end"}\n')
            while connection.recv(4096):  # the guardian closes the connection when all is gone
                pass
        reclaim(self.home.parent)
        return not self.home.exists()


def appoint(home: Path, *, ports: int, lease: float, first_port: int | None = None) -> tuple[int, ...]:
    """Have a guardian create ``home`` and take ``ports`` ports; return them. Nothing is left where it is refused."""
    if len(os.fsencode(home / guardian.SOCKET)) > PATH_LIMIT:
        raise KafkaError(f"the path {home / guardian.SOCKET} is longer than {PATH_LIMIT} bytes; choose a shorter home")
    order = guardian.Order(str(home), ports, first_port, lease)
    command = [sys.executable, "-I", "-S", guardian.__file__, json.dumps(asdict(order))]
    try:
        outcome = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            start_new_session=True,
            timeout=APPOINT_WITHIN,
            check=False,
        )
        answer = json.loads(outcome.stdout)
    except (subprocess.TimeoutExpired, ValueError) as error:
        raise KafkaError(f"the guardian of cluster {home.name} did not start: {error}") from None
    if "error" in answer:
        raise KafkaError(str(answer["error"]))
    return tuple(answer["ports"])


class Renewal:
    """Keeps a lease alive from a thread of its own until ``stop``, or until the guardian is gone."""

    def __init__(self, held: Guardianship, lease: float) -> None:
        self._held = held
        self._lease = lease
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"lease of {held.home.name}", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stopped.wait(self._lease / RENEWALS):
            try:
                self._held.request("renew", seconds=self._lease)
            except KafkaError:
                if not self._held.home.exists():
                    return

    def stop(self) -> None:
        """Let the lease run out."""
        self._stopped.set()
        self._thread.join(ANSWER_WITHIN + 1)


def reclaim(root: Path) -> Sequence[str]:
    """Clear up after guardians that were killed; return the names of their clusters.

    A living guardian holds the lock of its directory, so what can be locked has nobody left. Whatever carries that
    cluster's mark is killed, then the directory goes.
    """
    cleared: list[str] = []
    if not root.is_dir():
        return cleared
    with guardian.locked(root):
        for home in sorted(path for path in root.iterdir() if path.is_dir()):
            with contextlib.suppress(guardian.RefusedError, FileNotFoundError), guardian.locked(home, within=0):
                kill_marked(home)
                shutil.rmtree(home, ignore_errors=True)
                cleared.append(home.name)
    return cleared


def kill_marked(home: Path) -> None:
    """Kill every process that carries the mark of the cluster, and wait until it is gone (at most 10 s)."""
    marked = [process for process in psutil.process_iter(["cmdline"]) if mark(home) in (process.info["cmdline"] or ())]
    for process in marked:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(marked, timeout=10)
