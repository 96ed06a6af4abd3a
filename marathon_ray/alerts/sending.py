"""Alerts are a sink: each channel has a thread that sends, rests and tries again, and none is in the way of a run."""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from types import TracebackType
from typing import Final, Self

from marathon_ray.alerts.alert import (
    USUAL,
    Batch,
    Book,
    Channel,
    Rules,
    delivered,
    due,
    failed,
    heard,
    recalled,
    silenced,
    taken,
)
from marathon_ray.alerts.wording import message
from marathon_ray.event import Event, Severity
from marathon_ray.news import Kind
from marathon_ray.rotation.plan import Known

_LOG: Final = logging.getLogger(__name__)
Tell = Callable[[Event], None]
_NAP: Final = 60.0  # s after which a sleeper looks at the clock again, which may have been set


class Alerts:
    """Takes events and tells people. What becomes of messages is told as events in turn, by `tell`, from other threads.

    `past` are the events of a former life of the controller, oldest first: what it had told is not told once more, and what
    it had no time for is.
    """

    def __init__(
        self,
        channels: Sequence[Channel],
        tell: Tell,
        *,
        known: Sequence[Known] = (),
        rules: Rules = USUAL,
        past: Iterable[Event] = (),
        muted: datetime | None = None,
    ) -> None:
        self._known = known
        self._muted = muted
        past = [event for event in past if not silenced(event, known, None)]
        self._desks = [_Desk(channel, tell, replace(rules, since=channel.since), past, muted) for channel in channels]

    def accept(self, event: Event) -> None:
        """It is told if it must be; at once, and nobody waits for it."""
        if not silenced(event, self._known, self._muted):
            for desk in self._desks:
                desk.accept(event)

    def mute(self, until: datetime | None) -> None:
        """Nobody is told anything until then; None: as ever. What happens meanwhile is an event, and told if it goes on."""
        self._muted = until
        for desk in self._desks:
            desk.mute(until)

    def close(self, within: float = 20.0) -> None:
        """What waits is tried once more, for so many seconds at most; what could not be sent then is an event."""
        end = time.monotonic() + within
        for desk in self._desks:
            desk.close()
        for desk in self._desks:
            desk.join(end - time.monotonic())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


class _Desk:
    """One channel: its book, and the thread that works by it."""

    def __init__(
        self, channel: Channel, tell: Tell, rules: Rules, past: Iterable[Event], muted: datetime | None
    ) -> None:
        self._channel, self._tell, self._rules = channel, tell, rules
        self._changed = threading.Condition()
        self._book, self._under_way, self._closing, self._tried = Book(), Batch(()), False, False
        self._muted = muted
        for event in past:
            if self._is_for_us(event):
                self._book = heard(self._book, event, rules)
            elif event.kind == Kind.ALERTED and event.facts.get("channel") == channel.name:
                self._book = recalled(self._book, str(event.facts["told"]).split(), event.at)
        self._thread = threading.Thread(target=self._work, name=f"alerts to {channel.name}", daemon=True)
        self._thread.start()

    def _is_for_us(self, event: Event) -> bool:
        """News of messages are no news for messages, nor that this channel fails for this channel."""
        own = event.kind == Kind.CHANNEL_FAILED and event.facts.get("channel") == self._channel.name
        return event.kind != Kind.ALERTED and not own

    def accept(self, event: Event) -> None:
        if self._is_for_us(event):
            with self._changed:
                self._book = heard(self._book, event, self._rules)
                self._changed.notify()

    def mute(self, until: datetime | None) -> None:
        with self._changed:
            self._muted = until
            self._changed.notify()

    def close(self) -> None:
        with self._changed:
            self._closing = True
            self._changed.notify()

    def join(self, seconds: float) -> None:
        self._thread.join(seconds)
        with self._changed:
            left = len(self._book.waiting.notices) + len(self._under_way.notices)
        if left:
            self._say(self._failure(f"{left} notices could not be sent before the end"))

    def _work(self) -> None:
        while (batch := self._next()) is not None:
            self._send(batch)

    def _next(self) -> Batch | None:
        """What is to be sent now, as soon as there is anything; None at the end."""
        with self._changed:
            while not self._closing:
                now = datetime.now(UTC)
                at = due(self._book, now, self._rules)
                if at is not None and (at := max(at, self._muted or at)) <= now:
                    return self._take()
                self._changed.wait(None if at is None else min(_NAP, (at - now).total_seconds()))
            if self._tried or self._is_muted() or not self._book.waiting.notices:
                return None
            self._tried = True
            return self._take()

    def _is_muted(self) -> bool:
        return self._muted is not None and datetime.now(UTC) < self._muted

    def _take(self) -> Batch:
        self._book, self._under_way = taken(self._book)
        return self._under_way

    def _send(self, batch: Batch) -> None:
        why, severity = self._try(batch)
        with self._changed:
            now, before = datetime.now(UTC), self._book.failures
            self._book = delivered(self._book, now) if why is None else failed(self._book, batch, now, self._rules)
            self._under_way = Batch(())
        if why is None:
            self._say(self._success(batch, severity))
        if why is None and before:
            self._say(self._failure("it works again", over=True))
        if why is not None and not before:
            self._say(self._failure(why))

    def _say(self, event: Event) -> None:
        """Whoever listens may be gone before us, and messages are to arrive all the same."""
        try:
            self._tell(event)
        except Exception:  # noqa: BLE001 - whatever a listener may raise
            _LOG.exception("an event was not heard: %s", event.message)

    def _try(self, batch: Batch) -> tuple[str | None, Severity]:
        try:
            each = message(batch)
            return self._channel.send(each), each.severity
        except Exception as error:  # noqa: BLE001 - whatever a channel may raise; its words may hold an address
            return f"it raised {type(error).__name__}", Severity.WARNING

    def _success(self, batch: Batch, severity: Severity) -> Event:
        name, told = self._channel.name, [each.event.id for each in batch.notices]
        return Event(
            severity=Severity.INFO,
            kind=Kind.ALERTED,
            about=f"messages to {name}",
            message=f"{name} was told: {len(told)} notices",
            facts={"channel": name, "severity": severity.value, "told": " ".join(told)},
        )

    def _failure(self, why: str, *, over: bool = False) -> Event:
        name = self._channel.name
        return Event(
            severity=Severity.INFO if over else Severity.WARNING,
            kind=Kind.CHANNEL_FAILED,
            about=f"alerts to {name}",
            message=f"alerts to {name}: {why}",
            over=over,
            facts={"channel": name},
        )
