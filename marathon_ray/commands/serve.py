"""``marathon serve``: the endless rotation of a plan."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import MAXYEAR, UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from actors.units import parse_duration
from marathon_ray.alerts.alert import Channel
from marathon_ray.alerts.apprise import channels, check
from marathon_ray.alerts.sending import Alerts
from marathon_ray.blocking import blocking
from marathon_ray.event import Event
from marathon_ray.ground import Ground
from marathon_ray.journal import read as read_journal
from marathon_ray.memory import give_back
from marathon_ray.metrics import ADDRESS, PORT, Metrics, Page
from marathon_ray.news import Kind, event
from marathon_ray.outcome import EXIT, Outcome
from marathon_ray.rotation.checking import Draft
from marathon_ray.rotation.controller import Controller, Where
from marathon_ray.rotation.copying import Copying
from marathon_ray.rotation.inbox import Command, Inbox
from marathon_ray.rotation.ledger import events, muted
from marathon_ray.rotation.plan import Plan
from marathon_ray.rotation.sifting import Mistake
from marathon_ray.store import Store
from marathon_ray.usage import UsageError

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_PORTS = 65_535


def obey(controller: Controller, alerts: Alerts, command: Command) -> str:
    """What a person who has commanded is told. Raises UsageError, of one line, where nothing is done."""
    match command.word, command.arguments:
        case "mute", {"duration": text}:
            return _mute(controller, alerts, str(text))
        case "interrupt", {"why": why}:
            return controller.interrupt(str(why))
        case "set", {"field": name, "value": text}:
            return controller.change(str(name), text)
        case "stop", _:
            controller.stop("stopped by command")
            return "the rotation ends; a run that goes on heals and cleans up first: seconds, or a minute or two"
        case ("status" | "hold" | "release" | "skip" | "pause") as word, _:
            return str(getattr(controller, word)())
    raise UsageError(f"{command.word}: this controller knows no such command")


def _mute(controller: Controller, alerts: Alerts, text: str) -> str:
    try:
        seconds = parse_duration(text)
    except ValueError as error:
        raise UsageError(str(error)) from None
    try:
        until = datetime.now(UTC) + timedelta(seconds=seconds)
    except OverflowError:
        raise UsageError(f"duration {text!r}: it ends beyond the year {MAXYEAR}") from None
    controller.note_mute(until if seconds else None)
    alerts.mute(until if seconds else None)
    return f"nobody is alerted until {until:%Y-%m-%d %H:%M:%S} UTC" if seconds else "alerts go out as ever"


class Log:
    """A sink that prints a line for each event."""

    def accept(self, event: Event) -> None:
        """One more."""
        over = ", over" if event.over else ""
        message = " ".join(event.message.split())
        sys.stdout.write(f"{event.at.astimezone(UTC):%Y-%m-%d %H:%M:%S} {event.severity}{over}: {message}\n")
        sys.stdout.flush()


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class Options:
    """What a plan may say, too: an option that is given here is stronger."""

    results: Path | None = None
    """The folder in which each run has a folder of its own, and the rotation its journal and its lease (./results)."""
    store: str | None = None
    """Where finished runs and the journal are copied: s3://bucket/prefix, gs://bucket/prefix or file:///folder."""
    places: Literal["ray", "here"] | None = None
    """Where workers live: on Ray (as ever), or in this process."""
    ray: str | None = None
    """The Ray cluster's address; without it one is started here."""
    nodes: Literal["any", "spot"] | None = None
    """The nodes of the Ray cluster on which workers live: all (any), or those that are labelled as spot."""
    wait: Annotated[bool, Parameter(negative=())] = False
    """Where another controller holds the lease: wait for it."""
    metrics: str | None = None
    """HOST:PORT of a page for Prometheus (127.0.0.1:9464)."""


def serve(plan: Path, /, *, options: Options = Options()) -> int:
    """Play turn after turn of a plan until it is stopped, or its budget is used up. Exits with 4 after a signal.

    Parameters
    ----------
    plan
        A YAML file; `docs/rotation.md` says what may stand in it. An option that is given here is stronger.
    """
    draft = Draft(plan, check)
    wanted = draft.plan(partial(_unusable, options))
    where = _where(wanted, options)
    copies = _store(options.store) or (Store(wanted.store) if wanted.store else None)  # which was asked by now
    page = _address(options.metrics if options.metrics is not None else wanted.metrics or f"{ADDRESS}:{PORT}")
    # Room is a run's concern: nodes may all be gone at this moment, or a dead controller's workers still be on them.
    ground = Ground(on_ray=where.places == "ray", address=where.ray, seats=0, nodes=where.nodes)
    board = Metrics()
    controller = Controller(
        wanted, where, sinks=(Log(), board), tell=board, finished=(board.finished, give_back), revise=draft.revised
    )
    office = Office(controller, board, page, channels(wanted.alerts, plan.parent), copies, hears=ground.on_ray)
    controller.office = office.opened
    try:
        ground.connect()
        asyncio.run(_served(controller))
    finally:
        ground.leave()
    return EXIT[Outcome.INTERRUPTED] if controller.stopping in {number.name for number in _SIGNALS} else 0


def _where(plan: Plan, given: Options) -> Where:
    """As given, else as the plan says, else as ever."""
    return Where(
        results=given.results or Path(plan.results or "results"),
        places=given.places or plan.places or "ray",
        ray=given.ray or plan.ray,
        nodes=given.nodes or plan.nodes or "any",
        wait=given.wait,
    )


def _unusable(given: Options, plan: Plan) -> Iterator[Mistake]:
    """Addresses of a plan that cannot be used; one for which an option was given does not count."""
    looks: dict[str, Callable[[str], object]] = {"store": _store, "metrics": _address}
    for name, look in looks.items():
        text = getattr(plan, name)
        if text is None or getattr(given, name) is not None:
            continue
        try:
            look(text)
        except UsageError as error:
            yield Mistake((name,), str(error).removeprefix(name).lstrip(": "))


def _store(address: str | None) -> Store | None:
    if address is None:
        return None
    store = Store(address)
    store.check()
    return store


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or int(port) > _PORTS:
        raise UsageError(f"metrics {text!r}: write HOST:PORT, as {ADDRESS}:{PORT}")
    return host, int(port)


@dataclass(frozen=True, slots=True)
class Office:
    """What a controller needs once the rotation is its own, and not before, while another one may have it."""

    controller: Controller
    board: Metrics
    page: tuple[str, int]  # where the board is shown
    channels: Sequence[Channel] = ()
    store: Store | None = None
    hears: bool = False

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """The rotation is ours, and its journal is whole. One after the other is opened, and closed in reverse: nobody is
        heard any more before anything ends, and people are told of whatever fails before that."""
        async with AsyncExitStack() as stack:
            alerts = self._alerts()
            stack.push_async_callback(blocking, alerts.close)
            page = Page(self.board, *self.page)
            stack.push_async_callback(blocking, page.close)
            if self.store:
                copying = self._copying(self.store)
                stack.push_async_callback(blocking, copying.close)
            if self.hears:
                await stack.enter_async_context(self._heard(alerts))
            yield

    def _alerts(self) -> Alerts:
        """From where the former controller ended."""
        controller, entries = self.controller, list(read_journal(self.controller.path))
        alerts = Alerts(
            self.channels,
            controller.accept,
            known=controller.plan.known,
            past=list(events(entries)),
            muted=muted(entries),
        )
        controller.sinks = (*controller.sinks, alerts)
        return alerts

    def _copying(self, store: Store) -> Copying:
        copying = Copying(store, self.controller.path, self.controller.accept)
        self.controller.finished = (*self.controller.finished, copying.finished)
        return copying

    @asynccontextmanager
    async def _heard(self, alerts: Alerts) -> AsyncIterator[None]:
        """Commands are obeyed within."""
        inbox = Inbox(self.controller.plan.bench)
        serving = asyncio.create_task(inbox.serve(partial(obey, self.controller, alerts), self._unheard))
        try:
            yield
        finally:
            inbox.close()
            await serving

    def _unheard(self, why: str) -> None:
        message = f"commands are not heard\n{why}" if why else "commands are heard"
        self.controller.accept(event(Kind.INBOX_FAILED, "commands", message, over=not why))


async def _served(controller: Controller) -> None:
    loop = asyncio.get_running_loop()
    for number in _SIGNALS:
        loop.add_signal_handler(number, partial(controller.stop, number.name, again=True))
    try:
        await controller.serve()
    finally:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)
