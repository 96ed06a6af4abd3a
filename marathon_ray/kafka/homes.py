"""Where the local clusters of this user live, one directory each."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import platformdirs

from marathon_ray.kafka.cluster import KafkaError


def root() -> Path:
    """Return the directory of all local clusters (``MARATHON_HOME`` moves it); it exists afterwards."""
    where = Path(os.environ.get("MARATHON_HOME") or platformdirs.user_state_path("marathon-ray")).resolve() / "kafka"
    if "," in str(where):
        raise KafkaError(f"clusters cannot live in {where}: Kafka takes a comma for the end of a path")
    where.mkdir(parents=True, exist_ok=True)
    return where


def names() -> list[str]:
    """Return the names of the clusters that have a directory."""
    return sorted(path.name for path in root().iterdir() if path.is_dir())


def require_space(needed: int) -> None:
    """Raise KafkaError if fewer than ``needed`` bytes are free there."""
    free = shutil.disk_usage(root()).free
    if free < needed:
        raise KafkaError(f"{root()} has {free >> 20} MiB free, the cluster needs {needed >> 20} MiB")
