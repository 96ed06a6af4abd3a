"""Quantities as people write them: "5 min", "64 KiB", "200 MB/s", "30k records/s", "95 %", as typed pydantic fields.

SI and IEC are told apart: 1 MB is 1,000,000 bytes, 1 MiB is 1,048,576. Sums are exact until the last rounding.
"""

import re
from fractions import Fraction
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import BeforeValidator, GetCoreSchemaHandler, PlainSerializer
from pydantic_core import CoreSchema, core_schema

_SECONDS: Final = {
    **dict.fromkeys(("d", "day", "days"), Fraction(86_400)),
    **dict.fromkeys(("h", "hour", "hours"), Fraction(3_600)),
    **dict.fromkeys(("min", "minute", "minutes"), Fraction(60)),
    **dict.fromkeys(("s", "sec", "second", "seconds"), Fraction(1)),
    "ms": Fraction(1, 10**3),
    "us": Fraction(1, 10**6),
    "µs": Fraction(1, 10**6),
    "ns": Fraction(1, 10**9),
}
_BYTES: Final = {  # a text takes the first that divides
    "TiB": 2**40,
    "TB": 10**12,
    "GiB": 2**30,
    "GB": 10**9,
    "MiB": 2**20,
    "MB": 10**6,
    "KiB": 2**10,
    "kB": 10**3,
    "KB": 10**3,
    "B": 1,
}
LONGEST: Final = 1e12  # seconds: some 30,000 years, and a float still tells ms
_RECORDS: Final = {"M": 10**6, "k": 10**3, "": 1}
_NUMBER: Final = r"\d{1,40}/[1-9]\d{0,39}|\d{1,40}(?:\.\d{1,40})?(?:[eE][+-]?\d{1,3})?"
_TERM: Final = re.compile(rf"\s*({_NUMBER})\s*([^\W\d_]*)\s*")
_SHARE: Final = re.compile(rf"\s*({_NUMBER})\s*(%?)\s*")
_RATE: Final = re.compile(rf"\s*({_NUMBER})\s*(?:([A-Za-z]*B)|([kM]?)\s*(?:records?)?)\s*/\s*([a-z]+)\s*")
_Unit: TypeAlias = Literal["records", "bytes"]


def _plain(value: object) -> str:
    """The text to parse: a text as it is, a number (but no bool) as its digits."""
    if isinstance(value, str):
        return value
    if isinstance(value, int | float | Fraction) and not isinstance(value, bool):
        return str(value)
    raise ValueError(f"{value!r} is neither a text nor a number")


def parse_duration(value: object) -> float:
    """Seconds, 0 or more; a plain number is seconds. Raises ValueError on anything but numbers with units."""
    text = _plain(value)
    terms = [(term.group(), term[1], term[2]) for term in _TERM.finditer(text)]
    whole = bool(terms) and "".join(term for term, _, _ in terms) == text
    named = len(terms) == 1 or all(unit for _, _, unit in terms)
    scales = [_SECONDS.get(unit or "s") for _, _, unit in terms]
    total = sum(
        (Fraction(number) * (scale or 0) for (_, number, _), scale in zip(terms, scales, strict=True)), Fraction()
    )
    if not whole or not named or None in scales or total > LONGEST:
        raise ValueError(
            f"duration {text!r}: write 250 ms, 5 min, 1 h 30 min (d, h, min, s, ms, us, ns) or seconds, at most {LONGEST:g}"
        )
    return float(total)


def duration_text(seconds: float) -> str:
    """The shortest text that `parse_duration` turns back into exactly that float."""
    if seconds >= 60 and seconds == int(seconds):
        left = int(seconds)
        parts = []
        for unit in ("d", "h", "min", "s"):
            count, left = divmod(left, int(_SECONDS[unit]))
            parts += [f"{count} {unit}"] if count else []
        return " ".join(parts)
    milliseconds = round(seconds * 1000)
    exact = 0 < milliseconds < 1000 and milliseconds / 1000 == seconds
    return f"{milliseconds} ms" if exact else f"{seconds!r} s".replace(".0 s", " s")


def parse_size(value: object) -> int:
    """Whole bytes, zero or more; a plain number is bytes. Raises ValueError on anything but one number with a unit."""
    text = _plain(value)
    term = _TERM.fullmatch(text)
    scale = _BYTES.get(term[2] or "B") if term else None
    size = Fraction(term[1]) * scale if term and scale else Fraction(1, 2)
    if size.denominator != 1:
        raise ValueError(
            f"size {text!r}: write whole bytes as 100 B, 64 KiB, 1 MB (units B, kB, MB, GB, KiB, MiB, GiB)"
        )
    return int(size)


def size_text(size: int) -> str:
    """The text with the largest unit that divides: 65536 is "64 KiB", 1000 is "1 kB"."""
    unit = next(unit for unit, scale in _BYTES.items() if size % scale == 0 and (size or scale == 1))
    return f"{size // _BYTES[unit]} {unit}"


def parse_share(value: object) -> float:
    """A part of a whole, 0 to 1: "95 %" and 0.95 are the same. Raises ValueError on anything else."""
    text = _plain(value)
    match = _SHARE.fullmatch(text)
    share = Fraction(match[1]) / (100 if match[2] else 1) if match else Fraction(-1)
    if not 0 <= share <= 1:
        raise ValueError(f"share {text!r}: write 0 % to 100 %, or 0 to 1")
    return float(share)


def share_text(share: float) -> str:
    """As per cent where that is exact ("95 %"), else as the plain number."""
    percent = f"{share * 100:g} %"
    return percent if parse_share(percent) == share else repr(share)


class Rate:
    """So many records or bytes a second, exactly; `amount` None means as fast as it goes. A value: compared, hashed.

    No dataclass and no model: settings would take those apart into one option for each field, and refuse the text.
    """

    __slots__ = ("amount", "unit")

    def __init__(self, amount: Fraction | None = None, unit: _Unit = "records") -> None:
        self.amount: Final = amount
        self.unit: Final[_Unit] = unit

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Rate) and (self.amount, self.unit) == (other.amount, other.unit)

    def __hash__(self) -> int:
        return hash((self.amount, self.unit))

    def __repr__(self) -> str:
        return f"Rate({str(self)!r})"

    @classmethod
    def parse(cls, value: object) -> "Rate":
        """Raises ValueError on a text that is no rate, and on a number alone, which has no unit."""
        if isinstance(value, Rate):
            return value
        text = value.strip() if isinstance(value, str) else repr(value)
        if text == "unlimited":
            return cls()
        match = _RATE.fullmatch(text)
        number, size, scale, per = match.groups() if match else ("0", "", "", "")
        if (size and size not in _BYTES) or per not in _SECONDS:
            raise ValueError(
                f"rate {text!r}: write 30k records/s, 30000/s, 200 MB/s, 50 MiB/s, 90 records/min, or unlimited"
            )
        return cls(
            Fraction(number) * (_BYTES[size] if size else _RECORDS[scale]) / _SECONDS[per],
            "bytes" if size else "records",
        )

    def part(self, share: Fraction) -> "Rate":
        """That share of it: the parts of shares that add up to 1 add up to the rate. Unlimited stays unlimited."""
        return self if self.amount is None else Rate(self.amount * share, self.unit)

    def records(self, size: float) -> Fraction | None:
        """Records a second where a value has `size` bytes on average; None where unlimited."""
        return self.amount if self.amount is None or self.unit == "records" else self.amount / Fraction(size)

    def __str__(self) -> str:
        """The text that `parse` turns back into this rate."""
        if self.amount is None:
            return "unlimited"
        scales, smallest = (_BYTES, "B") if self.unit == "bytes" else (_RECORDS, "")
        scale = next((name for name, size in scales.items() if self.amount and self.amount % size == 0), smallest)
        number = self.amount / scales[scale]
        return f"{number} {scale}/s" if self.unit == "bytes" else f"{number}{scale} records/s"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: type, handler: GetCoreSchemaHandler) -> CoreSchema:
        """A text in JSON, a Rate in Python."""
        return core_schema.no_info_plain_validator_function(
            cls.parse, serialization=core_schema.to_string_ser_schema(when_used="json")
        )


UNLIMITED: Final = Rate()
Duration: TypeAlias = Annotated[
    float, BeforeValidator(parse_duration), PlainSerializer(duration_text, when_used="json")
]
Size: TypeAlias = Annotated[int, BeforeValidator(parse_size), PlainSerializer(size_text, when_used="json")]
Share: TypeAlias = Annotated[float, BeforeValidator(parse_share), PlainSerializer(share_text, when_used="json")]
