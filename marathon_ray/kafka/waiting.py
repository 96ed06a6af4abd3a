"""Waiting for something outside this process, never without a deadline."""

from __future__ import annotations

import time
from collections.abc import Callable

from marathon_ray.kafka.cluster import KafkaError

_INTERVAL = 0.02  # seconds between two looks


def wait_until(what: str, holds: Callable[[], bool], *, within: float) -> None:
    """Return once ``holds()`` is true; KafkaError names ``what`` and the limit after ``within`` seconds."""
    deadline = time.monotonic() + within
    while not holds():
        if time.monotonic() >= deadline:
            raise KafkaError(f"{what} took more than {within:g} s")
        time.sleep(_INTERVAL)
