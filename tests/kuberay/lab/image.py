"""The image of all pods in the lab: this machine, read only, and above it a layer with what our Dockerfile adds."""

import os
import shutil
import sys
from pathlib import Path
from typing import Final

import numba

import actors.compiled  # noqa: F401 - it says where compiled code is kept
from tests.kuberay.rendering import ROOT

CHECKOUT: Final = ROOT.parent
USER: Final = 1000
HOME: Final = "/home/marathon"
MARK: Final = "MARATHON_LAB"  # by this variable every process of the lab is known
_COMPILED: Final = "/opt/compiled"
ENVIRONMENT: Final = {
    "PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
    "PYTHONPATH": str(CHECKOUT),
    "PYTHONUNBUFFERED": "1",
    "RAY_USAGE_STATS_ENABLED": "0",
    "XDG_CACHE_HOME": _COMPILED,
    "HOME": HOME,
    "LANG": "C.UTF-8",
    MARK: os.environ.get(MARK, ""),
}


def make(layer: Path, *, nameserver: str, search: str) -> None:
    """The layer is in that folder."""
    for empty in (HOME, "/var/lib/marathon", "/tmp/ray", _COMPILED):
        _own(layer, empty)
    (layer / "tmp").chmod(0o1777)
    kept = Path(str(numba.config.CACHE_DIR))  # type: ignore[attr-defined]
    if kept.is_dir():  # the Dockerfile has it compiled; here it was, by an earlier run, or each pod does
        own = layer / _COMPILED[1:] / "marathon-ray"
        shutil.copytree(kept, own / "compiled" / kept.name)
        for each in (own, *own.rglob("*")):
            os.chown(each, USER, USER)
    (layer / "etc").mkdir()
    (layer / "etc/resolv.conf").write_text(f"nameserver {nameserver}\nsearch {search}\noptions ndots:5\n")
    for path in (Path(sys.prefix), Path(sys.base_prefix), CHECKOUT):
        for folder in reversed((path, *path.parents)):
            _open(layer, folder)


def _own(layer: Path, path: str) -> None:
    """A folder of the user's, in which nothing of this machine's own is seen."""
    folder = layer / path[1:]
    folder.mkdir(parents=True)
    os.setxattr(folder, "trusted.overlay.opaque", b"y")
    os.chown(folder, USER, USER)


def _open(layer: Path, folder: Path) -> None:
    """A folder that is root's alone (as its home is) lets others pass."""
    mode = folder.stat().st_mode
    if not mode & 0o001:
        above = layer / folder.relative_to("/")
        above.mkdir(parents=True, exist_ok=True)
        above.chmod(mode | 0o011)
