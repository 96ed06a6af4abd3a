"""Batches of records that prove themselves: every field of head, key and body by arithmetic."""

import zlib
from collections import Counter

import numpy as np
import pytest

from actors import rows
from actors.checksum import checksum
from actors.composer import SLICE, Composer, Identity, Times
from actors.load import FixedSize, Keys, MixedSize, NoKeys, SequentialKeys, UniformSize, ZipfKeys
from actors.record import HEAD, VERSION, Flag

IDENTITY = Identity(
    run=0xABCDEF01, client=2**62 + 5, topic=9, partition=70_000, stream=6, transaction=3, flags=Flag.COPY
)


def composed(composer: Composer, first: int, count: int, identity: Identity = IDENTITY) -> tuple[np.ndarray, ...]:
    """(heads, values, sizes, keys), copied."""
    composer.compose(identity, first, count, Times(1_000, 2.5))
    batch = composer.batch
    heads = np.ascontiguousarray(batch.values[:count, :6]).view(HEAD)[:, 0]
    return heads, batch.values[:count].copy(), batch.sizes[:count].copy(), batch.keys[:count].copy()


def test_a_head_says_which_record_it_is() -> None:
    composer = Composer(FixedSize(size=64), NoKeys(), 0.0)
    heads, *_ = composed(composer, first=40, count=3)
    assert set(heads["version"]) == {VERSION}
    assert heads["sequence"].tolist() == [40, 41, 42]
    assert heads["intended"].tolist() == [1_000, 1_002, 1_005]
    names = ["run", "client", "topic", "partition", "transaction", "flags"]
    assert heads[names].tolist() == [(0xABCDEF01, 2**62 + 5, 9, 70_000, 3, Flag.COPY)] * 3
    assert composer.batch.opaque[:3].tolist() == [6 << rows.STREAM_SHIFT | n for n in (40, 41, 42)]


def test_the_checksum_covers_head_key_and_body() -> None:
    composer = Composer(UniformSize(least=48, most=90), SequentialKeys(count=3), 0.0)
    heads, values, sizes, keys = composed(composer, first=0, count=50)
    for at in range(50):
        size, place, key = (np.uint64(one) for one in (sizes[at], values[at].ctypes.data, keys[at].ctypes.data))
        assert checksum(place, size, key, np.uint64(16)) == heads["checksum"][at]


@pytest.mark.parametrize("keys", [SequentialKeys(count=7), ZipfKeys(exponent=1.0, count=7)])
def test_a_key_is_its_client_and_an_index(keys: Keys) -> None:
    _, _, _, words = composed(Composer(FixedSize(size=64), keys, 0.0), first=100, count=500)
    assert set(words[:, 0]) == {IDENTITY.client}
    assert set(words[:, 1].tolist()) == set(range(7))
    if isinstance(keys, SequentialKeys):
        assert words[:, 1].tolist() == [sequence % 7 for sequence in range(100, 600)]


def test_a_record_is_the_same_however_it_is_sliced() -> None:
    composer = Composer(UniformSize(least=48, most=300), ZipfKeys(exponent=1.0, count=50), 0.5)
    _, values, sizes, keys = composed(composer, first=0, count=20)
    _, later, later_sizes, later_keys = composed(composer, first=10, count=10)
    assert sizes[10:].tolist() == later_sizes.tolist()
    assert (keys[10:] == later_keys).all()
    for whole, part, size in zip(values[10:], later, later_sizes.tolist(), strict=True):
        assert whole.tobytes()[48:size] == part.tobytes()[48:size]


def test_streams_differ_in_sizes_and_bodies() -> None:
    composer = Composer(UniformSize(least=100, most=300), NoKeys(), 0.0)
    _, values, sizes, _ = composed(composer, 0, 50)
    _, others, other_sizes, _ = composed(composer, 0, 50, Identity(1, 1, 1, 1, 1))
    assert sizes.tolist() != other_sizes.tolist()
    assert not (values[:, 6:12] == others[:, 6:12]).any()


def test_sizes_are_mixed_as_asked() -> None:
    composer = Composer(MixedSize(parts=((0.75, 100), (0.25, 1_000))), NoKeys(), 0.0)
    counts: Counter[int] = Counter()
    for first in range(0, 20_000, composer.room):
        counts.update(composed(composer, first, composer.room)[2].tolist())
    assert set(counts) == {100, 1_000}
    assert counts[100] / counts.total() == pytest.approx(0.75, abs=0.02)


@pytest.mark.parametrize("share", [0.0, 0.5, 0.9])
def test_bodies_compress_by_about_the_share_that_was_asked(share: float) -> None:
    _, values, *_ = composed(Composer(FixedSize(size=4_096), NoKeys(), share), 0, 100)
    body = values[:, 6:].tobytes()
    assert len(zlib.compress(body)) / len(body) == pytest.approx(1 - share, abs=0.05)


def test_a_slice_of_large_records_is_short_and_of_small_ones_bounded() -> None:
    assert Composer(FixedSize(size=48), NoKeys(), 0.0).room == SLICE
    assert Composer(FixedSize(size=1 << 20), NoKeys(), 0.0).room == 4
    assert Composer(FixedSize(size=5 << 20), NoKeys(), 0.0).room == 1


def test_what_follows_a_part_of_a_slice_is_intended_later() -> None:
    assert Times(100, 2.5).after(3) == Times(107, 2.5)
