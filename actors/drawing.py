"""What kernels draw of a load for each record: its size, its key, its body. Compiled; who only plans a load needs none."""

from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from actors.checksum import mix64
from actors.compiled import compiled
from actors.load import NO_KEYS, SEQUENTIAL, TABLE, UNIFORM, KeyPlan

_GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)
POOL: Final = 8192  # words: 64 KiB
Whole: TypeAlias = int | np.integer[Any]


@compiled
def draw(seed: Whole, sequence: Whole) -> np.uint64:
    """Output number `sequence` (0, 1, …) of splitmix64 seeded with `seed`: 64 even bits (Steele et al., OOPSLA 2014)."""
    return np.uint64(mix64(np.uint64(seed) + (np.uint64(sequence) + np.uint64(1)) * _GOLDEN))


@compiled
def size_of(table: NDArray[np.uint32], seed: Whole, sequence: Whole) -> np.int64:
    """Bytes of that record's value."""
    return np.int64(table[draw(seed, sequence) & np.uint64(TABLE - 1)])


@compiled
def key_of(plan: KeyPlan, seed: Whole, sequence: Whole) -> np.int64:
    """Index of that record's key, 0 to keys - 1; drawn apart from its size. Without keys: 0."""
    if plan.kind == NO_KEYS:
        return np.int64(0)
    if plan.kind == SEQUENTIAL:
        return np.int64(np.uint64(sequence) % np.uint64(plan.keys))
    drawn = draw(~np.uint64(seed), sequence)
    index = np.int64((drawn >> np.uint64(32)) * np.uint64(plan.keys) >> np.uint64(32))
    if plan.kind == UNIFORM or (drawn & np.uint64(0xFFFFFFFF)) <= plan.threshold[index]:
        return index
    return np.int64(plan.alias[index])


@compiled
def fill(words: NDArray[np.uint64], pool: NDArray[np.uint64], drawn: Whole) -> None:
    """Fills the words of a body from the pool; `drawn`, a mix64 of the record, says where it begins and what differs.

    Zero words stay zero, all others are the pool's, xored with one number a record and pass through the pool: no two
    records share a sequence of bytes that a compressor could find.
    """
    begin = np.uint64(drawn) & np.uint64(POOL - 1)
    at, size = np.uint64(0), np.uint64(words.size)
    while at < size:
        count = min(size - at, np.uint64(POOL) - begin)
        source, target, salt = pool[begin : begin + count], words[at : at + count], draw(drawn, at)
        for place in range(count):  # straight through memory, which the compiler turns into wide instructions
            word = source[place]
            target[place] = (word ^ salt) if word != 0 else word
        at += count
        begin = np.uint64(0)


def pool(compressible: float, seed: int) -> NDArray[np.uint64]:
    """8,192 words of which that share is zero (rounded to a whole word in each 64) and the rest drawn, not zero.

    A body compresses to about 1 - `compressible` of its size: zlib comes within 0.03 of that on batches.
    """
    drawn = np.array([draw(np.uint64(seed), place) for place in range(POOL)], np.uint64) | np.uint64(1)
    drawn[np.arange(POOL) % 64 >= 64 - round(64 * compressible)] = 0
    return drawn
