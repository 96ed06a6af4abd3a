"""How long taking and settling the tallies of one second of load takes: python -m benchmarks.accounts."""

import argparse
import resource
import time
from collections import deque
from dataclasses import dataclass

import numpy as np

from actors.tally import (
    ATTEMPTS,
    BLOCK,
    CLAIMS,
    CLIENTS,
    FOUND,
    POSITIONS,
    SPANS,
    Outcome,
    Part,
    Table,
    Tally,
)
from marathon_ray.accounts import Accounts
from marathon_ray.terms import TopicTerms

SECOND = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Load:
    """`producers` write to `partitions`, each partition from `writers` of them; each stream `rate` records a second."""

    producers: int = 100
    partitions: int = 1_000
    writers: int = 4
    rate: int = 250
    auditors: int = 10
    trail: int = 60  # seconds by which the second pass follows the first


class Simulation:
    """Streams in order; the records of a partition's writers lie interleaved, so that offsets only bound."""

    def __init__(self, load: Load) -> None:
        self.load, self.second = load, 0
        partition = np.repeat(np.arange(load.partitions), load.writers)
        self.client = (partition * load.writers + np.tile(np.arange(load.writers), load.partitions)) % load.producers
        self.partition = partition
        self._trailing: deque[list[Tally]] = deque()

    def _rows(self, layout: np.dtype[np.void]) -> Table:
        rows = np.zeros(len(self.client), layout)
        rows["client"], rows["partition"] = self.client + 1, self.partition
        load, width = self.load, self.load.rate * self.load.writers
        rows["first"], rows["last"] = self.second * load.rate, (self.second + 1) * load.rate - 1
        rows["first_offset"], rows["last_offset"] = self.second * width, (self.second + 1) * width - 1
        rows["until"] = self.second * SECOND
        return rows

    def tick(self) -> list[Tally]:
        """The tallies of the next second: producers, first pass, and the second pass's of `trail` seconds before."""
        self._trailing.append(self._passes("second"))
        tallies = self._producers() + self._passes("first")
        if len(self._trailing) > self.load.trail:
            tallies += self._trailing.popleft()
        self.second += 1
        return tallies

    def _producers(self) -> list[Tally]:
        claims = self._rows(CLAIMS)
        claims["outcome"], claims["since"] = Outcome.ACKNOWLEDGED, claims["until"]
        attempts = np.zeros(len(claims), ATTEMPTS)
        for name in ("client", "partition"):
            attempts[name] = claims[name]
        attempts["attempted"] = claims["last"] + 1
        out = []
        for number in range(self.load.producers):
            mine = self.client == number
            part = Part(
                self.second + 1,
                self.second * SECOND,
                clients=np.array([(number + 1, 0)], CLIENTS),
                attempts=attempts[mine],
                claims=claims[mine],
            )
            out.append(Tally(f"p{number}", (part,)))
        return out

    def _passes(self, reading: str) -> list[Tally]:
        found, spans = self._rows(FOUND), self._spans()
        positions = np.zeros(self.load.partitions, POSITIONS)
        positions["partition"] = np.arange(self.load.partitions)
        positions["position"] = (self.second + 1) * self.load.rate * self.load.writers
        out = []
        for number in range(self.load.auditors):
            rows, places = (
                self.partition % self.load.auditors == number,
                positions["partition"] % self.load.auditors == number,
            )
            part = Part(
                self.second + 1,
                self.second * SECOND,
                reading,
                found=found[rows],
                spans=spans[spans["partition"] % self.load.auditors == number],
                positions=positions[places],
            )
            out.append(Tally(f"{reading}{number}", (part,)))
        return out

    def _spans(self) -> Table:
        width = self.load.rate * self.load.writers
        edges = [self.second * width, (self.second + 1) * width]
        edges[1:1] = range((edges[0] // BLOCK + 1) * BLOCK, edges[1], BLOCK)
        spans = np.zeros((len(edges) - 1, self.load.partitions), SPANS)
        spans["partition"] = np.arange(self.load.partitions)
        spans["first_offset"] = np.array(edges[:-1])[:, None]
        spans["last_offset"] = np.array(edges[1:])[:, None] - 1
        spans["count"] = spans["digest"] = spans["last_offset"] - spans["first_offset"] + 1
        return spans.ravel()


def measure(load: Load, *, seconds: int, every: int) -> dict[str, float]:
    """Run `seconds` of load after the trail has filled; milliseconds for each second of load, rows, peak memory."""
    simulation = Simulation(load)
    accounts = Accounts({0: TopicTerms(topic_id="t", partitions=load.partitions)})
    took, settled, worst, rows = 0.0, 0.0, 0.0, []
    for second in range(load.trail + seconds):
        tallies = simulation.tick()
        begin = time.process_time()
        for tally in tallies:
            accounts.take(tally)
        middle = time.process_time()
        if second % every == every - 1:
            window = accounts.settle()
            assert not window.findings, window.findings[0]
        end = time.process_time()
        if second >= load.trail:
            took, settled, worst = took + middle - begin, settled + end - middle, max(worst, end - begin)
            rows.append(accounts.rows)
    balance = accounts.balance()
    assert not balance.faults()
    return {
        "take": 1e3 * took / seconds,
        "settle": 1e3 * settled / seconds,
        "worst": 1e3 * worst,
        "rows": max(rows),
        "found": balance.total("found"),
        "MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--all-pairs", action="store_true", help="every producer on every partition, too")
    given = parser.parse_args()
    print(
        f"{'streams':>9} {'settle each':>11} {'take ms/s':>10} {'settle ms/s':>12} {'sum ms/s':>9} {'worst ms':>9} {'rows':>9} {'MB':>6}"
    )
    cases = [(Load(), 1), (Load(), 5), (Load(), 10)]
    if given.all_pairs:
        cases.append((Load(writers=100, rate=10, trail=20), 10))
    for load, every in cases:
        got = measure(load, seconds=given.seconds, every=every)
        print(
            f"{load.partitions * load.writers:>9,} {every:>9} s {got['take']:>10.1f} {got['settle']:>12.1f} "
            f"{got['take'] + got['settle']:>9.1f} {got['worst']:>9.1f} {int(got['rows']):>9,} {got['MB']:>6.0f}"
        )


if __name__ == "__main__":
    main()
