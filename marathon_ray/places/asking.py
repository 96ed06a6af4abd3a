"""Asking many seats at once: each has one open ask at most, and only those that are prompt are waited for."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Generic, TypeAlias, TypeVar

from actors.order import Ask
from marathon_ray.places.place import Reply, Silent

Call = TypeVar("Call")
# Waits so many seconds for all of these calls and tells which have ended, and how; called in a thread.
Ended: TypeAlias = Callable[[Mapping[str, Call], float], Mapping[str, Reply]]


class Asking(Generic[Call]):
    """The open asks. `send` begins calls of these seats and returns at once; `ended` waits for calls by seat.

    A seat is prompt once it has answered in time. One that is not is looked at but not waited for, so that one that
    hangs, or has not come to life, costs the others one limit and no more; where none is prompt, all are waited for.
    """

    def __init__(self, send: Callable[[Mapping[str, Ask]], Mapping[str, Call]], ended: Ended[Call]) -> None:
        self._send, self._ended = send, ended
        self._open: dict[str, Call] = {}
        self._prompt: set[str] = set()

    async def ask(self, asks: Mapping[str, Ask], *, within: float) -> Mapping[str, Reply]:
        """A reply of each of these seats, `within` so many seconds."""
        self._open |= self._send({seat: ask for seat, ask in asks.items() if seat not in self._open})
        calls = {seat: self._open[seat] for seat in asks}
        replies = await asyncio.to_thread(self._wait, calls, within)
        for seat, call in calls.items():
            self._note(seat, call, answered=seat in replies)
        return {seat: replies.get(seat, Silent()) for seat in asks}

    def _wait(self, calls: Mapping[str, Call], within: float) -> Mapping[str, Reply]:
        prompt = {seat: call for seat, call in calls.items() if seat in self._prompt} or calls
        others = {seat: call for seat, call in calls.items() if seat not in prompt}
        first = self._ended(prompt, within) if prompt else {}
        return {**first, **(self._ended(others, 0) if others else {})}

    def _note(self, seat: str, call: Call, *, answered: bool) -> None:
        if self._open.get(seat) is not call:
            return  # it was forgotten meanwhile
        if answered:
            del self._open[seat]
            self._prompt.add(seat)
        else:
            self._prompt.discard(seat)

    def forget(self, seat: str) -> None:
        """The seat is gone: whatever it would still say is not heard."""
        self._open.pop(seat, None)
        self._prompt.discard(seat)
