"""Workers in threads of this process, collected into accounts by hand: a run without scenario, fleets and places."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

from actors.tally import Tally
from actors.worker import Worker
from marathon_ray.accounts import Accounts
from marathon_ray.balance import Balance
from marathon_ray.finding import Finding, Window
from marathon_ray.standing import standing
from marathon_ray.told import PASSES, Place

_PAUSE: Final = 0.1  # seconds between two rounds
_STOP_SECONDS: Final = 150.0  # a producer may wait for its last reports as long as its messages may live


class SmallRun:
    """`step` collects from every worker once, and settles. `counts` are the sums of what workers have counted, `findings`
    those that stand."""

    def __init__(self, accounts: Accounts) -> None:
        self.accounts = accounts
        self.counts: Counter[str] = Counter()
        self.findings: list[Finding] = []
        self._told: dict[tuple[str, Place], tuple[int, bool]] = {}
        self._committed: dict[tuple[str, Place], int] = {}
        self._hands: dict[str, tuple[Worker[Any], threading.Thread]] = {}

    def start(self, name: str, worker: Worker[Any]) -> None:
        """The worker runs; it was told what to do."""
        thread = threading.Thread(target=worker.run, name=name, daemon=True)
        self._hands[name] = (worker, thread)
        thread.start()

    def step(self) -> None:
        """One round. Raises RuntimeError where a worker has ended by itself."""
        for name, (worker, thread) in self._hands.items():
            if not thread.is_alive():
                raise RuntimeError(f"worker {name} ended by itself")
            self._take(worker.collect(self.accounts.version(name)))
        self._enter(self.accounts.settle())

    def until(self, done: Callable[[], bool], what: str, *, within: float = 60.0) -> None:
        """Step until that is so. Raises TimeoutError."""
        deadline = time.monotonic() + within
        while not done():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{what} took more than {within:g} s")
            time.sleep(_PAUSE)
            self.step()

    def retire(self, *names: str) -> None:
        """These workers have ended, and all that they have told is booked. Raises TimeoutError."""
        hands = {name: self._hands.pop(name) for name in names}
        for worker, _ in hands.values():
            worker.stop()
        deadline = time.monotonic() + _STOP_SECONDS
        for name, (worker, thread) in hands.items():
            while thread.is_alive() and time.monotonic() < deadline:
                thread.join(_PAUSE)
                self._take(worker.collect(self.accounts.version(name)))
            if thread.is_alive():
                raise TimeoutError(f"the end of worker {name} took more than {_STOP_SECONDS:g} s")
            self._take(worker.collect(self.accounts.version(name)))
        self.step()

    def abandon(self) -> None:
        """Ask every worker to end, and wait for none."""
        for worker, _ in self._hands.values():
            worker.stop()

    def begin_drain(self) -> None:
        """What the passes said of ends before now does not count."""
        self.accounts.begin_drain()
        self._told = {key: told for key, told in self._told.items() if key[0] not in PASSES}

    def at_the_ends(self, places: list[Place]) -> bool:
        """Whether both passes have said since the drain began that each of these partitions ends where they stand."""
        told = [self._told.get((reading, place), (0, False)) for reading in PASSES for place in places]
        return all(at_end for _, at_end in told)

    def caught_up(self, group: str, places: list[Place]) -> bool:
        """Whether the group stands where the first pass does, or beyond."""
        stands = {
            reading: [self._told.get((reading, place), (-1, False))[0] for place in places]
            for reading in (PASSES[0], group)
        }
        return all(mine >= first for mine, first in zip(stands[group], stands[PASSES[0]], strict=True))

    def committed(self, group: str, places: list[Place]) -> bool:
        """Whether the group has committed up to where the first pass stands, or beyond."""
        ends = [self._told.get((PASSES[0], place), (0, False))[0] for place in places]
        return all(self._committed.get((group, place), 0) >= end for place, end in zip(places, ends, strict=True))

    def finish(self) -> Balance:
        """Every worker has ended, and the rest is judged."""
        self.retire(*self._hands)
        self._enter(self.accounts.finish())
        return self.accounts.balance()

    def _take(self, tally: Tally) -> None:
        for part in tally.after(self.accounts.version(tally.worker)):
            self.counts.update(part.counts)
            for topic, partition, _, offset in part.commits.tolist():
                place = (part.reading, (topic, partition))
                self._committed[place] = max(offset, self._committed.get(place, 0))
            for topic, partition, position, at_end in part.positions.tolist():
                self._told[part.reading, (topic, partition)] = (position, bool(at_end))
        self.accounts.take(tally)

    def _enter(self, window: Window) -> None:
        self.findings = standing([*self.findings, *window.findings], window.withdrawn)
