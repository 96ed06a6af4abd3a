"""``marathon serve``: the endless rotation of a plan."""

import asyncio
import signal
import sys
from contextlib import ExitStack
from datetime import UTC
from pathlib import Path
from typing import Literal

from marathon_ray.alerts.apprise import channels, check
from marathon_ray.alerts.sending import Alerts
from marathon_ray.event import Event
from marathon_ray.ground import Ground
from marathon_ray.metrics import ADDRESS, PORT, Metrics, Page
from marathon_ray.outcome import EXIT, Outcome
from marathon_ray.rotation.checking import read
from marathon_ray.rotation.controller import Controller, Where

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Log:
    """A sink that prints a line for each event."""

    def accept(self, event: Event) -> None:
        """One more."""
        over = ", over" if event.over else ""
        message = " ".join(event.message.split())
        sys.stdout.write(f"{event.at.astimezone(UTC):%Y-%m-%d %H:%M:%S} {event.severity}{over}: {message}\n")
        sys.stdout.flush()


def serve(
    plan: Path,
    /,
    *,
    results: Path = Path("results"),
    places: Literal["ray", "here"] = "ray",
    ray: str | None = None,
    wait: bool = False,
    metrics: str = f"{ADDRESS}:{PORT}",
) -> int:
    """Play turn after turn of a plan until it is stopped, or its budget is used up. Exits with 4 after a signal.

    Parameters
    ----------
    plan
        A YAML file; `docs/rotation.md` says what may stand in it.
    results
        The folder in which each run has a folder of its own, and the rotation its journal and its lease.
    places
        Where workers live: on Ray, or in this process.
    ray
        The Ray cluster's address; without it one is started here.
    wait
        Where another controller holds the lease: wait for it.
    metrics
        HOST:PORT of a page for Prometheus.
    """
    wanted = read(plan, refuse=check)
    host, _, port = metrics.rpartition(":")
    ground = Ground(on_ray=places == "ray", address=ray, seats=1)
    with ExitStack() as stack:
        board = Metrics()
        stack.enter_context(Page(board, host, int(port)))
        controller = Controller(wanted, Where(results, places, ray, wait), finished=board.finished)
        ways = channels(wanted.alerts, plan.parent)
        alerts = stack.enter_context(Alerts(ways, controller.accept, known=wanted.known))
        controller.sinks = (Log(), board, alerts)
        stack.callback(ground.leave)
        ground.connect()
        asyncio.run(_served(controller))
    return EXIT[Outcome.INTERRUPTED] if controller.stopping in {number.name for number in _SIGNALS} else 0


async def _served(controller: Controller) -> None:
    loop = asyncio.get_running_loop()
    for number in _SIGNALS:
        loop.add_signal_handler(number, controller.stop, number.name)
    try:
        await controller.serve()
    finally:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)
