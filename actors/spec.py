"""What a whole fleet shall do, and how it is cut into slices: rates are totals, partitions are shared out."""

import heapq
import re
from collections.abc import Mapping
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from typing import Annotated, Final, Literal, Self, TypeAlias

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, model_validator

from actors.load import FixedSize, Keys, NoKeys, Sizes
from actors.near import Near, share_out
from actors.pace import SECOND, Curve, Knot
from actors.units import UNLIMITED, Duration, Rate, Share, duration_text

# Which field, or what else, says what a client property would.
_OWNED: Final = {
    **dict.fromkeys(("bootstrap.servers", "metadata.broker.list"), "the cluster says where it is"),
    "client.id": "the run names its clients",
    "allow.auto.create.topics": "it is always false, so that a deleted topic stays deleted",
    **dict.fromkeys(("acks", "request.required.acks"), "use the field acks"),
    "enable.idempotence": "use the field idempotent",
    "queue.buffering.max.messages": "use the field in_flight",
    **dict.fromkeys(("partitioner", "partitioner_cb"), "a slice says which partitions are written"),
    "transactional.id": "the run names its transactions",
    "transaction.timeout.ms": "use the field timeout",
    "group.id": "use the field group",
    "group.protocol": "use the field protocol",
    "isolation.level": "use the field isolation",
    "enable.auto.commit": "offsets are committed once a tally has arrived",
    "auto.commit.interval.ms": "offsets are committed once a tally has arrived",
    "enable.auto.offset.store": "offsets are committed once a tally has arrived",
    "auto.offset.reset": "use the field begin, or none: an auditor never lets its offset be reset",
    "enable.partition.eof": "it is always on where something is read",
}
_LIBRDKAFKA_TEXT: Final = {True: "true", False: "false"}
Place: TypeAlias = tuple[str, int]  # topic, partition


def _topics(value: object) -> object:
    return (value,) if isinstance(value, str) else value


def _distinct(topics: tuple[str, ...]) -> tuple[str, ...]:
    if not topics or not all(topics) or len(set(topics)) < len(topics):
        raise ValueError(f"topics {list(topics)}: name one or more, each once")
    return topics


def _texts(value: object) -> object:
    """Values of client properties as librdkafka reads them."""
    if not isinstance(value, Mapping):
        return value
    return {name: _LIBRDKAFKA_TEXT[v] if isinstance(v, bool) else str(v) for name, v in value.items()}


def _not_owned(properties: dict[str, str]) -> dict[str, str]:
    for name in properties:
        if name in _OWNED:
            raise ValueError(f"property {name} is not for a fleet to set: {_OWNED[name]}")
    return properties


def _acks(value: object) -> object:
    return {-1: "all", "-1": "all", 0: "0", 1: "1"}.get(value, value) if isinstance(value, int | str) else value


def _knot(text: str) -> tuple[str, float]:
    match = re.fullmatch(r"\s*(\S.*)\s+(\d+(?:\.\d+)?)\s*%\s*", text)
    if not match:
        raise ValueError(f"curve {text!r}: write times and shares of the rate, as 0 s 10 %, 5 min 100 %")
    return match[1], float(match[2]) / 100


def _knots(value: object) -> object:
    """The knots of a text like "0 s 10 %, 5 min 100 %", or of its parts (a command line may have split it)."""
    parts = value.split(",") if isinstance(value, str) else value
    return [_knot(part) if isinstance(part, str) else part for part in parts] if isinstance(parts, list) else parts


def _ascends(knots: tuple[tuple[float, float], ...]) -> tuple[tuple[float, float], ...]:
    for (left, _), (right, _) in pairwise(knots):
        if right <= left:
            raise ValueError(f"curve: {duration_text(right)} does not come after {duration_text(left)}")
    if knots and not any(share for _, share in knots):
        raise ValueError("curve: at some time its share of the rate is above 0")
    return knots


Topics: TypeAlias = Annotated[tuple[str, ...], BeforeValidator(_topics), AfterValidator(_distinct)]
Properties: TypeAlias = Annotated[dict[str, str], BeforeValidator(_texts), AfterValidator(_not_owned)]
Knots: TypeAlias = Annotated[
    tuple[tuple[Duration, Annotated[float, Field(ge=0, le=1000)]], ...],
    BeforeValidator(_knots),
    AfterValidator(_ascends),
]
Partitions: TypeAlias = dict[str, tuple[int, ...]]
Stand: TypeAlias = tuple[int, int]  # offset, and the leader epoch of the record before it
Protocol: TypeAlias = Literal["classic", "consumer"]
Name: TypeAlias = Annotated[str, Field(min_length=1)]


class WorkerSpec(BaseModel, frozen=True, extra="forbid"):
    """What a fleet of `workers` (None: as many as the plan finds necessary) shall do; a slice has its `index`.

    Where nodes and brokers tell their zones, `zones` says whether partitions that are led in a worker's own are preferred."""

    workers: Annotated[int, Field(ge=1)] | None = None
    starts: Literal["now", "later"] = "now"
    properties: Properties = {}
    zones: Literal["prefer", "ignore"] = "prefer"
    index: Annotated[int, Field(ge=0)] | None = None

    def slice(self, index: int, of: int, partitions: Mapping[str, int], near: Near | None = None) -> Self:  # noqa: ARG002 - others cut partitions
        """Worker `index`'s part, of `of` workers; `partitions` says how many each topic has, `near` (where zones are known)
        which of them are led where.

        The slices of a fleet add up to the whole. Raises ValueError on an index outside the fleet, a slice of a slice,
        and a topic whose partitions are not named.
        """
        self._sliceable(index, of)
        return self.model_copy(update={"index": index})

    def _sliceable(self, index: int, of: int) -> None:
        if self.index is not None:
            raise ValueError(f"this is slice {self.index} of a fleet already: slice the whole")
        if not 0 <= index < of:
            raise ValueError(f"no slice {index} in a fleet of {of}")


class Producers(WorkerSpec, frozen=True):
    """Writes to every partition of `to`, each getting the same share of `rate`.

    No more than `writers_per_partition` workers write to one partition, which bounds how many streams must be
    followed. `in_flight` counts records of one worker. `curve` scales the rate over the time since the fleet's start.
    """

    to: Topics
    rate: Rate = UNLIMITED
    curve: Knots = ()
    size: Sizes = FixedSize(size=1024)
    keys: Keys = NoKeys()
    compressible: Share = 0.0
    acks: Annotated[Literal["all", "1", "0"], BeforeValidator(_acks)] = "all"
    idempotent: bool = True
    writers_per_partition: Annotated[int, Field(ge=1, le=1000)] = 4
    in_flight: Annotated[int, Field(ge=1, le=1_000_000)] = 20_000
    partitions: Partitions = {}

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        _positive(self.rate, self.index)
        if self.idempotent and self.acks != "all":
            raise ValueError(f"acks={self.acks} cannot be idempotent: add idempotent=False, or use acks=all")
        if self.curve and self.rate.amount is None:
            raise ValueError("a curve needs a rate: it is a share of it")
        return self

    def slice(self, index: int, of: int, partitions: Mapping[str, int], near: Near | None = None) -> Self:
        """Its partitions, and the share of the rate that they make up."""
        self._sliceable(index, of)
        hands = _hands(_places(self.to, partitions), self.writers_per_partition, of, near)
        rate = self.rate.part(Fraction(len(hands[index]), sum(map(len, hands))))
        return self.model_copy(update={"index": index, "partitions": _by_topic(hands[index]), "rate": rate})

    def schedule(self) -> Curve:
        """For `Pace`: records a second over the time since the start; a rate in bytes goes by the mean size of values."""
        rate = self.rate.records(self.size.mean)
        if rate is None:
            return ()
        knots = self.curve or ((0.0, 1.0),)
        return tuple(Knot(round(at * SECOND), rate * Fraction(repr(share))) for at, share in knots)


class Consumers(WorkerSpec, frozen=True):
    """Members of one group that read `of`. A rate is a limit; paused members stay in the group and read nothing."""

    of: Topics
    group: Name
    protocol: Protocol = "classic"
    isolation: Literal["read_committed", "read_uncommitted"] = "read_committed"
    begin: Literal["earliest", "latest"] = "earliest"
    rate: Rate = UNLIMITED
    paused: bool = False

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        _positive(self.rate, self.index)
        return self

    def slice(self, index: int, of: int, partitions: Mapping[str, int], near: Near | None = None) -> Self:  # noqa: ARG002 - the group cuts those
        """An equal share of the rate."""
        self._sliceable(index, of)
        return self.model_copy(update={"index": index, "rate": self.rate.part(Fraction(1, of))})


class Auditors(WorkerSpec, frozen=True):
    """Read all of `of` twice: near the tail, and afresh when a record is at least `trailing` old.

    What is old enough is read in portions, one every quarter of `trailing`, or every 30 s.

    `begin` says where the two passes of a partition go on, by topic and partition, each as an offset and the leader epoch
    of the record before it (-1: not known); the others begin where the log does.
    """

    of: Topics
    trailing: Duration = 300.0
    partitions: Partitions = {}
    begin: dict[str, dict[int, tuple[Stand, Stand]]] = {}

    @property
    def look(self) -> float:
        """Seconds between two looks at where the passes and the logs stand."""
        return max(0.25, min(self.trailing / 8, 5.0))

    @property
    def portion(self) -> float:
        """Seconds between two portions of the second pass: each costs what was fetched ahead of it."""
        return min(self.trailing / 4, 30.0)

    @property
    def latest(self) -> float:
        """How old a record is (s) when the second pass comes to it, at most, if it keeps up."""
        return self.trailing + self.portion + self.look

    def slice(self, index: int, of: int, partitions: Mapping[str, int], near: Near | None = None) -> Self:
        """Its partitions; each has exactly one auditor."""
        self._sliceable(index, of)
        hand = _hands(_places(self.of, partitions), 1, of, near)[index]
        return self.model_copy(update={"index": index, "partitions": _by_topic(hand)})


def transactional_id(group: str, index: int) -> str:
    """Of the worker with that slice of a fleet of transactors: who takes its place has it, too."""
    return f"{group}-{index}"


class Transactors(WorkerSpec, frozen=True):
    """Copy `of` to `to`, exactly once: read as members of a group, write and commit in one transaction.

    `aborts` is the share of transactions that are planned to abort.
    """

    of: Topics
    to: Topics
    group: Name
    protocol: Protocol = "classic"
    records_per_transaction: Annotated[int, Field(ge=1, le=1_000_000)] = 1_000
    aborts: Share = 0.0
    timeout: Annotated[Duration, Field(gt=0)] = 60.0

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        if common := set(self.of) & set(self.to):
            raise ValueError(f"topic {min(common)} is copied to itself, without end")
        return self


def _positive(rate: Rate, index: int | None) -> None:
    """Only a slice may have a rate of 0: a worker for which no partition is left."""
    if rate.amount is not None and (rate.amount < 0 or (rate.amount == 0 and index is None)):
        raise ValueError(f"rate {rate}: it is above 0, or unlimited")


def _places(topics: tuple[str, ...], partitions: Mapping[str, int]) -> tuple[Place, ...]:
    for topic in topics:
        if partitions.get(topic, 0) < 1:
            raise ValueError(f"topic {topic}: {partitions.get(topic)} partitions; the number is needed to cut a fleet")
    return tuple((topic, partition) for topic in topics for partition in range(partitions[topic]))


def _by_topic(places: tuple[Place, ...]) -> Partitions:
    topics = dict.fromkeys(topic for topic, _ in places)
    return {name: tuple(sorted(partition for topic, partition in places if topic == name)) for name in topics}


def _hands(places: tuple[Place, ...], writers: int, of: int, near: Near | None) -> tuple[tuple[Place, ...], ...]:
    if near is None:
        return assign(places, writers, of)
    leaders, zones = tuple(near.leaders.get(place, "") for place in places), tuple(map(near.zone, range(of)))
    return tuple(tuple(places[number] for number in hand) for hand in share_out(leaders, writers, zones))


@lru_cache(maxsize=64)
def assign(places: tuple[Place, ...], writers: int, of: int) -> tuple[tuple[Place, ...], ...]:
    """What each of `of` workers has: every place is had by `writers` of them (all, where there are fewer).

    Workers' numbers of places differ by one at most. It is as if the fleet had grown one by one, the newcomer taking
    its equal part from those that had most: from n to n + 1 workers nothing else moves, so 1 / (n + 1) of all.
    """
    hands: list[list[Place]] = []
    for size in range(1, of + 1):
        if size <= writers:
            begin = len(places) * (size - 1) // min(writers, of)  # so that takings begin in different parts
            hands.append([*places[begin:], *places[:begin]])
        else:
            hands.append(_take_from(hands, len(places) * writers // size))
    return tuple(tuple(hand) for hand in hands)


def _take_from(hands: list[list[Place]], count: int) -> list[Place]:
    """`count` distinct places, each from one of those that have most at that moment."""
    fullest = [(-len(hand), number) for number, hand in enumerate(hands)]
    heapq.heapify(fullest)
    taken: dict[Place, None] = {}
    for _ in range(count):
        size, number = fullest[0]
        hand = hands[number]
        last = next(at for at in range(len(hand) - 1, -1, -1) if hand[at] not in taken)
        taken[hand.pop(last)] = None
        heapq.heapreplace(fullest, (size + 1, number))
    return list(taken)
