"""Tells Ray of the notice that a spot node gets before it is taken away: `python -m marathon_ray.spot`, one on each node.

A cloud gives the notice at an address that every machine has for itself; which cloud it is shows in what answers there. Ray
does not look by itself. Nothing but the standard library is loaded, so that a node does not pay for being watched.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Final, NamedTuple, Protocol

METADATA: Final = "169.254.169.254"  # the same at AWS, Google and Azure
_ASK_SECONDS: Final = 2.0
_EVERY: Final = 2.0  # s between two looks; the shortest notice is of 30 s
_FIND_SECONDS: Final = 60.0  # a machine that has just started may not reach the address yet
_DRAIN_SECONDS: Final = 30.0
_MOST: Final = 1 << 16  # bytes of an answer


class Notice(NamedTuple):
    """The node will be taken away at that time (None: soon, or never); `why` is a line."""

    at: datetime | None
    why: str

    def seconds(self, now: datetime) -> int | None:
        """So many are left."""
        return None if self.at is None else max(0, int((self.at - now).total_seconds()))


class Address:
    """Where a cloud tells a machine of itself: HOST or HOST:PORT. No proxy is asked."""

    def __init__(self, host: str = METADATA) -> None:
        self._host = host

    def ask(self, path: str, headers: Mapping[str, str], *, method: str = "GET") -> tuple[int, str]:
        """Status and text. Raises OSError where nobody answers in time."""
        link = HTTPConnection(self._host, timeout=_ASK_SECONDS)
        try:
            link.request(method, path, headers=dict(headers))
            answer = link.getresponse()
            return answer.status, answer.read(_MOST).decode(errors="replace")
        except HTTPException as error:
            raise OSError(f"{self._host}: {type(error).__name__}") from None
        finally:
            link.close()


class Cloud(Protocol):
    """One kind of cloud. Both raise OSError where nobody answers, `notice` ValueError on an answer it cannot read."""

    name: str

    def is_here(self) -> bool:
        """Whether this machine is one of its."""

    def notice(self) -> Notice | None:
        """What it has said; None: nothing."""


class Aws:
    """Two minutes before the end; and a recommendation to leave, sometimes long before, which names no time."""

    name = "AWS"

    def __init__(self, address: Address) -> None:
        self._address, self._token = address, ""

    def is_here(self) -> bool:
        """It gives a token, without which it tells nothing."""
        seconds = {"X-aws-ec2-metadata-token-ttl-seconds": "21600"}
        status, text = self._address.ask("/latest/api/token", seconds, method="PUT")
        self._token = text if status == 200 else ""  # of a refusal the text is a page
        return status == 200

    def notice(self) -> Notice | None:
        """By the end's own time, else by the recommendation."""
        if ended := self._read("spot/instance-action"):
            at = datetime.fromisoformat(json.loads(ended)["time"])
            return Notice(at, "AWS takes this spot instance back")
        if self._read("events/recommendations/rebalance"):
            return Notice(None, "AWS recommends to leave this spot instance")
        return None

    def _read(self, name: str) -> str:
        status, text = self._address.ask(f"/latest/meta-data/{name}", {"X-aws-ec2-metadata-token": self._token})
        if status == 401:  # the token is too old
            self.is_here()
        return text if status == 200 else ""


class Google:
    """Thirty seconds before the end."""

    name = "Google Cloud"
    _PATH: Final = "/computeMetadata/v1/instance/preempted"
    _SECONDS: Final = 30

    def __init__(self, address: Address) -> None:
        self._address, self._until = address, 0.0

    def is_here(self) -> bool:
        """It says whether the machine is taken away."""
        return self._read() in ("TRUE", "FALSE")

    def notice(self) -> Notice | None:
        """It tells no time: it counts from when this was first seen."""
        if self._read() != "TRUE":
            return None
        self._until = self._until or time.time() + self._SECONDS
        return Notice(datetime.fromtimestamp(self._until, UTC), "Google Cloud takes this spot machine back")

    def _read(self) -> str:
        status, text = self._address.ask(self._PATH, {"Metadata-Flavor": "Google"})
        return text.strip() if status == 200 else ""


class Azure:
    """Thirty seconds before the end, at least. An event names the machines that it is about: others are told of it, too."""

    name = "Azure"

    def __init__(self, address: Address) -> None:
        self._address, self._machine = address, ""
        self._began: datetime | None = None  # when an event without a time was first seen

    def is_here(self) -> bool:
        """It says what the machine's name is."""
        status, name = self._read("instance/compute/name?api-version=2021-02-01&format=text")
        self._machine = name.strip()
        return status == 200 and bool(self._machine)

    def notice(self) -> Notice | None:
        """By the first such event; one without a time has begun."""
        status, text = self._read("scheduledevents?api-version=2020-07-01")
        events = json.loads(text)["Events"] if status == 200 else []
        for event in events:
            if event["EventType"] == "Preempt" and self._machine in event["Resources"]:
                if said := event.get("NotBefore"):
                    at = parsedate_to_datetime(said)
                else:
                    at = self._began = self._began or datetime.now(UTC)
                return Notice(at, "Azure takes this spot machine back")
        return None

    def _read(self, path: str) -> tuple[int, str]:
        return self._address.ask(f"/metadata/{path}", {"Metadata": "true"})


_CLOUDS: Final[tuple[Callable[[Address], Cloud], ...]] = (Aws, Google, Azure)


def find(address: Address) -> Cloud | None:
    """The one whose machine this is."""
    for make in _CLOUDS:
        cloud = make(address)
        try:
            if cloud.is_here():
                return cloud
        except OSError:
            continue
    return None


def drain(notice: Notice, *, node: str = "", address: str = "") -> None:
    """Ray is told that this node (or the one with that id) will be taken away; `address` is its cluster's, if it does not
    stand in RAY_ADDRESS. Raises OSError of one line where Ray does not take it."""
    left = notice.seconds(datetime.now(UTC))
    command = [
        str(Path(sys.executable).with_name("ray")), "drain-node", "--reason", "DRAIN_NODE_REASON_PREEMPTION",
        "--reason-message", notice.why, *([] if left is None else ["--deadline-remaining-seconds", str(left)]),
        *(["--node-id", node] if node else []), *(["--address", address] if address else []),
    ]  # fmt: skip
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_DRAIN_SECONDS)
    except subprocess.TimeoutExpired:
        raise OSError(f"Ray did not answer within {_DRAIN_SECONDS:g} s") from None
    if done.returncode:
        said = f"{done.stdout}\n{done.stderr}".strip().splitlines() or [f"it ended with {done.returncode}"]
        raise OSError(f"Ray did not take it: {said[-1]}")


def look(cloud: Cloud, told: Notice | None, tell: Callable[[Notice], None]) -> Notice | None:
    """One look: what there is to tell is told, once, and once more when its time is known or another one. Returns what Ray
    has been told by now; what went wrong is tried again at the next look."""
    try:
        notice = cloud.notice()
        if notice is None or notice == told or (told and notice.at is None):
            return told
        tell(notice)
    except (OSError, ValueError, KeyError, TypeError) as error:
        _say(f"{cloud.name}: {type(error).__name__}: {error}")
        return told
    _say(f"{notice.why}: Ray was told")
    return notice


def main(arguments: list[str] | None = None) -> None:
    """Looks until it is ended. Exits with 1 where no cloud answers."""
    parser = argparse.ArgumentParser(prog="python -m marathon_ray.spot", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--metadata", default=METADATA, metavar="HOST[:PORT]", help="where the cloud answers")
    parser.add_argument("--node", default="", metavar="ID", help="of the Ray node, where this machine has several")
    parser.add_argument("--find-seconds", type=float, default=_FIND_SECONDS, help="how long it is looked for")
    asked = parser.parse_args(arguments)
    address, deadline = Address(asked.metadata), time.monotonic() + asked.find_seconds
    while (cloud := find(address)) is None:
        if time.monotonic() >= deadline:
            sys.exit(f"no cloud answers at {asked.metadata}: nothing would be known of the end of this machine")
        time.sleep(_EVERY)
    _say(f"this is a machine of {cloud.name}")
    told: Notice | None = None
    while True:
        told = look(cloud, told, partial(drain, node=asked.node))
        time.sleep(_EVERY)


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    main()
