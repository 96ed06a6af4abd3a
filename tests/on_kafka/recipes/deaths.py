"""Producers killed with SIGKILL at random moments under load, and what each death left in the dark."""

import math
import random
import threading
from collections import Counter
from dataclasses import dataclass
from typing import Final

from actors.spec import Producers
from actors.tally import Outcome
from marathon_ray.finding import Tail
from marathon_ray.kafka.local import LocalKafka
from tests.on_kafka.recipes import truth
from tests.on_kafka.recipes.loader import Loader
from tests.on_kafka.recipes.recipes import SAFE
from tests.on_kafka.recipes.result import Result, judged
from tests.on_kafka.recipes.stage import Stage

RATE: Final = 3_000  # records a second of each producer
COLLECT_SECONDS: Final = 0.2
_PARTITIONS: Final = 3
_SOONEST, _LATEST = 0.2, 1.5  # seconds from a producer's first acknowledgement to its end


@dataclass(frozen=True, slots=True)
class Death:
    """What is known of one. `tail` is what the accounts say it left in the dark.

    `silence` (s) went from the last cut that was heard to the kill. `due` is how many records the schedule held until then,
    `reported` of how many the client had told when it was last heard.
    """

    client: int
    tail: Tail
    silence: float
    due: int
    reported: int

    @property
    def bound(self) -> int:
        """No more than this may be in the dark: what was due, without what had come back when all was last told."""
        return self.due - self.reported


@dataclass(frozen=True, slots=True)
class Series:
    """Deaths one after the other on one topic, and what became of all their records."""

    deaths: tuple[Death, ...]
    result: Result
    pending: Counter[int]  # by client: attempted as far as was told, and never told what became of it
    unheard: Counter[int]  # by client: in the log, beyond all that was told as attempted


def kill_producers(kafka: LocalKafka, topic: str, *, times: int, seed: int) -> Series:
    """One producer after the other loads and is killed; then all is read and judged."""
    with Stage(kafka, topic, num_partitions=_PARTITIONS, replication_factor=3, config=SAFE) as stage:
        chance = random.Random(seed)
        deaths = tuple(_die(stage, f"loader {number}", chance.uniform(_SOONEST, _LATEST)) for number in range(times))
        balance = stage.rig.finish(*stage.auditors)
        result = judged(stage, balance, truth.read(kafka.client_properties(), topic, _PARTITIONS))
        return _series(stage, deaths, result)


def _series(stage: Stage, deaths: tuple[Death, ...], result: Result) -> Series:
    told = Counter(client for outcome in Outcome for _, client, _ in truth.told(stage.rig.parts, outcome))
    pending: Counter[int] = Counter()
    for (_, client), count in result.attempted.items():
        pending[client] += count
    pending.subtract(told)
    return Series(deaths, result, pending, Counter(client for _, client, _ in _beyond(result)))


def _die(stage: Stage, name: str, after: float) -> Death:
    spec = Producers.model_validate({"to": stage.topic, "rate": f"{RATE} records/s", "size": "200 B"})
    loader: Loader = stage.rig.start(Loader(name, stage.rig.target), spec)
    stage.write_on(1)
    killer = threading.Timer(after, loader.kill)  # it strikes between two collects or within one
    killer.start()
    stage.rig.until(lambda: loader.killed_at > 0, every=COLLECT_SECONDS, what="the kill")
    killer.join()
    tail = stage.rig.bury(loader)
    parts, heard = stage.rig.heard[name], loader.testimony
    (client,) = {client for part in parts for client in part.clients["client"].tolist()}
    assert heard.began, f"{name} was last heard before its first record"
    due = 1 + math.ceil(RATE * (loader.killed_at - heard.began) / 1e9)
    return Death(client, tail, (loader.killed_at - parts[-1].at) / 1e9, due, heard.reported)


def _beyond(result: Result) -> list[truth.Identity]:
    """Records in the log beyond what their client was known to have attempted."""
    return [each for each in result.log.present if each[2] >= result.attempted.get(each[:2], 0)]
