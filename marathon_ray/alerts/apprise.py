"""Channels by their addresses, as the library `apprise` reads them: slack://…, mailto://…, json://… and a hundred more.

An address is a secret. It goes to a process of its own, on its standard input, and nothing that this process or the library
says of it comes back but our own words. The process is also what can be ended when a channel hangs.
"""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from marathon_ray.alerts import posting
from marathon_ray.alerts.alert import Message
from marathon_ray.event import Severity
from marathon_ray.kafka.cluster import KafkaError
from marathon_ray.rotation.plan import Alert
from marathon_ray.usage import UsageError

LIMIT: Final = 20.0  # s for one message


@dataclass(frozen=True, slots=True)
class Apprise:
    """One address. `name` says which, without saying what it is."""

    name: str
    address: str = field(repr=False)
    since: Severity = Severity.WARNING
    limit: float = LIMIT

    def send(self, message: Message) -> str | None:
        """None: it was taken. Else why not."""
        tone = "success" if message.over else _TONES[message.severity]
        return _post(self.limit, address=self.address, title=message.title, body=message.body, tone=tone)


_TONES: Final = {Severity.INFO: "info", Severity.WARNING: "warning", Severity.CRITICAL: "failure"}


def check(address: str) -> str | None:
    """Why no message can go there, in one line without the address; None where one can, as far as the address tells."""
    return _post(LIMIT, address=address)


def channels(alerts: Sequence[Alert], beside: Path) -> tuple[Apprise, ...]:
    """Those of a plan that stands in that folder. Raises UsageError of one line where an address is missing or wrong."""
    return tuple(_channels(alerts, beside))


def _channels(alerts: Sequence[Alert], beside: Path) -> Iterator[Apprise]:
    for number, alert in enumerate(alerts, start=1):
        where = "" if isinstance(alert.to, str) else f" ({alert.to.env or alert.to.file})"
        name = f"alert {number}{where}"
        try:
            address = alert.to if isinstance(alert.to, str) else alert.to.resolved(beside)
        except KafkaError as error:
            raise UsageError(f"{name}: {error}") from None
        if why := check(address):
            raise UsageError(f"{name}: {why}")
        yield Apprise(name, address, alert.since)


def _post(limit: float, **order: str) -> str | None:
    """What the process says of it. It has a session of its own, so that a Ctrl-C does not cut off the last message."""
    command = [sys.executable, "-I", posting.__file__]
    given = json.dumps({**order, "limit": limit})
    try:
        done = subprocess.run(
            command,
            input=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            timeout=limit,
            start_new_session=True,
        )
    except subprocess.TimeoutExpired:
        return f"no answer within {limit:g} s"
    except OSError as error:
        return f"nothing can be sent: {error.strerror}"
    if done.returncode:
        return f"nothing was sent: it ended with {done.returncode}"
    return done.stdout.strip() or None
