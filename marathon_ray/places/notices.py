"""Which Ray nodes will be taken away: what Ray was told by whoever had the notice of it. Ray calls them draining."""

import asyncio
import math
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from typing import Final

import ray
from ray._private.state import state
from ray.autoscaler.v2.sdk import get_cluster_status

_MOMENT: Final = 0.1  # s; the answer of a head that is well takes some milliseconds
_SECONDS: Final = 5
_DRAINING: Final = "DRAINING"


def draining() -> Mapping[str, float]:
    """By node id when it will be taken away, in monotonic seconds; infinite where that was not said. Blocks while the head
    does not answer. Both ways to ask are Ray's own and may change with a version: the second one does not know when."""
    with suppress(AttributeError, TypeError, ValueError):  # it is there no more, or it is another one
        return {node: _monotonic(milliseconds) for node, milliseconds in state.get_draining_nodes().items()}
    return dict.fromkeys(by_status(), math.inf)


def by_status() -> list[str]:
    """Ids of the same nodes, by the public word of Ray's autoscaler."""
    found = get_cluster_status(ray.get_runtime_context().gcs_address, timeout=_SECONDS)
    nodes = [*found.active_nodes, *found.idle_nodes]
    return [node.node_id for node in nodes if node.node_status == _DRAINING and node.node_id]


def _monotonic(milliseconds: int) -> float:
    """From a wall clock's; 0 says that there is no such time."""
    return time.monotonic() + milliseconds / 1000 - time.time() if milliseconds else math.inf


class Notices:
    """Asks again and again, by a call that may block for long, and never waits for longer than a moment."""

    def __init__(self, ask: Callable[[], Mapping[str, float]]) -> None:
        self._ask = ask
        self._asker = ThreadPoolExecutor(1, thread_name_prefix="notices")
        self._open: Future[Mapping[str, float]] | None = None
        self._known: Mapping[str, float] = {}

    async def heard(self) -> Mapping[str, float]:
        """The newest answer; one that comes too late for this time is that of the next."""
        call = self._open = self._open or self._asker.submit(self._ask)
        await asyncio.to_thread(wait, [call], _MOMENT)
        if call.done() and self._open is call:
            self._open = None
            with suppress(Exception):  # of whatever kind: a head that is gone for a moment gives no notice
                self._known = call.result()
        return self._known

    def close(self) -> None:
        """Nobody asks any more."""
        self._asker.shutdown(wait=False)
