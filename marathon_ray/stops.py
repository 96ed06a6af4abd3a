"""How a run is stopped from outside: a first signal cancels what goes on, a second the cleaning up too, a third ends all."""

import asyncio
import os
import signal
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

from marathon_ray.outcome import EXIT, Outcome

R = TypeVar("R")

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


class InterruptionError(Exception):
    """A step was cut short from outside."""


class Stops:
    """The signals that came in, and the step that the next one cuts short.

    A cancellation of whoever runs it counts as a signal. Install it after Ray has started: Ray replaces handlers.
    """

    def __init__(self, note: Callable[[str], object]) -> None:
        self.count = 0
        self.cause = ""
        self._note = note
        self._step: asyncio.Task[Any] | None = None
        self._bears = 0  # signals that this step goes on in spite of
        self._loop: asyncio.AbstractEventLoop | None = None

    def install(self) -> None:
        """The signals come here; nothing happens outside the main thread, which has none."""
        loop = asyncio.get_running_loop()
        try:
            for number in _SIGNALS:
                loop.add_signal_handler(number, self.stop, number.name)
            self._loop = loop
        except (RuntimeError, ValueError):
            self._loop = None

    def remove(self) -> None:
        """The signals do what they did."""
        if self._loop:
            for number in _SIGNALS:
                self._loop.remove_signal_handler(number)

    def stop(self, why: str) -> None:
        """Somebody wants an end."""
        self.count += 1
        self.cause = self.cause or why
        if self.count > 2:
            os._exit(EXIT[Outcome.INTERRUPTED])
        words = ("heals and cleans up; once more heals only", "heals only; once more ends at once")
        self._note(f"{why}: {words[self.count - 1]}")
        if self._step and self.count > self._bears:
            self._step.cancel()

    async def step(self, work: Coroutine[Any, Any, R], *, bears: int = 0) -> R:
        """What it returns or raises. Raises InterruptionError if more than `bears` signals have come before its end."""
        if self.count > bears:
            work.close()
            raise InterruptionError(self.cause)
        step, self._bears = asyncio.ensure_future(work), bears
        self._step = step
        try:
            while True:
                try:
                    return await asyncio.shield(step)
                except asyncio.CancelledError as error:
                    if not step.cancelled():  # whoever runs us was cancelled
                        self.stop(str(error.args[0]) if error.args else "cancelled")
                    if step.cancelled():
                        raise InterruptionError(self.cause) from None
        finally:
            self._step = None
