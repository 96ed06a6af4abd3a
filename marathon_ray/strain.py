"""How full the bench's own workers make their nodes: many that each use half a core may have filled one all the same."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from actors.order import Host

_SECONDS: Final = 0.5  # that a process is looked at for at least: rounds may follow one another at once


@dataclass(frozen=True, slots=True)
class _Seen:
    """Of one process the word that it is measured from, and the share of a core that it used before that."""

    since: Host
    share: float = 0.0

    def then(self, host: Host) -> "_Seen":
        seconds = host.at - self.since.at
        if seconds < _SECONDS:
            return self
        return _Seen(host, (host.cpu_seconds - self.since.cpu_seconds) / seconds)


class Strain:
    """Each process is measured between its own words and by its own clock, whenever these come."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, int], _Seen] = {}

    def look(self, hosts: Iterable[Host]) -> Mapping[str, float]:
        """By node, the share of its processors (1 is all that its limit allows) that these processes use together. One that is
        new, or was not heard in the look before, counts from here on."""
        newest: dict[tuple[str, int], Host] = {}
        for host in hosts:  # several seats may be in one process
            key = host.node, host.pid
            newest[key] = max(host, newest.get(key, host), key=lambda one: one.at)
        self._seen = {key: self._seen.get(key, _Seen(host)).then(host) for key, host in newest.items()}
        shares = defaultdict[str, float](float)
        for (node, _), seen in self._seen.items():
            shares[node] += seen.share / seen.since.processors
        return shares
