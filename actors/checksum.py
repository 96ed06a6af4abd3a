"""The checksum of a record and the hash behind digests, as numba functions: no standard, but blind to no single flip.

Four independent multiply-xor lanes over eight-byte words. Each word enters one lane by a bijection and each lane enters
the result by a bijection, so any change inside one word changes the checksum for certain; other changes go unseen once
in 2**64.
"""

from typing import Any

import numba as nb
import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from actors.compiled import JIT

_M1 = np.uint64(0x9E3779B185EBCA87)
_M2 = np.uint64(0xC2B2AE3D27D4EB4F)
_M3 = np.uint64(0x165667B19E3779F9)
_S29, _S31, _S33, _S7, _S57 = (np.uint64(bits) for bits in (29, 31, 33, 7, 57))
_W1, _W2, _W3, _WORD = (np.uint64(size) for size in (8, 16, 24, 8))
_STEP = np.uint64(32)
_HEAD, _SUM = np.uint64(48), np.uint64(40)
_THREE, _SEVEN, _ONE = np.uint64(3), np.uint64(7), np.uint64(1)


def _loader(bits: int) -> Any:
    @intrinsic
    def load(context: Any, address: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            pointer = builder.inttoptr(values[0], ir.IntType(bits).as_pointer())
            return builder.load(pointer, align=1)  # a fetched value starts anywhere

        return getattr(types, f"uint{bits}")(types.uint64), generate

    return load


load_u8, load_u16, load_u32, load_u64 = (_loader(bits) for bits in (8, 16, 32, 64))


@nb.njit(inline="always", **JIT)
def mix64(value):
    """A bijection of 64 bits that looks random (the finalizer of splitmix64, Steele, Lea and Flood 2014)."""
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> _S31)


@nb.njit(**JIT)
def tail(address, size):
    """The `size` (u64, 7 at most) bytes at `address` as one little-endian word."""
    word = np.uint64(0)
    for index in range(size):
        word |= np.uint64(load_u8(address + index)) << (np.uint64(8) * np.uint64(index))
    return word


@nb.njit(**JIT)
def checksum(value, size, key, key_size):
    """The checksum of `size` (48 at least) bytes at `value`, the sum's own place left out, and `key_size` bytes at `key`.

    All four are u64; `key` is not touched where `key_size` is 0.
    """
    h0, h1, h2, h3 = _M1 ^ size, _M2 ^ (key_size * _M3), ~_M1, ~_M2
    for word in range(5):
        h1 = (h1 ^ load_u64(value + np.uint64(8 * word))) * _M2
        h1 ^= h1 >> _S29
    at = value + _HEAD
    end = value + size
    while at + _STEP <= end:
        h0 = (h0 ^ load_u64(at)) * _M1
        h1 = (h1 ^ load_u64(at + _W1)) * _M2
        h2 = (h2 ^ load_u64(at + _W2)) * _M1
        h3 = (h3 ^ load_u64(at + _W3)) * _M2
        h0 ^= h0 >> _S31
        h1 ^= h1 >> _S31
        h2 ^= h2 >> _S31
        h3 ^= h3 >> _S31
        at += _STEP
    while at + _WORD <= end:
        h0 = (h0 ^ load_u64(at)) * _M1
        h0 ^= h0 >> _S31
        at += _WORD
    if at < end:
        h0 = (h0 ^ tail(at, end - at)) * _M3
    end = key + key_size
    at = key
    while at + _WORD <= end:
        h2 = (h2 ^ load_u64(at)) * _M3
        h2 ^= h2 >> _S29
        at += _WORD
    if at < end:
        h2 = (h2 ^ tail(at, end - at)) * _M2
    h = ((h0 ^ ((h1 << _S7) | (h1 >> _S57))) * _M1) ^ (h2 * _M2) ^ (h3 + _M1)
    return h ^ (h >> _S33)


@nb.njit(inline="always", **JIT)
def place_hash(offset, client, sequence):
    """The hash of (offset, client, sequence), all u64, whose sum is a digest."""
    return mix64((offset * _M1) ^ (client + sequence * _M2))
