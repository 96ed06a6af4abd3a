"""Sizes, keys and bodies: what a text means, how the tables are spread, and what kernels draw from them."""

import math
import zlib
from fractions import Fraction
from functools import lru_cache
from statistics import fmean

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from actors.drawing import POOL, draw, fill, key_of, pool, size_of
from actors.load import (
    TABLE,
    FixedSize,
    Keys,
    LognormalSize,
    MixedSize,
    NoKeys,
    SequentialKeys,
    Sizes,
    UniformKeys,
    UniformSize,
    ZipfKeys,
)

SIZES: TypeAdapter[Sizes] = TypeAdapter(Sizes)
KEYS: TypeAdapter[Keys] = TypeAdapter(Keys)
bytes_ = st.integers(48, 10**6)
ranges = st.tuples(bytes_, bytes_).map(sorted)


@st.composite
def mixes(draw_: st.DrawFn) -> MixedSize:
    parts = draw_(st.lists(st.tuples(st.integers(1, 100), bytes_), min_size=1, max_size=8))
    total = sum(weight for weight, _ in parts)
    return MixedSize(parts=tuple((weight / total, size) for weight, size in parts))


@st.composite
def lognormals(draw_: st.DrawFn) -> LognormalSize:
    least, average, most = sorted(draw_(st.tuples(bytes_, bytes_, bytes_)))
    return LognormalSize(average=average, sigma=draw_(st.floats(0.01, 3)), least=least, most=most)


sizes = st.one_of(
    st.builds(FixedSize, size=bytes_),
    ranges.map(lambda ends: UniformSize(least=ends[0], most=ends[1])),
    lognormals(),
    mixes(),
)
counts = st.integers(1, 2**32 - 1)
keys = st.one_of(
    st.just(NoKeys()),
    st.builds(SequentialKeys, count=counts),
    st.builds(UniformKeys, count=counts),
    st.builds(ZipfKeys, exponent=st.floats(0.01, 3), count=st.integers(1, 2_000)),
)


def refusal(adapter: TypeAdapter[Sizes] | TypeAdapter[Keys], text: object) -> str:
    with pytest.raises(ValidationError) as refused:
        adapter.validate_python(text)
    return str(refused.value.errors()[0]["msg"])


pool_of = lru_cache(pool)  # making one takes ms


def body(share: float, record: int, words: int) -> NDArray[np.uint64]:
    made = np.full(words, 7, np.uint64)
    fill(made, pool_of(share, 5), np.uint64(draw(3, record)))
    return made


def test_draws_are_those_of_splitmix64() -> None:
    published = [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ]
    assert [int(draw(1234567, number)) for number in range(5)] == published


# --- Sizes


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("1 KiB", FixedSize(size=1024)),
        (100, FixedSize(size=100)),
        ("100 B..4 KiB", UniformSize(least=100, most=4096)),
        ("100 .. 200", UniformSize(least=100, most=200)),
        ("lognormal 1 KiB sigma 0.5", LognormalSize(average=1024, sigma=0.5)),
        ("lognormal 1 KiB sigma 2 in 64..8 KiB", LognormalSize(average=1024, sigma=2, least=64, most=8192)),
        ("90 % 1 KiB, 10 % 64 KiB", MixedSize(parts=((0.9, 1024), (0.1, 65_536)))),
    ],
)
def test_texts_of_sizes_mean_what_they_say(text: object, means: Sizes) -> None:
    assert SIZES.validate_python(text) == means


@given(sizes)
def test_printed_sizes_read_as_themselves(shape: Sizes) -> None:
    assert SIZES.validate_python(str(shape)) == shape
    assert SIZES.validate_json(SIZES.dump_json(shape)) == shape
    assert SIZES.validate_python(shape.model_dump()) == shape


@given(sizes)
def test_a_table_ascends_within_its_range_and_its_mean_is_exact(shape: Sizes) -> None:
    table = shape.table()
    assert table.shape == (TABLE,)
    assert table.dtype == np.uint32
    assert (np.diff(table.astype(np.int64)) >= 0).all()
    assert table[0] >= 48
    assert Fraction(shape.mean) == Fraction(int(table.sum(dtype=np.int64)), TABLE)


def test_uniform_sizes_cover_their_range_evenly() -> None:
    assert UniformSize(least=100, most=100 + TABLE - 1).table().tolist() == list(range(100, 100 + TABLE))
    assert UniformSize(least=100, most=101).mean == 100.5


def test_lognormal_sizes_have_their_mean_and_sigma_before_they_are_clipped() -> None:
    shape = LognormalSize(average=10_000, sigma=0.5)
    logarithms = np.log(shape.table())
    assert shape.mean == pytest.approx(10_000, rel=0.002)
    assert logarithms.std() == pytest.approx(0.5, rel=0.01)
    clipped = LognormalSize(average=10_000, sigma=0.5, least=9_000, most=11_000).table()
    assert (clipped.min(), clipped.max()) == (9_000, 11_000)


@given(mixes())
def test_mixed_sizes_have_their_shares_to_within_one_entry_each(shape: MixedSize) -> None:
    table = shape.table().tolist()
    for size in {size for _, size in shape.parts}:
        share = math.fsum(part for part, of in shape.parts if of == size)
        assert abs(table.count(size) - share * TABLE) <= 1


@given(shape=sizes, seed=st.integers(0, 2**63 - 1), sequence=st.integers(0, 2**63 - 1))
def test_a_records_size_is_an_entry_of_the_table(shape: Sizes, seed: int, sequence: int) -> None:
    table = shape.table()
    assert int(size_of(table, seed, sequence)) == table[int(draw(seed, sequence)) % TABLE]


def test_drawn_sizes_have_the_mean_of_their_table() -> None:
    shape = UniformSize(least=100, most=4096)
    table = shape.table()
    assert fmean(int(size_of(table, 9, sequence)) for sequence in range(50_000)) == pytest.approx(shape.mean, rel=0.01)


def test_sizes_that_cannot_be_are_refused_in_one_line() -> None:
    assert "a value has 48 (its head) to 1000000000 bytes, not 47" in refusal(SIZES, "47 B")
    assert "not 2000000000" in refusal(SIZES, "2 GB")
    assert "sizes 2 KiB..1 KiB: the smaller one stands first" in refusal(SIZES, "2 KiB..1 KiB")
    assert "the mean lies outside the range" in refusal(SIZES, "lognormal 10 KiB sigma 1 in 1 KiB..2 KiB")
    assert "sizes 90 % 1 KiB: the shares add up to 0.9, not to 1" in refusal(SIZES, "90 % 1 KiB")
    assert "write 1 KiB, 100 B..4 KiB, lognormal" in refusal(SIZES, "1 KiB, 64 KiB")
    assert "size 'large': write whole bytes" in refusal(SIZES, "large")
    assert "greater than 0" in refusal(SIZES, "lognormal 1 KiB sigma 0")


# --- Keys


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("none", NoKeys()),
        ("sequential of 1000", SequentialKeys(count=1000)),
        ("uniform of 10", UniformKeys(count=10)),
        ("zipf 1.1 of 10000", ZipfKeys(exponent=1.1, count=10_000)),
    ],
)
def test_texts_of_keys_mean_what_they_say(text: str, means: Keys) -> None:
    assert KEYS.validate_python(text) == means


@given(keys)
def test_printed_keys_read_as_themselves(shape: Keys) -> None:
    assert KEYS.validate_python(str(shape)) == shape
    assert KEYS.validate_json(KEYS.dump_json(shape)) == shape


@given(shape=keys, seed=st.integers(0, 2**63 - 1), sequence=st.integers(0, 2**63 - 1))
def test_a_records_key_lies_within_the_count_and_is_always_the_same(shape: Keys, seed: int, sequence: int) -> None:
    plan = shape.plan()
    key = int(key_of(plan, seed, sequence))
    assert 0 <= key < plan.keys
    assert key == int(key_of(shape.plan(), seed, sequence))


def test_sequential_keys_follow_from_the_sequence_alone() -> None:
    plan = SequentialKeys(count=7).plan()
    assert [int(key_of(plan, seed, sequence)) for seed in (1, 2) for sequence in range(8)] == [
        0,
        1,
        2,
        3,
        4,
        5,
        6,
        0,
    ] * 2


def test_uniform_keys_are_drawn_evenly_and_apart_from_sizes() -> None:
    plan, table = UniformKeys(count=16).plan(), UniformSize(least=100, most=1123).table()
    drawn = np.array([(int(key_of(plan, 3, n)), int(size_of(table, 3, n))) for n in range(64_000)])
    seen = np.bincount(drawn[:, 0], minlength=16)
    assert ((seen - 4_000) ** 2 / 4_000).sum() < 44.3  # chi-square, 15 degrees: 1 in 10,000; the seed is fixed
    assert abs(np.corrcoef(drawn.T)[0, 1]) < 0.02


@given(exponent=st.floats(0.01, 5), count=st.integers(1, 3_000))
def test_the_alias_table_holds_zipfs_probabilities_and_leaves_no_key_out(exponent: float, count: int) -> None:
    plan = ZipfKeys(exponent=exponent, count=count).plan()
    kept = (plan.threshold.astype(np.float64) + 1) / 2**32
    held = (kept + np.bincount(plan.alias, weights=1 - kept, minlength=count)) / count
    wanted = np.arange(1, count + 1) ** -exponent
    assert np.abs(held - wanted / wanted.sum()).max() <= 2**-32 + 1e-12
    assert (held > 0).all()


def test_zipf_keys_are_drawn_as_often_as_they_should_be() -> None:
    plan = ZipfKeys(exponent=1.0, count=100).plan()
    seen = np.bincount([int(key_of(plan, 5, n)) for n in range(50_000)], minlength=100) / 50_000
    wanted = 1 / np.arange(1, 101) / (1 / np.arange(1, 101)).sum()
    assert np.abs(seen - wanted).max() < 0.006  # three standard deviations of the most frequent; the seed is fixed


def test_keys_that_cannot_be_are_refused() -> None:
    assert "keys 'zipf of 3': write none, sequential of 1000, uniform of 1000, or zipf" in refusal(KEYS, "zipf of 3")
    assert "greater than or equal to 1" in refusal(KEYS, "uniform of 0")
    assert "less than or equal to 1048576" in refusal(KEYS, "zipf 1 of 2000000")


# --- Bodies


@given(share=st.floats(0, 1), record=st.integers(0, 2**62), words=st.integers(0, 3 * POOL))
def test_a_body_is_written_to_its_last_word_and_no_further(share: float, record: int, words: int) -> None:
    made = np.full(words + 2, 7, np.uint64)
    fill(made[1:-1], pool_of(share, 5), np.uint64(draw(3, record)))
    assert made[0] == made[-1] == 7
    assert (made[1:-1] == body(share, record, words)).all()
    assert abs(np.count_nonzero(made[1:-1] == 0) - words * round(64 * share) / 64) <= 64


@given(share=st.floats(0, 0.9), first=st.integers(0, 2**62), second=st.integers(0, 2**62))
def test_two_records_share_no_word_but_zero(share: float, first: int, second: int) -> None:
    one, other = (set(body(share, record, 500).tolist()) - {0} for record in (first, second))
    assert first == second or not one & other


def test_a_large_body_does_not_repeat_itself() -> None:
    made = body(0, 1, 4 * POOL)
    assert len(set(made.tolist())) == made.size


@pytest.mark.parametrize("share", [0.0, 0.25, 0.5, 0.9, 1.0])
@pytest.mark.parametrize("words", [7, 122, 2 * POOL])
def test_batches_compress_as_far_as_was_asked(share: float, words: int) -> None:
    batch = b"".join(body(share, record, words).tobytes() for record in range(40_000 // words + 1))
    assert len(zlib.compress(batch)) / len(batch) == pytest.approx(1 - share, abs=0.03)
