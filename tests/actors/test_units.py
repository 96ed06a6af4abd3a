"""Quantities: what people may write, what it means exactly, and that every text that is printed can be read again."""

import pickle
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter, ValidationError

from actors.units import (
    UNLIMITED,
    Duration,
    Rate,
    Share,
    Size,
    duration_text,
    parse_duration,
    parse_share,
    parse_size,
    share_text,
    size_text,
)


class Quantities(BaseModel):
    duration: Duration
    size: Size
    share: Share
    rate: Rate


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("5 min", 300.0),
        ("1 h 30 min", 5400.0),
        ("1h30min", 5400.0),
        ("250 ms", 0.25),
        ("2 days", 172_800.0),
        ("1.5 s", 1.5),
        ("10 us", 1e-5),
        ("10 µs", 1e-5),
        ("3ns", 3e-9),
        ("90", 90.0),
        ("0", 0.0),
        ("1e3 s", 1000.0),
        (90, 90.0),
        (0.1, 0.1),
    ],
)
def test_durations_are_seconds(text: object, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "5 m",
        "5 minuten",
        "min",
        "-1 s",
        "1 h 30",
        "1 s, 2 s",
        "5 MB",
        "1 s!",
        "nan",
        "inf",
        "1e13",
        "1e999 d",
        True,
        None,
        -3,
    ],
)
def test_other_texts_are_no_durations_and_the_error_names_them(text: object) -> None:
    with pytest.raises(ValueError, match=r"duration|neither") as refused:
        parse_duration(text)
    assert repr(text) in str(refused.value) or repr(str(text)) in str(refused.value)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("1 KiB", 1024),
        ("1 kB", 1000),
        ("1KB", 1000),
        ("1.5 MiB", 1_572_864),
        ("2 MB", 2_000_000),
        ("3 GiB", 3 * 2**30),
        ("100 B", 100),
        ("100", 100),
        (100, 100),
        ("0", 0),
    ],
)
def test_sizes_are_whole_bytes_and_tell_si_from_iec(text: object, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "1.5 B", "1 Mb", "1 mb", "1 KiB 1 B", "-1 B", "1 s", False, None, 0.5])
def test_other_texts_are_no_sizes(text: object) -> None:
    with pytest.raises(ValueError, match=r"write whole bytes|neither"):
        parse_size(text)


@pytest.mark.parametrize(
    ("text", "amount", "unit"),
    [
        ("200 MB/s", 200_000_000, "bytes"),
        ("50 MiB/s", 52_428_800, "bytes"),
        ("1 B/s", 1, "bytes"),
        ("30k records/s", 30_000, "records"),
        ("30 k records/s", 30_000, "records"),
        ("1.5M/s", 1_500_000, "records"),
        ("30000/s", 30_000, "records"),
        ("1 record/s", 1, "records"),
        ("90 records/min", Fraction(3, 2), "records"),
        ("1/3 records/s", Fraction(1, 3), "records"),
        ("2/3/s", Fraction(2, 3), "records"),
    ],
)
def test_rates_are_exact_records_or_bytes_a_second(text: str, amount: Fraction, unit: str) -> None:
    rate = Rate.parse(text)
    assert (rate.amount, rate.unit) == (amount, unit)


@pytest.mark.parametrize(
    "text", ["", "30000", 30000, "5 MB", "5 Mb/s", "5 MB/m", "-1/s", "1 k MB/s", "1/0 records/s", None]
)
def test_a_rate_without_its_unit_is_refused_and_the_error_says_what_is_accepted(text: object) -> None:
    with pytest.raises(ValueError, match=r"rate .*: write 30k records/s, 30000/s, 200 MB/s, .*, or unlimited"):
        Rate.parse(text)


@pytest.mark.parametrize(("text", "share"), [("95 %", 0.95), ("95%", 0.95), ("0.95", 0.95), (1, 1.0), ("0 %", 0.0)])
def test_shares_are_0_to_1(text: object, share: float) -> None:
    assert parse_share(text) == share


@pytest.mark.parametrize("text", ["101 %", "95", "-1 %", "", "5 s", 2, None])
def test_other_texts_are_no_shares(text: object) -> None:
    with pytest.raises(ValueError, match=r"write 0 % to 100 %|neither"):
        parse_share(text)


@given(st.one_of(st.floats(0, 1e12), st.integers(0, 10**9).map(float), st.integers(0, 10**6).map(lambda n: n / 1000)))
def test_a_printed_duration_reads_as_itself(seconds: float) -> None:
    assert parse_duration(duration_text(seconds)) == seconds
    assert parse_duration(str(seconds)) == seconds


@given(
    st.one_of(
        st.integers(0, 10**15),
        st.integers(0, 1000).map(lambda n: n * 1024),
        st.integers(0, 99).map(lambda n: n * 10**6),
    )
)
def test_a_printed_size_reads_as_itself(size: int) -> None:
    assert parse_size(size_text(size)) == size
    assert parse_size(str(size)) == size


@given(st.one_of(st.floats(0, 1), st.integers(0, 1000).map(lambda n: n / 1000)))
def test_a_printed_share_reads_as_itself(share: float) -> None:
    assert parse_share(share_text(share)) == share
    assert parse_share(str(share)) == share


amounts = st.one_of(
    st.integers(0, 10**12).map(Fraction), st.fractions(0, 10**6), st.integers(0, 999).map(lambda n: Fraction(n * 10**6))
)
rates = st.one_of(st.just(UNLIMITED), st.builds(Rate, amounts, st.sampled_from(["records", "bytes"])))


@given(rates)
def test_a_printed_rate_reads_as_itself(rate: Rate) -> None:
    assert Rate.parse(str(rate)) == rate


@given(st.floats(0, 1e9), st.integers(0, 10**12), st.floats(0, 1), rates)
def test_quantities_survive_json(duration: float, size: int, share: float, rate: Rate) -> None:
    whole = Quantities(duration=duration, size=size, share=share, rate=rate)
    assert Quantities.model_validate_json(whole.model_dump_json()) == whole


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (duration_text(5400.0), "1 h 30 min"),
        (duration_text(90_061.0), "1 d 1 h 1 min 1 s"),
        (duration_text(0.25), "250 ms"),
        (duration_text(1.5), "1.5 s"),
        (duration_text(30.0), "30 s"),
        (size_text(65_536), "64 KiB"),
        (size_text(1_000), "1 kB"),
        (size_text(100), "100 B"),
        (size_text(0), "0 B"),
        (share_text(0.95), "95 %"),
        (share_text(1 / 3), "0.3333333333333333"),
        (str(Rate.parse("200 MB/s")), "200 MB/s"),
        (str(Rate.parse("30000/s")), "30k records/s"),
        (str(Rate.parse("100/3 records/s")), "100/3 records/s"),
        (str(Rate.parse("0/s")), "0 records/s"),
        (str(UNLIMITED), "unlimited"),
    ],
)
def test_quantities_print_as_people_write_them(value: str, text: str) -> None:
    assert value == text


@given(st.lists(st.integers(1, 100), min_size=1, max_size=30), rates)
def test_the_parts_of_a_rate_add_up(weights: list[int], rate: Rate) -> None:
    parts = [rate.part(Fraction(weight, sum(weights))) for weight in weights]
    assert rate.amount is None or sum(part.amount or 0 for part in parts) == rate.amount
    assert {part.unit for part in parts} == {rate.unit}


@given(rates)
def test_a_rate_is_a_value(rate: Rate) -> None:
    same = pickle.loads(pickle.dumps(rate))
    assert {rate, same} == {rate}
    assert eval(repr(rate), {"Rate": Rate.parse}) == rate
    assert rate != Rate(Fraction(-1), rate.unit)
    assert Rate(Fraction(1)) != Rate(Fraction(1), "bytes")


def test_a_rate_in_bytes_becomes_records_by_the_mean_size() -> None:
    assert Rate.parse("1 MiB/s").records(2048.0) == 512
    assert Rate.parse("7/s").records(2048.0) == 7
    assert UNLIMITED.records(2048.0) is None


def test_a_field_names_the_text_that_it_refuses() -> None:
    for adapter, text in (TypeAdapter[float](Duration), "5 m"), (TypeAdapter[int](Size), "1 Mb"):
        with pytest.raises(ValidationError, match=repr(text)):
            adapter.validate_python(text)
