"""Messages arrive over a channel that refuses, hangs or is down; nothing else is held up by it."""

import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest

from marathon_ray.alerts import sending
from marathon_ray.alerts.alert import Message, Rules
from marathon_ray.alerts.apprise import Apprise
from marathon_ray.alerts.sending import Alerts
from marathon_ray.event import Event, Severity
from marathon_ray.news import Kind
from marathon_ray.rotation.plan import Known
from tests.marathon_ray.alerts.rig import broken, mended, serving

QUICK = Rules(rest=timedelta(milliseconds=10), longest=timedelta(milliseconds=50), hourly=10_000)


class Heard:
    """A sink that keeps what it is told, and can be waited for."""

    def __init__(self) -> None:
        self.events, self.changed = list[Event](), threading.Condition()

    def accept(self, event: Event) -> None:
        with self.changed:
            self.events.append(event)
            self.changed.notify_all()

    def until(self, holds: Callable[[], bool]) -> bool:
        with self.changed:
            return self.changed.wait_for(holds, timeout=120)

    def kinds(self, kind: Kind) -> list[Event]:
        return [event for event in self.events if event.kind == kind]


class Fake:
    """A channel that does as it is told, and keeps what it took."""

    def __init__(
        self, name: str = "fake", since: Severity = Severity.WARNING, answer: Callable[[], str | None] = lambda: None
    ) -> None:
        self.name, self.since, self._answer = name, since, answer
        self.taken, self.calls, self.changed = list[Message](), 0, threading.Condition()

    def send(self, message: Message) -> str | None:
        why = self._answer()
        with self.changed:
            self.calls += 1
            if why is None:
                self.taken.append(message)
            self.changed.notify_all()
        return why

    def until(self, holds: Callable[[], bool]) -> bool:
        with self.changed:
            return self.changed.wait_for(holds, timeout=120)


def named(texts: list[str]) -> list[str]:
    """The incidents that the messages speak of, in their order."""
    return [name for text in texts for name in re.findall("<(.*?)>", text)]


def test_every_incident_arrives_in_order_where_half_of_the_calls_are_refused() -> None:
    heard, incidents = Heard(), [f"{number:02}" for number in range(4)]
    with serving(lambda number: 503 if number % 2 == 0 else 200) as server:

        def arrived(count: int) -> bool:
            return len(set(named(server.taken))) == count

        with Alerts([Apprise("pager", server.address)], heard.accept, rules=QUICK) as alerts:
            for number, about in enumerate(incidents, start=1):
                for _ in range(3):
                    alerts.accept(broken(about))
                assert server.until(partial(arrived, number))
            for about in incidents:
                alerts.accept(mended(about))
            assert server.until(lambda: len(named(server.taken)) == 2 * len(incidents))
        texts = server.taken
    first = list(dict.fromkeys(named(texts)))
    assert first == incidents
    assert all(sum(f"<{about}>" in text for text in texts) <= 3 for about in incidents)
    assert "SECRET" not in repr(heard.events)
    assert {event.message for event in heard.kinds(Kind.CHANNEL_FAILED)} == {
        "alerts to pager: it was refused, or nobody is there (HTTP 503)",
        "alerts to pager: it works again",
    }


def test_a_channel_that_hangs_is_cut_off_and_the_others_are_told() -> None:
    heard, free = Heard(), threading.Event()
    other = Fake()
    with serving(lambda number: 200 if free.wait(60) else 500) as server:
        alerts = Alerts([Apprise("hanging", server.address, limit=1.5), other], heard.accept, rules=QUICK)
        alerts.accept(broken("a"))
        assert other.until(lambda: len(other.taken) == 1)
        assert heard.until(lambda: bool(heard.kinds(Kind.CHANNEL_FAILED)))
        free.set()
        alerts.close(60)
    assert heard.kinds(Kind.CHANNEL_FAILED)[0].message == "alerts to hanging: no answer within 1.5 s"


def test_a_channel_that_is_down_is_told_of_once_and_holds_up_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    heard, other, down = Heard(), Fake("up"), Apprise("down", f"json://127.0.0.1:{port}/SECRET")
    alerts = Alerts([down, other], heard.accept, rules=QUICK)
    for number in range(200):
        alerts.accept(broken(str(number)))
    assert heard.until(lambda: bool(heard.kinds(Kind.CHANNEL_FAILED)))
    alerts.close(60)
    first, last = heard.kinds(Kind.CHANNEL_FAILED)
    assert (first.severity, first.message) == (
        Severity.WARNING,
        "alerts to down: it was refused, or nobody is there",
    )
    assert last.message == "alerts to down: 64 notices could not be sent before the end"
    assert other.taken
    assert {event.facts["channel"] for event in heard.kinds(Kind.ALERTED)} == {"up"}
    assert "SECRET" not in repr(heard.events)


def test_the_newest_arrive_when_a_channel_is_back() -> None:
    working = threading.Event()
    heard, channel = Heard(), Fake(answer=lambda: None if working.is_set() else "no")
    with Alerts([channel], heard.accept, rules=QUICK) as alerts:
        for number in range(100):
            alerts.accept(broken(str(number)))
        assert channel.until(lambda: channel.calls >= 2)
        working.set()
        assert channel.until(lambda: bool(channel.taken))
        assert heard.until(lambda: len(heard.kinds(Kind.CHANNEL_FAILED)) == 2)
    assert "36 older ones were not kept" in channel.taken[0].body
    assert heard.kinds(Kind.CHANNEL_FAILED)[1].over


def test_a_channel_that_raises_is_an_event_and_its_words_are_kept_from_all() -> None:
    def raises() -> str | None:
        raise ValueError("json://SECRET")

    heard = Heard()
    with Alerts([Fake(answer=raises)], heard.accept, rules=QUICK) as alerts:
        alerts.accept(broken("a"))
        assert heard.until(lambda: bool(heard.kinds(Kind.CHANNEL_FAILED)))
    assert heard.kinds(Kind.CHANNEL_FAILED)[0].message == "alerts to fake: it raised ValueError"


def test_news_of_messages_become_none_and_only_others_hear_that_a_channel_fails() -> None:
    """All events of alerts come back to them, as they do from the controller."""
    heard, refusals = Heard(), ["no", "no", "no"]
    good, bad = Fake("good", Severity.INFO), Fake("bad", Severity.INFO, lambda: refusals.pop() if refusals else None)
    alerts: Alerts

    def tell(event: Event) -> None:
        heard.accept(event)
        alerts.accept(event)

    alerts = Alerts([good, bad], tell, rules=QUICK)
    alerts.accept(broken("x"))
    assert bad.until(lambda: bool(bad.taken))
    assert good.until(lambda: "[over] alerts to bad: it works again" in _text(good))
    alerts.close(60)
    assert "[warning] alerts to bad: no" in _text(good)
    assert "alerts to bad" not in _text(bad)
    assert "was told" not in _text(good) + _text(bad)
    assert len(heard.kinds(Kind.CHANNEL_FAILED)) == 2


def _speaks(channel: Fake, about: str) -> bool:
    return f"<{about}>" in _text(channel)


def _text(channel: Fake) -> str:
    return "\n".join(f"{message.title}\n{message.body}" for message in channel.taken)


def test_messages_arrive_though_nobody_listens_any_more(caplog: pytest.LogCaptureFixture) -> None:
    def tell(event: Event) -> None:
        raise ValueError("write to closed file")

    channel = Fake()
    with Alerts([channel], tell, rules=QUICK) as alerts:
        for about in "abc":
            alerts.accept(broken(about))
            assert channel.until(partial(_speaks, channel, about))
    assert "an event was not heard: fake was told" in caplog.text


def test_nobody_is_told_while_muted_and_what_goes_on_is_told_after() -> None:
    heard, channel = Heard(), Fake()
    with Alerts([channel], heard.accept, rules=QUICK) as alerts:
        alerts.mute(datetime.now(UTC) + timedelta(hours=1))
        alerts.accept(broken("a"))
        alerts.mute(None)
        alerts.accept(broken("b"))
        assert channel.until(lambda: bool(channel.taken))
        alerts.accept(broken("a"))
    assert named([message.title for message in channel.taken]) == ["b", "a"]


def test_what_waits_for_its_hour_goes_out_at_the_end() -> None:
    heard, channel = Heard(), Fake()
    with Alerts([channel], heard.accept, rules=Rules(hourly=1, kept=0)) as alerts:
        alerts.accept(broken("a"))
        assert channel.until(lambda: len(channel.taken) == 1)
        alerts.accept(broken("b"))
    assert named([message.title for message in channel.taken]) == ["a", "b"]


def test_what_a_former_life_had_no_time_to_tell_is_told() -> None:
    former, heard, channel, told = Heard(), Heard(), Fake(), broken("a")
    with Alerts([Fake()], former.accept, rules=QUICK) as alerts:
        alerts.accept(told)
        assert former.until(lambda: bool(former.kinds(Kind.ALERTED)))
    past = [told, *former.events, broken("b")]
    with Alerts([channel], heard.accept, rules=QUICK, past=past):
        assert heard.until(lambda: bool(heard.kinds(Kind.ALERTED)))
    assert [message.title for message in channel.taken] == ["[critical] <b> broke"]


def test_nobody_is_told_what_a_former_life_was_forbidden_to_tell_before_its_time() -> None:
    channel = Fake()
    until = datetime.now(UTC) + timedelta(hours=1)
    with Alerts([channel], Heard().accept, rules=QUICK, past=[broken("a")], muted=until) as alerts:
        alerts.accept(broken("b"))
    assert channel.taken == []


def test_what_a_former_life_has_told_is_not_told_again_and_its_end_is() -> None:
    former, heard, channel, told = Heard(), Heard(), Fake(), broken("a")
    with Alerts([Fake()], former.accept, rules=QUICK) as alerts:
        alerts.accept(told)
        assert former.until(lambda: bool(former.kinds(Kind.ALERTED)))
    with Alerts([channel], heard.accept, rules=QUICK, past=[told, *former.events]) as alerts:
        alerts.accept(broken("a"))
        alerts.accept(mended("a"))
    assert [message.title for message in channel.taken] == ["[over] <a> is kept"]


def test_what_was_sent_is_an_event_with_its_severity() -> None:
    heard, event = Heard(), broken("a", Severity.WARNING)
    with Alerts([Fake()], heard.accept, rules=QUICK) as alerts:
        alerts.accept(event)
    (sent,) = heard.kinds(Kind.ALERTED)
    assert sent.facts == {"channel": "fake", "severity": "warning", "told": event.id}


def test_what_was_told_and_is_known_by_now_hides_nothing_that_was_not_told() -> None:
    former, heard, channel = Heard(), Heard(), Fake()
    told = broken("told", facts={"scenario": "s", "promise": "P"})
    with Alerts([Fake()], former.accept, rules=QUICK) as alerts:
        alerts.accept(told)
        assert former.until(lambda: bool(former.kinds(Kind.ALERTED)))
    past = [told, broken("waits"), *former.events]
    known = [Known(scenario="s", promise="P", until=date(9999, 1, 1), why="so")]
    with Alerts([channel], heard.accept, rules=QUICK, past=past, known=known):
        assert heard.until(lambda: bool(heard.kinds(Kind.ALERTED)))
    assert named([message.title for message in channel.taken]) == ["waits"]


def test_what_is_refused_at_the_end_is_tried_once_and_told() -> None:
    heard, channel = Heard(), Fake(answer=lambda: "no")
    alerts = Alerts([channel], heard.accept, rules=Rules(rest=timedelta(hours=1), longest=timedelta(hours=1)))
    alerts.accept(broken("a"))
    assert heard.until(lambda: bool(heard.kinds(Kind.CHANNEL_FAILED)))
    alerts.close(60)
    assert channel.calls == 2
    assert heard.kinds(Kind.CHANNEL_FAILED)[-1].message == "alerts to fake: 1 notices could not be sent before the end"


def test_what_is_still_on_its_way_at_the_end_is_told() -> None:
    called, free, heard = threading.Event(), threading.Event(), Heard()

    def hangs() -> str | None:
        called.set()
        return None if free.wait(60) else "no"

    alerts = Alerts([Fake(answer=hangs)], heard.accept, rules=QUICK)
    alerts.accept(broken("a"))
    assert called.wait(60)
    alerts.close(0)
    free.set()
    assert heard.kinds(Kind.CHANNEL_FAILED)[0].message == "alerts to fake: 1 notices could not be sent before the end"


def test_a_channel_that_hangs_for_ever_does_not_keep_a_process_from_its_end() -> None:
    code = (
        "import threading\n"
        "from tests.marathon_ray.alerts.test_sending import Alerts, Fake, broken\n"
        "alerts = Alerts([Fake(answer=lambda: threading.Event().wait())], lambda event: None)\n"
        "alerts.accept(broken('a')); alerts.close(0.2)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_what_waits_is_sent_when_a_clock_is_set_on(monkeypatch: pytest.MonkeyPatch) -> None:
    ahead, channel = [timedelta(0)], Fake()
    monkeypatch.setattr(sending, "datetime", SimpleNamespace(now=lambda zone: datetime.now(zone) + ahead[0]))
    monkeypatch.setattr(sending, "_NAP", 0.05)
    alerts = Alerts([channel], Heard().accept, rules=Rules(hourly=1, kept=0))
    alerts.accept(broken("a"))
    assert channel.until(lambda: len(channel.taken) == 1)
    alerts.accept(broken("b"))
    changed: Any = alerts._desks[0]._changed
    while not changed._waiters:  # it has seen that "b" has to wait for an hour
        time.sleep(0.01)
    ahead[0] = timedelta(hours=2)
    with channel.changed:
        assert channel.changed.wait_for(lambda: len(channel.taken) == 2, timeout=20)
    alerts.close(20)


def test_each_channel_is_told_what_it_asks_for_and_has_not_told_itself() -> None:
    past = [broken("known", facts={"scenario": "s", "promise": "P"}), broken("told")]
    sent = Event(
        severity=Severity.INFO, kind=Kind.ALERTED, about="x", message="x",
        facts={"channel": "first", "told": past[1].id},
    )  # fmt: skip
    known = [Known(scenario="s", promise="P", until=date(9999, 1, 1), why="so")]
    first, second, third = Fake("first"), Fake("second"), Fake("third", Severity.CRITICAL)
    with Alerts([first, second, third], Heard().accept, rules=QUICK, past=[*past, sent], known=known) as alerts:
        alerts.accept(broken("warned", Severity.WARNING))
    told = [sorted(set(named([message.title + message.body for message in each.taken]))) for each in (first, second)]
    assert told == [["warned"], ["told", "warned"]]
    assert named([message.title + message.body for message in third.taken]) == ["told"]
