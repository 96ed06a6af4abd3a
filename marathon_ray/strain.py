"""How full the bench's own workers make their nodes: many that each use half a core may have filled one all the same."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Final

from actors.order import Host

_SECONDS: Final = 0.5  # of a look at least: answers do not come as regularly as rounds


class Strain:
    """Of the node that is the fullest, the share of its processors that our workers' processes used."""

    def __init__(self, now: float) -> None:
        self.share = 0.0
        self._looked = now
        self._spent: dict[tuple[str, int], float] = {}

    def look(self, hosts: Iterable[Host], now: float) -> float:
        """The share (1 is all that the node's limit or its processors allow) by these last words, at `now` (monotonic s); that
        of the look before where it was only just. A process that is new counts from here on."""
        seconds = now - self._looked
        if seconds < _SECONDS:
            return self.share
        spent, there = dict[tuple[str, int], float](), dict[str, float]()
        for host in hosts:  # of one process the newest: several seats may be in it, and some of them long closed
            key = host.node, host.pid
            spent[key] = max(host.cpu_seconds, spent.get(key, 0.0))
            there[host.node] = host.processors
        used = defaultdict[str, float](float)
        for (node, pid), now_spent in spent.items():
            used[node] += now_spent - self._spent.get((node, pid), now_spent)
        self.share = max((used[node] / (seconds * processors) for node, processors in there.items()), default=0.0)
        self._looked, self._spent = now, spent
        return self.share
