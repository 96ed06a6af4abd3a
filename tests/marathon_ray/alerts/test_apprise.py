"""Addresses: what is wrong with one is told without it."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from marathon_ray.alerts import posting
from marathon_ray.alerts.alert import Message
from marathon_ray.alerts.apprise import Apprise, channels, check
from marathon_ray.event import Severity
from marathon_ray.kafka.description import Reference
from marathon_ray.rotation.plan import Alert
from marathon_ray.usage import UsageError
from tests.marathon_ray.alerts.rig import serving

MESSAGE = Message("title", "body", Severity.CRITICAL)


@pytest.mark.parametrize("address", ["json://user:SECRET@host/SECRET", "mailto://user:SECRET@example.com"])
def test_an_address_that_can_be_read_is_right(address: str) -> None:
    assert check(address) is None


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("", "that is no address: write one as slack://…, mailto://… or json://…"),
        ("SECRET", "that is no address: write one as slack://…, mailto://… or json://…"),
        ("slakc://SECRET", "there is no such kind of address; did you mean slack://?"),
        ("SECRETSECRETSECRET://x", "there is no such kind of address"),
        ("slack://SECRET", "an address of slack:// that lacks something, or has something wrong"),
    ],
)
def test_a_wrong_address_is_told_in_one_line_without_it(address: str, why: str) -> None:
    assert check(address) == why


def test_an_address_is_shown_nowhere(capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(0)
    with serving(lambda _: 401) as server:
        channel = Apprise("pager", server.address)
        assert channel.send(MESSAGE) == "it was refused, or nobody is there (HTTP 401)"
    assert capfd.readouterr() == ("", "")
    assert "SECRET" not in f"{channel!r}{caplog.text}"


def test_what_the_process_prints_of_its_errors_is_shown_nowhere(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "posting.py").write_text("import sys; sys.exit(sys.stdin.read())")
    monkeypatch.setattr(posting, "__file__", str(tmp_path / "posting.py"))
    assert Apprise("pager", "json://SECRET").send(MESSAGE) == "nothing was sent: it ended with 1"
    assert capfd.readouterr() == ("", "")


def test_a_ctrl_c_does_not_cut_off_a_message() -> None:
    code = (
        "import signal, sys; signal.signal(signal.SIGINT, lambda *_: None)\n"
        "from tests.marathon_ray.alerts.test_apprise import MESSAGE, Apprise\n"
        "print(Apprise('pager', sys.argv[1], limit=60.0).send(MESSAGE))"
    )
    pressed = threading.Event()
    with serving(lambda _: 200 if pressed.wait(60) else 500) as server:
        sender = subprocess.Popen(
            [sys.executable, "-c", code, server.address], stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        assert server.until(lambda: server.calls == 1)
        os.killpg(sender.pid, signal.SIGINT)
        time.sleep(0.5)  # the message may be cut off in it, or not: nothing tells that it was not
        pressed.set()
        assert sender.communicate(timeout=60)[0] == "None\n"


def test_a_message_arrives_with_its_title() -> None:
    with serving(lambda _: 200) as server:
        assert Apprise("pager", server.address).send(MESSAGE) is None
        assert server.taken == ["title\nbody"]


def test_nobody_at_the_address_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    assert Apprise("pager", f"json://127.0.0.1:{port}").send(MESSAGE) == "it was refused, or nobody is there"


def test_the_channels_of_a_plan_are_known_by_where_their_addresses_stand(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PAGER_URL", "json://host/SECRET")
    (tmp_path / "chat.txt").write_text("json://host/OTHER\n")
    plan = [
        Alert(to=Reference(env="PAGER_URL"), since=Severity.CRITICAL),
        Alert(to=Reference(file="chat.txt")),
        Alert(to="json://host/X"),
    ]
    found = channels(plan, tmp_path)
    assert [each.name for each in found] == ["alert 1 (PAGER_URL)", "alert 2 (chat.txt)", "alert 3"]
    assert [each.since for each in found] == [Severity.CRITICAL, Severity.WARNING, Severity.WARNING]
    assert [each.address for each in found] == ["json://host/SECRET", "json://host/OTHER", "json://host/X"]


def test_a_plan_with_an_address_that_is_missing_or_wrong_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("PAGER_URL", raising=False)
    with pytest.raises(UsageError, match=r"^alert 1 \(PAGER_URL\): the environment has no PAGER_URL, or an empty one$"):
        channels([Alert(to=Reference(env="PAGER_URL"))], tmp_path)
    with pytest.raises(UsageError, match=r"^alert 1: that is no address: [^S]*$"):
        channels([Alert(to="SECRET")], tmp_path)
