"""``marathon serve``: the endless rotation of a plan."""

import asyncio
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import MAXYEAR, UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Annotated, Literal, ParamSpec

from cyclopts import Parameter

from actors.units import parse_duration
from marathon_ray.alerts.alert import Channel
from marathon_ray.alerts.apprise import channels, check
from marathon_ray.alerts.sending import Alerts
from marathon_ray.event import Event
from marathon_ray.ground import Ground
from marathon_ray.journal import read as read_journal
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

P = ParamSpec("P")
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


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
            return "the rotation ends; a run that goes on heals and cleans up first"
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


def in_turn(*calls: Callable[P, None] | None) -> Callable[P, None]:
    """All of them, one after the other."""

    def each(*args: P.args, **kwargs: P.kwargs) -> None:
        for call in calls:
            if call:
                call(*args, **kwargs)

    return each


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
    copies = _store(options.store or wanted.store)
    host, port = _address(options.metrics or wanted.metrics or f"{ADDRESS}:{PORT}")
    ground = Ground(on_ray=where.places == "ray", address=where.ray, seats=1, nodes=where.nodes)
    with ExitStack() as stack:
        board = Metrics()
        stack.enter_context(Page(board, host, port))
        controller = Controller(
            wanted, where, sinks=(Log(), board), tell=board, finished=board.finished, revise=draft.revised
        )
        office = Office(controller, channels(wanted.alerts, plan.parent), hears=ground.on_ray, store=copies)
        stack.callback(ground.leave)
        ground.connect()
        asyncio.run(_served(controller, office))
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
    if not host or not port.isdecimal():
        raise UsageError(f"metrics {text!r}: write HOST:PORT, as {ADDRESS}:{PORT}")
    return host, int(port)


@dataclass(slots=True)
class Office:
    """What a controller needs once the rotation is its own, and not before, while another one may have it: people to be
    told, from where the former one ended, and commands."""

    controller: Controller
    channels: Sequence[Channel]
    hears: bool
    store: Store | None = None
    _commands: "asyncio.Task[None] | None" = None

    def open(self) -> None:
        """The rotation is ours, and its journal is whole."""
        controller, entries = self.controller, list(read_journal(self.controller.path))
        alerts = Alerts(
            self.channels,
            controller.accept,
            known=controller.plan.known,
            past=list(events(entries)),
            muted=muted(entries),
        )
        controller.sinks, controller.last = (*controller.sinks, alerts), alerts.close
        if self.store:
            copying = Copying(self.store, controller.path, controller.accept)
            controller.finished = in_turn(controller.finished, copying.finished)
            controller.last = in_turn(copying.close, alerts.close)
        if self.hears:
            inbox = Inbox(controller.plan.bench)
            self._commands = asyncio.create_task(inbox.serve(partial(obey, controller, alerts), self._unheard))

    def _unheard(self, why: str) -> None:
        message = f"commands are not heard\n{why}" if why else "commands are heard"
        self.controller.accept(event(Kind.INBOX_FAILED, "commands", message, over=not why))

    def close(self) -> None:
        """Nobody is heard any more."""
        if self._commands:
            self._commands.cancel()


async def _served(controller: Controller, office: Office) -> None:
    loop = asyncio.get_running_loop()
    for number in _SIGNALS:
        loop.add_signal_handler(number, controller.stop, number.name)
    controller.first = office.open
    try:
        await controller.serve()
    finally:
        office.close()
        for number in _SIGNALS:
            loop.remove_signal_handler(number)
