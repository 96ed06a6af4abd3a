"""Serves a rotation for a while on several Ray nodes and a real Kafka, and kills all that may be killed: controller, workers,
nodes, brokers; then looks whether every run is accounted for, no verdict is false, and nothing is left.

python -m benchmarks.soak --minutes 30

One of three scenarios has a topic that is not as safe as it was declared, and loses acknowledged records each time; those of
the others are safe. All promise safety alone, since promises of rates and times fail on a machine that is overloaded.
"""

import argparse
import json
import random
import secrets
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

import psutil

from actors.order import Host
from benchmarks import soak_checks, soaked
from benchmarks.interruptions import leftovers
from benchmarks.moody import Moody
from benchmarks.ray_nodes import RayNodes, kill
from benchmarks.soak_checks import Check
from benchmarks.soak_lives import BENCH, Lives
from marathon_ray.kafka.local import LocalKafka
from marathon_ray.rotation.inbox import say
from marathon_ray.usage import UsageError

EVERY: Final = 120.0  # seconds from one loss to the next
_AWAY: Final = 4.0  # s that a lost node is missed before another one comes
_NOTICE: Final = 30  # s from when a node is told that it will be taken away
_LOOK: Final = 2.0
_SEEN_SECONDS: Final = 90.0  # for the moment in which a controller or a worker is to be killed
_GONE_SECONDS: Final = 60.0
_SEAT: Final = "ray::RayShell"  # what Ray calls a seat's process
_Way = Callable[[RayNodes, random.Random], str]


def _workers(nodes: RayNodes) -> Mapping[str, Host]:
    """Where each is, as soon as there are any: there are none between two runs, and while a controller waits."""
    deadline = time.monotonic() + _SEEN_SECONDS
    while not (hosts := nodes.seats()) and time.monotonic() < deadline:
        time.sleep(_LOOK)
    return hosts


def _lose_worker(nodes: RayNodes, draw: random.Random) -> str:
    hosts = _workers(nodes)
    if not hosts:
        return "no worker was there to be killed"
    name = draw.choice(sorted(hosts))
    kill(hosts[name])
    return f"worker {name} was killed"


def _lose_node(nodes: RayNodes, draw: random.Random) -> str:
    busy = sorted({host.node for host in _workers(nodes).values()} & set(nodes.names()))
    node = draw.choice(busy or sorted(nodes.names()))
    nodes.kill(node)
    time.sleep(_AWAY)
    nodes.add()
    return f"node {node[:8]} was killed{'' if busy else ', where no worker was'}, and another one came"


def _drain_node(nodes: RayNodes, draw: random.Random) -> str:
    busy = sorted({host.node for host in _workers(nodes).values()} & set(nodes.names()))
    node = draw.choice(busy or sorted(nodes.names()))
    nodes.notify(node, seconds=_NOTICE)
    nodes.add()
    deadline = time.monotonic() + _NOTICE
    while not (left := nodes.is_left(node)) and time.monotonic() < deadline:
        time.sleep(_LOOK)
    nodes.kill(node)
    return f"node {node[:8]} was drained, and killed {'when it was left' if left else 'with workers on it'}"


# In which load machines are lost.
WAYS: Final[Mapping[str, _Way]] = {"worker": _lose_worker, "node": _lose_node, "drained node": _drain_node}


@dataclass(slots=True)
class Soak:
    """One soak, in which load machines are lost in all `WAYS` and `kills` controllers are killed."""

    minutes: float
    results: Path
    seed: int = 1
    kills: int = 2
    every: float = EVERY
    tell: Callable[[str], None] = lambda text: print(text, flush=True)
    _draw: random.Random = field(init=False)
    _ways: list[str] = field(init=False, default_factory=list)  # that are left until all begin anew

    def __post_init__(self) -> None:
        self._draw = random.Random(self.seed)

    def run(self) -> list[Check]:
        """All of it, and what is so in the end."""
        with ExitStack() as stack:
            kafka = stack.enter_context(LocalKafka(nodes=3))
            nodes = stack.enter_context(RayNodes())
            moody = stack.enter_context(Moody())
            plan = self.results / "plan.yaml"
            plan.write_text(json.dumps(self._plan(kafka, moody)))
            lives = Lives(plan, self.results / "runs", nodes.address, token=secrets.token_hex(8))
            lives.begin()
            try:
                self._soak(lives, nodes)
                answer = _answer()
                moody.refuses = False  # what waits has one more try at the end
            finally:
                code = lives.end()
            left = [*leftovers(kafka, lives.results, lives.token), *_seats()]
            entries, reports = lives.entries, soak_checks.reports(lives.results)
            return [
                soak_checks.standing(lives, code),
                soak_checks.accounted(entries, lives.cut, reports),
                soak_checks.filed(entries, lives.results),
                soak_checks.safe(entries, reports),
                soak_checks.unsafe(reports),
                soak_checks.alerted(entries, moody.taken),
                soak_checks.arrived(entries, len(moody.taken), moody.refused),
                *([soak_checks.flat(lives)] if self.is_long else []),
                soak_checks.obeys(answer),
                soak_checks.clean(left),
            ]

    @property
    def is_long(self) -> bool:
        """Whether a controller lives for long enough that its growth can be told."""
        return self.minutes * 60 / (self.kills + 1) >= soak_checks.LONG

    def _plan(self, kafka: LocalKafka, moody: Moody) -> dict[str, Any]:
        """JSON is YAML."""
        return {
            "bench": BENCH,
            "clusters": {"kafka": kafka.name},
            "scenarios": [
                {"run": f"{soaked.__file__}:SoakedUnclean", "fields": {"servers": kafka.bootstrap()}},
                {"run": f"{soaked.__file__}:SoakedKill"},
                {"run": f"{soaked.__file__}:SoakedWrite"},
            ],
            "alerts": [{"to": moody.address}],
            "patience": {"interruptions": 20, "invalid": 5, "rest": "2 s"},
        }

    def _soak(self, lives: Lives, nodes: RayNodes) -> None:
        began = time.monotonic()
        acts = list(self._acts(lives, nodes))
        while (now := time.monotonic() - began) < self.minutes * 60:
            if acts and now >= acts[0][0]:
                _, act = acts.pop(0)
                self.tell(f"{now:6.0f} s  {act()}")
            lives.look()
            time.sleep(_LOOK)

    def _acts(self, lives: Lives, nodes: RayNodes) -> Iterator[tuple[float, Callable[[], str]]]:
        """What is done, and after how many seconds, ascending."""
        whole = self.minutes * 60
        cuts = [
            (whole * (number + 1) / (self.kills + 1), partial(_cut, lives, faulted=number % 2 == 0))
            for number in range(self.kills)
        ]
        losses = [(number * self.every, partial(self._lose, nodes)) for number in range(1, int(whole / self.every) + 1)]
        yield from sorted((one for one in (*cuts, *losses) if one[0] < whole - _LOOK), key=lambda one: one[0])

    def _lose(self, nodes: RayNodes) -> str:
        """In an order that is drawn, each way as often as the others."""
        self._ways = self._ways or self._draw.sample(list(WAYS), len(WAYS))
        return WAYS[self._ways.pop()](nodes, self._draw)


def _cut(lives: Lives, *, faulted: bool) -> str:
    return f"controller {len(lives.lives)} was killed in {lives.kill(_SEEN_SECONDS, faulted=faulted)}"


def _answer() -> str:
    """What the controller says of itself."""
    try:
        return say(BENCH, "status")
    except UsageError as error:
        return str(error)


def _seats() -> list[str]:
    """Processes of workers that are there still below this one, after a while."""
    deadline = time.monotonic() + _GONE_SECONDS
    while (found := list(_below())) and time.monotonic() < deadline:
        time.sleep(_LOOK)
    return [f"worker process {number}" for number in found]


def _below() -> Iterator[int]:
    for process in psutil.Process().children(recursive=True):
        try:
            if " ".join(process.cmdline()).startswith(_SEAT):
                yield process.pid
        except psutil.Error:
            continue


def table(checks: Sequence[Check]) -> str:
    """A line for each."""
    return "\n".join(f"{'yes' if one.holds else 'NO':4} {one.what:45} {one.found}" for one in checks)


def main() -> None:
    """Soak, print what was done and the table, and exit with 1 where a check fails."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__.partition("\n\n")[0])
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--kills", type=int, default=2, help="of the controller")
    parser.add_argument(
        "--every", type=float, default=EVERY, help="seconds from one loss of a load machine to the next"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--results", type=Path, help="where everything is left")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        results = asked.results or Path(folder)
        results.mkdir(parents=True, exist_ok=True)
        soak = Soak(asked.minutes, results.resolve(), asked.seed, asked.kills, asked.every)
        checks = soak.run()
    print(table(checks))
    sys.exit(not all(one.holds for one in checks))


if __name__ == "__main__":
    main()
