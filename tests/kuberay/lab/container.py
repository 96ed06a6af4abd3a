"""A container without a container engine: processes with a root, mounts and a process namespace of their own."""

import os
import shlex
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

import psutil

from tests.kuberay.lab.image import HOME, USER

_END_SECONDS: Final = 20
# No right of root's is left to them: what the restricted pod standard wants, whether a manifest says so or not.
_NOBODY: Final = (
    "setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", "--no-new-privs", "--bounding-set=-all",
)  # fmt: skip


class Wanted(NamedTuple):
    """What is to run: in which network namespace, on which host, with what mounted where (source by target)."""

    command: Sequence[str]
    environment: Mapping[str, str]
    mounts: Mapping[str, Path]
    network: str
    host: str


class Container:
    """Runs from the begin until its first process ends, or it is killed."""

    def __init__(self, wanted: Wanted, *, image: Path, folder: Path) -> None:
        for name in ("above", "work", "root"):
            (folder / name).mkdir(parents=True)
        self._environment = dict(wanted.environment)
        self._killed = False
        script = "\n".join(_script(wanted, image, folder))
        command = [
            "nsenter", f"--net=/run/netns/{wanted.network}", "unshare", "--mount", "--uts", "--ipc", "--pid", "--fork",
            "--kill-child", "bash", "-ec", script, "container", *wanted.command,
        ]  # fmt: skip
        self.log = folder / "log"
        with self.log.open("wb") as out:
            self._outside = subprocess.Popen(
                command, env=self._environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out
            )

    @property
    def code(self) -> int | None:
        """As Kubernetes tells it, 128 and more for a signal; None while it runs. What a kill ended, `unshare` gives back as 1."""
        code = self._outside.poll()
        if code is not None and self._killed:
            return 128 + signal.SIGKILL
        return code if code is None or code >= 0 else 128 - code

    def execute(self, command: Sequence[str], *, within: float) -> int:
        """The exit code of one more process in it, which is killed when that time is over, or the container ends."""
        if not (first := self._first()):
            return 128 + signal.SIGKILL
        enter = ["nsenter", f"--target={first}", "--all", "--root", f"--setuid={USER}", f"--setgid={USER}", "--wdns=/"]
        try:
            return subprocess.run([*enter, *command], env=self._environment, timeout=within).returncode
        except subprocess.TimeoutExpired:
            return 128 + signal.SIGKILL

    def signal(self, number: signal.Signals) -> None:
        """To its first process, with which all others end."""
        if first := self._first():
            with suppress(ProcessLookupError):  # it has ended since
                os.kill(first, number)
                self._killed = self._killed or number is signal.SIGKILL

    def end(self, *, within: float) -> None:
        """It is asked to end, and gone afterwards."""
        self.signal(signal.SIGTERM)
        try:
            self._outside.wait(within)
        except subprocess.TimeoutExpired:
            self.signal(signal.SIGKILL)
            self._outside.wait(_END_SECONDS)

    def _first(self) -> int | None:
        """The process that is number 1 in there."""
        if self._outside.poll() is not None:
            return None
        with suppress(psutil.NoSuchProcess):
            found = psutil.Process(self._outside.pid).children()
            return found[0].pid if found else None
        return None


def _script(wanted: Wanted, image: Path, folder: Path) -> list[str]:
    """Root is an overlay; then everything that is mounted in it; then the command, as nobody, instead of the shell."""
    root = folder / "root"
    layers = f"lowerdir={image}:/,upperdir={folder / 'above'},workdir={folder / 'work'}"
    bound = [
        f"mkdir -p {root}{shlex.quote(target)} && mount --bind {source} {root}{shlex.quote(target)}"
        for target, source in wanted.mounts.items()
    ]
    return [
        f"mount -t overlay overlay -o {layers} {root}",
        f"mount -t proc proc {root}/proc",
        f"mount --rbind /sys {root}/sys",
        f"mount --rbind /dev {root}/dev",
        *bound,
        f"hostname {wanted.host}",
        # No signal is ignored in a container, as SIGINT is by whatever was started in the background of a script.
        f'exec chroot {root} env --default-signal --chdir={HOME} {shlex.join(_NOBODY)} "$@"',
    ]
