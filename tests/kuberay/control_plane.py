"""The program of a Kubernetes API server, built from its source where there is none yet.

Run as a module it builds the program, so that others need not wait so long for it later.
"""

import fcntl
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

import platformdirs

_SOURCE: Final = Path(__file__).with_name("program")
_KUBERNETES: Final = ("1", "36", "v1.36.3")
_MODULES_SECONDS: Final = 5 * 60
_BUILD_SECONDS: Final = 25 * 60  # six minutes of a processor, ten on two that had other work; 2 GB of memory


class UnavailableError(Exception):
    """There is no such program, and it cannot be built here; the text says why."""


def program() -> Path:
    """The file of the program, built when there is none for these sources; who comes while it is built waits for it.

    Raises UnavailableError where there is no Go, or its modules cannot be had; else a build that fails is an error.
    """
    sources = b"".join((_SOURCE / name).read_bytes() for name in ("go.mod", "go.sum", "main.go"))
    kept = Path(os.environ.get("MARATHON_CACHE") or platformdirs.user_cache_path("marathon-ray")).resolve()
    made = kept / "control-plane" / hashlib.sha256(sources).hexdigest()[:16]
    made.parent.mkdir(parents=True, exist_ok=True)
    with Path(f"{made}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            _build(made)
    return made


def _build(made: Path) -> None:
    """Modules come from Go's proxy, checked by their hashes in go.sum; what the compiler keeps is thrown away."""
    if not (go := shutil.which("go")):
        raise UnavailableError("no Go on this machine, with which a Kubernetes API server is built")
    with tempfile.TemporaryDirectory(dir=made.parent, prefix="build-") as scratch:
        where = {"GOCACHE": f"{scratch}/cache", "GOMODCACHE": f"{scratch}/modules", "CGO_ENABLED": "0", "GOWORK": "off"}
        env = os.environ | where | {"GOFLAGS": "-mod=readonly -modcacherw -buildvcs=false"}
        try:
            _within(_MODULES_SECONDS, [go, "list", "-deps", "."], env)
        except subprocess.TimeoutExpired:
            raise UnavailableError(f"its modules took more than {_MODULES_SECONDS} s") from None
        except subprocess.CalledProcessError as error:
            raise UnavailableError(f"its modules cannot be had: {error.stderr[-300:]}") from None
        names = zip(("gitMajor", "gitMinor", "gitVersion"), _KUBERNETES, strict=True)
        version = " ".join(f"-X k8s.io/component-base/version.{name}={value}" for name, value in names)
        built = Path(scratch, "program")
        _within(_BUILD_SECONDS, [go, "build", "-trimpath", "-ldflags", f"-s -w {version}", "-o", str(built), "."], env)
        built.rename(made)


def _within(seconds: float, command: list[str], env: dict[str, str]) -> None:
    """The command came to a good end. It stands back behind all others; when time is over its children go with it."""
    process = subprocess.Popen(
        ["nice", "-n", "19", *command], cwd=_SOURCE, env=env, text=True, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        _, said = process.communicate(timeout=seconds)
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command, stderr=said)


def render(folder: Path) -> str:
    """What kustomize makes of a folder, as YAML. Raises UnavailableError; CalledProcessError where it refuses."""
    done = subprocess.run([program(), "kustomize", folder], check=True, capture_output=True, text=True)
    return done.stdout


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())  # so that the compiler ends as well
    program()
