"""Who writes or reads which partitions where machines have zones: as many as can be led in the worker's own."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

ZONE: Final = "ray.io/availability-zone"  # the label by which Ray itself tells where a node is
Hands = tuple[tuple[int, ...], ...]  # by worker, the numbers of its places


class Near(NamedTuple):
    """Zones that have both workers and leaders, in which zone each partition (topic, number) is led, and the brokers'."""

    zones: tuple[str, ...]
    leaders: Mapping[tuple[str, int], str]
    racks: Mapping[int, str]

    def zone(self, index: int) -> str:
        """Where a fleet wants its worker with that index: in each zone by turns."""
        return self.zones[index % len(self.zones)]


def near(nodes: Iterable[str], leaders: Mapping[tuple[str, int], str], racks: Mapping[int, str]) -> Near | None:
    """What is known where nodes say their zones and brokers their racks; None where they have none in common."""
    zones = tuple(sorted({*nodes} & {*leaders.values()} - {""}))
    return Near(zones, leaders, racks) if zones else None


def strange(nodes: Iterable[str], racks: Mapping[int, str]) -> str:
    """In a sentence, that both sides say where they are, but in no common words; empty where that is not so."""
    zones, theirs = sorted({*nodes}), sorted({*racks.values()})
    if not (zones and theirs) or {*zones} & {*theirs}:
        return ""
    return f"nodes are in {', '.join(zones)}, brokers in {', '.join(theirs)}: nothing can be kept in one zone"


@lru_cache(maxsize=64)
def share_out(leaders: tuple[str, ...], writers: int, zones: tuple[str, ...]) -> Hands:
    """What each worker has of the places that are led in `leaders`, where workers are in `zones` ("": nobody knows).

    Every place is had by `writers` workers (all, where there are fewer), and workers' numbers of places differ by one at
    most. It is as if the fleet had grown one by one: the newcomer takes its equal part from those that have most, places
    of its own zone first and such as are strange to who gives them; nothing else moves.
    """
    names = sorted({*leaders, *zones})
    led, living = (np.array([names.index(one) for one in some], np.int64) for some in (leaders, zones))
    has = np.zeros((len(zones), len(leaders)), np.bool_)
    has[: min(writers, len(zones))] = True
    for newcomer in range(writers, len(zones)):
        _take(has, newcomer, len(leaders) * writers // (newcomer + 1), led, living)
    return tuple(tuple(np.flatnonzero(hand).tolist()) for hand in has)


def _take(has: NDArray[np.bool_], newcomer: int, count: int, led: NDArray[np.int64], living: NDArray[np.int64]) -> None:
    """`count` distinct places, each from one of those that have most at that moment."""
    givers = has[:newcomer]
    left = givers.sum(axis=1)
    one_hot = np.eye(max(led.max(initial=0), living.max()) + 1, dtype=np.int64)[led]
    offers = givers.astype(np.int64) @ one_hot  # by giver and zone, places that the newcomer has not
    gains = np.zeros_like(offers)
    gains[:, living[newcomer]] += 1
    gains[np.arange(newcomer), living[:newcomer]] -= 1
    for _ in range(count):
        able = (left == left.max())[:, None] & (offers > 0)
        worth = gains * (len(led) + 1) + offers  # among equals what a giver has most of, so that its rest stays mixed
        giver, zone = np.unravel_index(np.where(able, worth, -2 * len(led) - 2).argmax(), gains.shape)
        place = np.flatnonzero(givers[giver] & ~has[newcomer] & (led == zone))[-1]
        offers[:, zone] -= givers[:, place]
        givers[giver, place], has[newcomer, place] = False, True
        left[giver] -= 1
