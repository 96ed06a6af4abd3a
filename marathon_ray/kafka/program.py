"""Short-lived programs (Kafka's tools, Java's keytool): run to their end, with a deadline and one line of blame."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from marathon_ray.kafka.cluster import KafkaError


def run(command: Sequence[str], *, within: float, telling: str | None = None) -> str:
    """Run a program to its end and return what it printed; KafkaError with its last line if it fails.

    ``telling`` is how the line begins that says why, if it is not the last one.
    """
    name = Path(command[0]).name
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=within,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise KafkaError(f"{name} took more than {within:g} s") from None
    if done.returncode:
        lines = done.stdout.strip().splitlines() or ["no output"]
        why = next((line for line in lines if telling and line.startswith(telling)), lines[-1])
        raise KafkaError(f"{name} failed with exit code {done.returncode}: {why}")
    return done.stdout
