"""The controller of a soak: `marathon serve` as a process of its own, killed without a word and begun anew."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import psutil

from benchmarks.interruptions import MARK
from marathon_ray.journal import NAME, Entry, left, read

BENCH: Final = "soak"
_ENDS_SECONDS: Final = 300.0
_LOOK: Final = 0.2


@dataclass(slots=True)
class Life:
    """One process: its log, and its resident bytes by the seconds since it began."""

    process: "subprocess.Popen[bytes]"
    log: Path
    began: float
    sizes: list[tuple[float, int]] = field(default_factory=list)


@dataclass(slots=True)
class Lives:
    """All lives of one rotation's controller. `cut` counts the attempts in whose middle one was killed."""

    plan: Path
    results: Path
    ray: str
    token: str
    lives: list[Life] = field(default_factory=list)
    cut: int = 0
    fallen: list[str] = field(default_factory=list)  # those that ended by themselves

    @property
    def entries(self) -> list[Entry]:
        """Of the rotation's journal."""
        path = self.results / f"rotation-{BENCH}.jsonl"
        return list(read(path)) if path.exists() else []

    def begin(self) -> None:
        """A controller lives, and waits for the lease if a dead one holds it still."""
        self.results.mkdir(parents=True, exist_ok=True)
        log = self.results / f"controller-{len(self.lives) + 1}.log"
        command = [sys.executable, "-m", "marathon_ray", "serve", str(self.plan), "--results", str(self.results)]
        with log.open("wb") as out:
            process = subprocess.Popen(
                [*command, "--ray", self.ray, "--wait", "--metrics", "127.0.0.1:0"],
                env={**os.environ, MARK: self.token}, stdout=out, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        self.lives.append(Life(process, log, time.monotonic()))

    def look(self) -> None:
        """Its size is written down; one that has ended by itself is remembered, and another one begins."""
        life = self.lives[-1]
        if (code := life.process.poll()) is not None:
            words = life.log.read_text(errors="replace").strip().splitlines()
            self.fallen.append(f"life {len(self.lives)} ended with {code}: {words[-1] if words else 'without a word'}")
            self.begin()
            return
        seconds = time.monotonic() - life.began
        with suppress(psutil.Error):  # it has just ended, which the next look sees
            life.sizes.append((seconds, psutil.Process(life.process.pid).memory_info().rss))

    def kill(self, within: float, *, faulted: bool) -> str:
        """It is killed in the middle of a run, while a fault is on if there is one in time, and another one begins. Returns
        what it did at that moment."""
        deadline = time.monotonic() + within
        while not (doing := self._doing(faulted=faulted)) and time.monotonic() < deadline:
            time.sleep(_LOOK)
        life = self.lives[-1]
        life.process.kill()
        life.process.wait()
        self.cut += self.is_playing
        self.begin()
        return doing or "whatever it did"

    @property
    def is_playing(self) -> bool:
        """Whether an attempt has begun and not ended, by the journal."""
        kinds = [entry["what"] for entry in self.entries]
        return kinds.count("attempt") > kinds.count("ended")

    def _doing(self, *, faulted: bool) -> str:
        """The run in whose workload it is; nothing where it is in none, or no fault is on that should be."""
        for path in self.results.glob(f"*/{NAME}"):
            entries = list(read(path))
            phases = [entry["phase"] for entry in entries if entry["what"] == "phase"]
            mine = entries and entries[0]["pid"] == self.lives[-1].process.pid
            faults = [thing.name for thing in left(entries) if thing.kind == "fault"]
            if mine and phases[-1:] == ["workload"] and entries[-1]["what"] != "end" and (faults or not faulted):
                return " with ".join([path.parent.name, *faults])
        return ""

    def end(self) -> int:
        """It has been told to end, and has; returns its exit code, that of SIGKILL where it did not."""
        process = self.lives[-1].process
        process.send_signal(signal.SIGTERM)
        try:
            return process.wait(_ENDS_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()
