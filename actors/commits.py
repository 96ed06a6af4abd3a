"""Commits on their way: what a client asked to be its group's offsets, and what the coordinator answered."""

from collections.abc import Mapping
from itertools import count
from typing import NamedTuple, TypeAlias

from actors import bindings as rd
from actors.librdkafka import Handle, Listed, Place, check

Stints: TypeAlias = Mapping[Place, int]  # which stint asks for each offset


class Answer(NamedTuple):
    """What was asked is the group's; with an `error`, it is not."""

    asked: Stints
    error: int


class Commits:
    """Commits of one client, which is closed after them. librdkafka retries where that may help."""

    def __init__(self, client: Handle) -> None:
        self._client, self._queue = client, rd.queue_new(client)
        self._numbers = count(1)
        self._asked: dict[int, Stints] = {}

    def ask(self, stints: Stints) -> None:
        """All these offsets shall be the group's; does not wait."""
        number = next(self._numbers)
        self._asked[number] = stints
        with Listed(stints) as listed:
            check(rd.commit_queue(self._client, listed, self._queue, None, number), "commit failed")

    def answers(self) -> list[Answer]:
        """What was answered since the last call. librdkafka tells one error for all that was asked at once: where the
        coordinator refused one offset, the others count as refused with it."""
        answers = []
        while event := rd.queue_poll(self._queue, 0):
            answers.append(Answer(self._asked.pop(rd.event_opaque(event)), rd.event_error(event)))
            rd.event_destroy(event)
        return answers

    def close(self) -> None:
        """What is not answered by now will not be heard of."""
        rd.queue_destroy(self._queue)
