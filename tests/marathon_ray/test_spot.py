"""The notice of a spot node, from stand-ins of three clouds on this machine; and what of it Ray is told."""

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from marathon_ray import spot
from marathon_ray.spot import Address, Cloud, Notice, find, look

AT = datetime(2027, 1, 2, 3, 4, 5, tzinfo=UTC)
IMDS = "/latest/meta-data"


class Metadata:
    """A machine's metadata: what it has by (method, path, header it asks for); all else is not found."""

    def __init__(self) -> None:
        self.has: dict[tuple[str, str, tuple[str, str]], str] = {}
        self.asked: list[str] = []
        self.page = ""  # of a refusal
        metadata = self

        class Handler(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                metadata.asked.append(self.path)
                sent = {(name.lower(), value) for name, value in self.headers.items()}
                texts = [
                    text
                    for (method, path, header), text in metadata.has.items()
                    if (method, path) == (self.command, self.path) and header in sent
                ]
                told = any(path == self.path for _, path, _ in metadata.has)
                self.send_response(200 if texts else 401 if told else 404)
                self.end_headers()
                self.wfile.write(("".join(texts) if texts else metadata.page).encode())

            do_GET = do_PUT = _answer  # noqa: N815 - the library's names

            def log_message(self, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.host = f"127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def aws(self, token: str = "t1") -> None:
        self.has = {("PUT", "/latest/api/token", ("x-aws-ec2-metadata-token-ttl-seconds", "21600")): token}

    def on_aws(self, path: str, value: object, token: str = "t1") -> None:
        self.has["GET", f"{IMDS}/{path}", ("x-aws-ec2-metadata-token", token)] = json.dumps(value)

    def google(self, preempted: str = "FALSE") -> None:
        self.has["GET", "/computeMetadata/v1/instance/preempted", ("metadata-flavor", "Google")] = preempted

    def azure(self, *events: dict[str, object]) -> None:
        own = ("metadata", "true")
        self.has["GET", "/metadata/instance/compute/name?api-version=2021-02-01&format=text", own] = "vm_1"
        path = "/metadata/scheduledevents?api-version=2020-07-01"
        self.has["GET", path, own] = json.dumps({"DocumentIncarnation": 1, "Events": events})


@pytest.fixture
def metadata() -> Iterator[Metadata]:
    metadata = Metadata()
    yield metadata
    metadata.close()


def cloud(metadata: Metadata) -> Cloud:
    found = find(Address(metadata.host))
    assert found is not None
    return found


@pytest.mark.parametrize("name", ["AWS", "Google Cloud", "Azure"])
def test_the_cloud_is_the_one_that_answers_and_says_nothing_at_first(metadata: Metadata, name: str) -> None:
    begin: dict[str, Callable[[], None]] = {
        "AWS": metadata.aws, "Google Cloud": metadata.google, "Azure": metadata.azure
    }  # fmt: skip
    begin[name]()
    found = cloud(metadata)
    assert (found.name, found.notice()) == (name, None)


def test_where_nobody_answers_or_another_one_does_there_is_no_cloud(metadata: Metadata) -> None:
    assert find(Address(metadata.host)) is None
    metadata.close()
    assert find(Address(metadata.host)) is None


def test_aws_names_the_time(metadata: Metadata) -> None:
    metadata.aws()
    metadata.on_aws("spot/instance-action", {"action": "terminate", "time": "2027-01-02T03:04:05Z"})
    assert cloud(metadata).notice() == Notice(AT, "AWS takes this spot instance back")


def test_aws_recommends_to_leave_and_the_end_comes_before_that(metadata: Metadata) -> None:
    metadata.aws()
    metadata.on_aws("events/recommendations/rebalance", {"noticeTime": "2027-01-02T03:02:05Z"})
    found = cloud(metadata)
    assert found.notice() == Notice(None, "AWS recommends to leave this spot instance")
    metadata.on_aws("spot/instance-action", {"action": "stop", "time": "2027-01-02T03:04:05Z"})
    assert found.notice() == Notice(AT, "AWS takes this spot instance back")


def test_a_token_that_is_too_old_is_had_anew(metadata: Metadata) -> None:
    metadata.aws()
    found = cloud(metadata)
    metadata.aws("t2")
    metadata.on_aws("spot/instance-action", {"action": "terminate", "time": "2027-01-02T03:04:05Z"}, "t2")
    assert [found.notice() is None for _ in range(2)] == [True, False]


def test_a_token_that_was_refused_once_is_asked_for_again(metadata: Metadata) -> None:
    """A refusal has a page of text, which is no token: as a header it could not even be sent."""
    metadata.aws()
    found = cloud(metadata)
    notice = ("spot/instance-action", {"action": "terminate", "time": "2027-01-02T03:04:05Z"})
    metadata.has = {}
    metadata.on_aws(*notice, "t2")
    metadata.page = "<html>\n<title>Service Unavailable</title>\n"
    assert found.notice() is None
    metadata.aws("t2")
    metadata.on_aws(*notice, "t2")
    assert [found.notice() is None for _ in range(2)] == [True, False]


def test_google_gives_thirty_seconds_from_when_it_was_seen(metadata: Metadata) -> None:
    metadata.google()
    found = cloud(metadata)
    metadata.google("TRUE")
    first = found.notice()
    assert first is not None
    assert first.seconds(datetime.now(UTC)) in (28, 29, 30)
    assert found.notice() == first


def event(at: str, *machines: str, kind: str = "Preempt") -> dict[str, object]:
    return {"EventId": "1", "EventType": kind, "ResourceType": "VirtualMachine", "Resources": machines, "NotBefore": at}


def test_azure_tells_of_other_machines_and_other_events_too(metadata: Metadata) -> None:
    at = format_datetime(AT, usegmt=True)
    metadata.azure(event(at, "vm_2"), event(at, "vm_1", kind="Reboot"))
    found = cloud(metadata)
    assert found.notice() is None
    metadata.azure(event(at, "vm_2"), event(at, "vm_2", "vm_1"))
    assert found.notice() == Notice(AT, "Azure takes this spot machine back")
    metadata.azure(event("", "vm_1"))
    begun = found.notice()
    assert begun is not None
    assert begun.seconds(datetime.now(UTC)) == 0
    assert found.notice() == begun  # so that Ray is told once


def test_seconds_are_those_that_are_left() -> None:
    assert Notice(AT, "").seconds(AT - timedelta(seconds=119.9)) == 119
    assert Notice(AT, "").seconds(AT + timedelta(seconds=1)) == 0
    assert Notice(None, "").seconds(AT) is None


class Saying:
    """A cloud that says these, one after the other; an exception is raised."""

    name = "the cloud"

    def __init__(self, *says: Notice | Exception | None) -> None:
        self._says = list(says)

    def is_here(self) -> bool:
        return True

    def notice(self) -> Notice | None:
        said = self._says.pop(0)
        if isinstance(said, Exception):
            raise said
        return said


def told(*says: Notice | Exception | None, refused: int = 0) -> list[Notice]:
    """What Ray took, when it refused the first few."""
    taken: list[Notice] = []
    refusals = [OSError("Ray did not take it")] * refused

    def tell(notice: Notice) -> None:
        if refusals:
            raise refusals.pop()
        taken.append(notice)

    one, known = Saying(*says), None
    for _ in says:
        known = look(one, known, tell)
    return taken


SOON, NEVER, LATER = Notice(AT, "end"), Notice(None, "leave"), Notice(AT + timedelta(seconds=9), "end")


def test_ray_is_told_once_and_again_when_the_time_is_another() -> None:
    assert told(None, SOON, SOON, None, SOON) == [SOON]
    assert told(NEVER, NEVER, SOON, NEVER, SOON, LATER) == [NEVER, SOON, LATER]


def test_what_fails_is_tried_again() -> None:
    assert told(SOON, SOON, SOON, refused=2) == [SOON]
    assert told(OSError("gone"), ValueError("no JSON"), KeyError("time"), SOON) == [SOON]


def test_what_ray_says_of_a_drain_that_fails_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    with pytest.raises(OSError, match=r"^Ray did not take it: ") as caught:
        spot.drain(SOON, node="nonsense")
    assert "\n" not in str(caught.value)


def test_it_ends_where_no_cloud_answers_and_loads_nothing_heavy(metadata: Metadata) -> None:
    code = (
        "import sys, runpy; sys.argv[1:] = ['--metadata', sys.argv[1], '--find-seconds', '0']\n"
        "try: runpy.run_module('marathon_ray.spot', run_name='__main__')\n"
        "finally: print(sorted({'ray', 'numpy', 'pydantic'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code, metadata.host], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (1, "[]\n")
    assert done.stderr.splitlines()[-1].startswith(f"no cloud answers at {metadata.host}: ")
