"""A run in which everything goes wrong at random that may: brokers, tallies, the auditor. All of it from one seed."""

import math
import random
import time
from collections.abc import Iterable
from typing import Final

from actors.producer import Producer
from actors.spec import Producers
from actors.tally import Tally
from marathon_ray.kafka.local import LocalKafka
from tests.on_kafka.recipes import truth
from tests.on_kafka.recipes.recipes import SAFE
from tests.on_kafka.recipes.result import Result, judged
from tests.on_kafka.recipes.stage import Stage, mend

_PARTITIONS: Final = 4
_WRITERS: Final = 2
_TRAILING: Final = 2.0  # seconds that the live court's second pass keeps behind the first
_STEP: Final = 0.2
_BROKEN: Final = (0.5, 4.0)  # seconds, shorter and longer than a session
_PATIENCE: Final = 8  # times as long as asked, where a slow machine takes so long to bring nodes back
_LOAD: Final = {"rate": "4000 records/s", "size": "100 B..400 B"}


class Careless:
    """A way from workers to accounts on which tallies are lost, come twice, or come behind later ones."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._held: dict[str, Tally] = {}

    def __call__(self, tally: Tally) -> Iterable[Tally]:
        """What arrives now."""
        held = self._held.pop(tally.worker, None)
        late = [held] if held else []
        match self._chance.choice(("lost", "twice", "held", "well", "well")):
            case "lost":
                return late
            case "twice":
                return [tally, *late, tally]
            case "held":
                self._held[tally.worker] = tally
                return late
            case _:
                return [tally, *late]


class Misfortune:
    """Breaks one node at a time, and mends it; the next one only when all are in sync."""

    def __init__(self, stage: Stage, chance: random.Random) -> None:
        self._stage, self._chance = stage, chance
        self._mend_at = 0.0
        self.done: list[str] = []

    def befall(self) -> None:
        """Break or mend, if it is time."""
        if self._mend_at and time.monotonic() >= self._mend_at:
            mend(self._stage.kafka)
            self._mend_at = 0.0
        elif not self._mend_at and self._stage.in_sync():
            self._break()
            self._mend_at = time.monotonic() + self._chance.uniform(*_BROKEN)

    def _break(self) -> None:
        kafka = self._stage.kafka
        how = self._chance.choice((kafka.kill, kafka.stop, kafka.pause))
        node = self._chance.choice(kafka.nodes)
        how(node)
        self.done.append(f"{how.__name__} {node}")


def run(kafka: LocalKafka, topic: str, *, seed: int, seconds: float, times: int) -> tuple[Result, list[str]]:
    """Load while all that goes on, so long and until nodes were befallen so many times.

    Returns the truth beside the verdicts, and what was done to nodes. After every step the sums of every court add up,
    else AssertionError; TimeoutError if nodes were not befallen as often in eight times the seconds.
    """
    chance = random.Random(seed)
    with Stage(
        kafka, topic, num_partitions=_PARTITIONS, replication_factor=3, config=SAFE, trailing=_TRAILING
    ) as stage:
        writers = [_write(stage, number) for number in range(_WRITERS)]
        stage.write_on(1_000)
        done = _misfortunes(stage, chance, seconds, times)
        stage.heal()
        stage.rig.retire(*writers)
        balance = stage.rig.finish(*stage.auditors)
        return judged(stage, balance, truth.read(kafka.client_properties(), topic, _PARTITIONS)), done


def _misfortunes(stage: Stage, chance: random.Random, seconds: float, times: int) -> list[str]:
    """All goes wrong that may, and once the live court's auditor is lost; returns what befell nodes."""
    stage.rig.post = Careless(random.Random(chance.random()))
    misfortune = Misfortune(stage, chance)
    now = time.monotonic()
    restart_at, deadline = now + chance.uniform(0.2, 0.8) * seconds, now + seconds
    while time.monotonic() < deadline or len(misfortune.done) < times:
        if time.monotonic() > now + _PATIENCE * seconds:
            raise TimeoutError(f"nodes were befallen {len(misfortune.done)} of {times} times: {misfortune.done}")
        _step(stage, misfortune)
        if time.monotonic() >= restart_at:
            stage.auditors[0] = stage.rig.audit_on(stage.auditors[0], _TRAILING)
            restart_at = math.inf
    return misfortune.done


def _write(stage: Stage, number: int) -> Producer:
    spec = Producers.model_validate({"to": stage.topic, **_LOAD})
    writer: Producer = stage.rig.start(Producer(f"writer {number}", stage.rig.target), spec, of=_WRITERS, index=number)
    return writer


def _step(stage: Stage, misfortune: Misfortune) -> None:
    misfortune.befall()
    time.sleep(_STEP)
    stage.rig.step()
    for court in stage.rig.courts:
        assert court.accounts.balance().faults() == {}
