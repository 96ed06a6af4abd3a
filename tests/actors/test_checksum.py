"""What the checksum sees: every single flip and every pair of swapped words, in head, key and value."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.checksum import checksum, place_hash
from actors.record import HEAD

SKIPPED = range(HEAD.fields["checksum"][1], HEAD.itemsize)  # type: ignore[index]


def checksum_of(value: bytes, key: bytes) -> int:
    v, k = np.frombuffer(value + b"\xaa", np.uint8), np.frombuffer(key + b"\xaa", np.uint8)
    return int(checksum(*(np.uint64(n) for n in (v.ctypes.data, len(value), k.ctypes.data, len(key)))))


values = st.binary(min_size=48, max_size=200)
keys = st.binary(max_size=20)


@given(values, keys, st.data())
def test_any_one_flipped_bit_is_seen(value: bytes, key: bytes, data: st.DataObject) -> None:
    whole = bytearray(value + key)
    places = [at for at in range(len(whole)) if at not in SKIPPED]
    at, bit = data.draw(st.sampled_from(places)), data.draw(st.integers(0, 7))
    whole[at] ^= 1 << bit
    flipped = checksum_of(bytes(whole[: len(value)]), bytes(whole[len(value) :]))
    assert flipped != checksum_of(value, key)


@pytest.mark.parametrize("size", [48, 104, 105, 1_024])
def test_any_two_swapped_words_are_seen(size: int) -> None:
    value = np.random.default_rng(size).bytes(size)
    words = [at for at in range(0, size - 7, 8) if at not in SKIPPED]
    before = checksum_of(value, b"k" * 16)
    for left, right in combinations(words, 2):
        swapped = bytearray(value)
        swapped[left : left + 8], swapped[right : right + 8] = value[right : right + 8], value[left : left + 8]
        assert checksum_of(bytes(swapped), b"k" * 16) != before


@given(values, keys)
def test_a_byte_more_or_less_is_seen(value: bytes, key: bytes) -> None:
    sums = {checksum_of(value, key), checksum_of(value + b"\0", key), checksum_of(value, key + b"\0")}
    assert len(sums) == 3


def test_a_byte_moved_between_value_and_key_is_seen() -> None:
    assert checksum_of(b"v" * 50 + b"k", b"k" * 7) != checksum_of(b"v" * 50, b"k" * 8)


def test_the_checksum_does_not_read_its_own_place() -> None:
    value = bytearray(b"v" * 64)
    before = checksum_of(bytes(value), b"")
    value[SKIPPED.start : SKIPPED.stop] = b"\xff" * 8
    assert checksum_of(bytes(value), b"") == before


def test_the_checksum_stays_what_older_records_carry() -> None:
    assert checksum_of(bytes(range(100)), bytes(range(16))) == 0xCD61F2EAE7920ACD


def test_a_digest_tells_neighbours_apart() -> None:
    hashes = {
        int(place_hash(np.uint64(o), np.uint64(c), np.uint64(s))) for o in range(8) for c in range(8) for s in range(8)
    }
    assert len(hashes) == 512
