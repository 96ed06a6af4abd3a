"""The shape of load: how large values are, which keys they carry, how well they compress.

Everything about a record follows from (seed, sequence) by arithmetic, so nothing is stored and both ends can compute it.
The models are for people; `table` and `plan` make what `drawing` takes.
"""

import math
import re
from abc import ABC, abstractmethod
from functools import lru_cache
from statistics import NormalDist
from typing import Annotated, Final, Literal, NamedTuple, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, PlainSerializer, model_validator

from actors.record import SMALLEST_VALUE
from actors.units import Share, Size, share_text, size_text

LARGEST_VALUE: Final = 1_000_000_000  # librdkafka's limit for message.max.bytes
MOST_ZIPF_KEYS: Final = 1 << 20  # its tables take 8 bytes a key
TABLE: Final = 1024
KEY: Final = np.dtype([("client", "<u8"), ("index", "<u8")])  # one writer a key
NO_KEYS, SEQUENTIAL, UNIFORM, ZIPF = range(4)


class KeyPlan(NamedTuple):
    """Keys as a kernel takes them; `threshold` and `alias` are Walker's alias table, of one entry where not zipf."""

    kind: int
    keys: int
    threshold: NDArray[np.uint32]
    alias: NDArray[np.uint32]


# --- Sizes of values --------------------------------------------------------------------------------------------------


def _value_size(size: int) -> int:
    if not SMALLEST_VALUE <= size <= LARGEST_VALUE:
        raise ValueError(f"a value has {SMALLEST_VALUE} (its head) to {LARGEST_VALUE} bytes, not {size}")
    return size


ValueSize: TypeAlias = Annotated[Size, AfterValidator(_value_size)]


class SizeShape(BaseModel, ABC, frozen=True, extra="forbid"):
    """How the sizes of values are spread; a size has 48 (the head) to 1,000,000,000 bytes."""

    @abstractmethod
    def quantile(self, share: float) -> float:
        """Bytes that this share of the values (above 0, below 1) does not exceed."""

    def table(self) -> NDArray[np.uint32]:
        """1,024 sizes, equally likely and ascending: the quantiles at (i + 1/2) / 1024, rounded to bytes."""
        return np.array([round(self.quantile((i + 0.5) / TABLE)) for i in range(TABLE)], np.uint32)

    @property
    def mean(self) -> float:
        """Bytes: exactly the mean of the table."""
        return _mean(self)


@lru_cache(maxsize=64)  # it is asked for once a round, and a table is a thousand quantiles
def _mean(shape: SizeShape) -> float:
    return int(shape.table().sum(dtype=np.int64)) / TABLE


class FixedSize(SizeShape, frozen=True):
    """Every value has `size` bytes."""

    kind: Literal["fixed"] = "fixed"
    size: ValueSize

    def quantile(self, share: float) -> float:  # noqa: ARG002 - all are alike
        return self.size

    def __str__(self) -> str:
        return size_text(self.size)


class UniformSize(SizeShape, frozen=True):
    """Every size from `least` to `most` is equally likely."""

    kind: Literal["uniform"] = "uniform"
    least: ValueSize
    most: ValueSize

    @model_validator(mode="after")
    def _ascends(self) -> Self:
        if self.least > self.most:
            raise ValueError(f"sizes {self}: the smaller one stands first")
        return self

    def quantile(self, share: float) -> float:
        return min(self.most, int(self.least + share * (self.most - self.least + 1)))

    def __str__(self) -> str:
        return f"{size_text(self.least)}..{size_text(self.most)}"


class LognormalSize(SizeShape, frozen=True):
    """Lognormal with this mean, and `sigma` of the logarithm, clipped to least..most (clipping moves the mean)."""

    kind: Literal["lognormal"] = "lognormal"
    average: ValueSize
    sigma: Annotated[float, Field(gt=0, le=10)]
    least: ValueSize = SMALLEST_VALUE
    most: ValueSize = 1_000_000

    @model_validator(mode="after")
    def _holds_the_mean(self) -> Self:
        if not self.least <= self.average <= self.most:
            raise ValueError(f"sizes {self}: the mean lies outside the range")
        return self

    def quantile(self, share: float) -> float:
        logarithm = NormalDist(math.log(self.average) - self.sigma**2 / 2, self.sigma).inv_cdf(share)
        return math.exp(min(max(logarithm, math.log(self.least)), math.log(self.most)))

    def __str__(self) -> str:
        return (
            f"lognormal {size_text(self.average)} sigma {self.sigma} in {size_text(self.least)}..{size_text(self.most)}"
        )


class MixedSize(SizeShape, frozen=True):
    """A share of the values for each size: `parts` are (share, size), the shares add up to 1 (counted in 1/1024)."""

    kind: Literal["mixed"] = "mixed"
    parts: Annotated[tuple[tuple[Share, ValueSize], ...], Field(min_length=1, max_length=64)]

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        total = math.fsum(share for share, _ in self.parts)
        if abs(total - 1) > 1e-9:
            raise ValueError(f"sizes {self}: the shares add up to {total:.6g}, not to 1")
        return self

    def quantile(self, share: float) -> float:
        below = 0.0
        for part, size in sorted(self.parts, key=lambda part: part[1]):
            below += part
            if share < below:
                return size
        return max(size for _, size in self.parts)

    def __str__(self) -> str:
        return ", ".join(f"{share_text(share)} {size_text(size)}" for share, size in self.parts)


def _parse_sizes(value: object) -> object:
    """A text as the fields of the model that it means; anything but texts and numbers unchanged."""
    if not isinstance(value, str | int | float):
        return value
    text = str(value).strip()
    if "," in text or "%" in text:
        return {"kind": "mixed", "parts": [_part(part) for part in text.split(",")]}
    if match := re.fullmatch(r"lognormal\s+(.+?)\s+sigma\s+(\S+)(?:\s+in\s+(.+?)\s*\.\.\s*(.+))?", text):
        names = ("average", "sigma", "least", "most")
        return {"kind": "lognormal", **{name: part for name, part in zip(names, match.groups(), strict=True) if part}}
    if ".." in text:
        least, _, most = text.partition("..")
        return {"kind": "uniform", "least": least, "most": most}
    return {"kind": "fixed", "size": text}


def _part(text: str) -> tuple[str, str]:
    match = re.fullmatch(r"\s*([^%\s]+\s*%|\S+\s)\s*(\d.*)", text)
    if not match:
        raise ValueError(
            f"sizes {text!r}: write 1 KiB, 100 B..4 KiB, lognormal 1 KiB sigma 0.5, or 90 % 1 KiB, 10 % 1 MB"
        )
    return match[1], match[2]


Sizes: TypeAlias = Annotated[
    FixedSize | UniformSize | LognormalSize | MixedSize,
    Field(discriminator="kind"),
    BeforeValidator(_parse_sizes),
    PlainSerializer(str, when_used="json"),
]


# --- Keys -------------------------------------------------------------------------------------------------------------


_UNUSED: Final = np.zeros(1, np.uint32)


class NoKeys(BaseModel, frozen=True, extra="forbid"):
    """Records have no key."""

    kind: Literal["none"] = "none"

    def plan(self) -> KeyPlan:
        return KeyPlan(NO_KEYS, 1, _UNUSED, _UNUSED)

    def __str__(self) -> str:
        return "none"


class SequentialKeys(BaseModel, frozen=True, extra="forbid"):
    """Record n has key n mod count: the last value of each key follows by arithmetic."""

    kind: Literal["sequential"] = "sequential"
    count: Annotated[int, Field(ge=1, lt=1 << 32)]

    def plan(self) -> KeyPlan:
        return KeyPlan(SEQUENTIAL, self.count, _UNUSED, _UNUSED)

    def __str__(self) -> str:
        return f"sequential of {self.count}"


class UniformKeys(BaseModel, frozen=True, extra="forbid"):
    """Each of `count` keys is equally likely, to within count / 2**32 of its probability."""

    kind: Literal["uniform"] = "uniform"
    count: Annotated[int, Field(ge=1, lt=1 << 32)]

    def plan(self) -> KeyPlan:
        return KeyPlan(UNIFORM, self.count, _UNUSED, _UNUSED)

    def __str__(self) -> str:
        return f"uniform of {self.count}"


class ZipfKeys(BaseModel, frozen=True, extra="forbid"):
    """Key k (0 the most frequent) has a probability in proportion to 1 / (k + 1) ** exponent.

    Drawn through an alias table: each probability is off by at most 2**-31, so every key does occur.
    """

    kind: Literal["zipf"] = "zipf"
    exponent: Annotated[float, Field(gt=0, le=10)]
    count: Annotated[int, Field(ge=1, le=MOST_ZIPF_KEYS)]

    def plan(self) -> KeyPlan:
        weights = np.arange(1, self.count + 1, dtype=np.float64) ** -self.exponent
        threshold, alias = _alias_table(weights / weights.sum() * self.count)
        return KeyPlan(ZIPF, self.count, threshold, alias)

    def __str__(self) -> str:
        return f"zipf {self.exponent} of {self.count}"


def _alias_table(height: NDArray[np.float64]) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """Walker's table (built Vose's way): column i stands for i up to its threshold and for alias[i] above it.

    `height` is 1 on average. Thresholds are in 2**-32, and one is as drawn bits compare: with "at most".
    """
    left, alias = height.tolist(), list(range(height.size))
    small = [column for column, high in enumerate(left) if high < 1]
    large = [column for column, high in enumerate(left) if high >= 1]
    while small and large:
        column, donor = small.pop(), large[-1]
        alias[column] = donor
        left[donor] -= 1 - left[column]
        if left[donor] < 1:
            small.append(large.pop())
    threshold = np.clip(np.round(np.asarray(left) * 2**32) - 1, 0, 2**32 - 1)
    return threshold.astype(np.uint32), np.asarray(alias, np.uint32)


def _parse_keys(value: object) -> object:
    """A text as the fields of the model that it means; anything but texts unchanged. Raises ValueError."""
    if not isinstance(value, str):
        return value
    match = re.fullmatch(r"\s*(?:(none)|(sequential|uniform)\s+of\s+(\d+)|(zipf)\s+(\S+)\s+of\s+(\d+))\s*", value)
    if not match:
        raise ValueError(f"keys {value!r}: write none, sequential of 1000, uniform of 1000, or zipf 1.1 of 1000")
    none, even, count, zipf, exponent, ranks = match.groups()
    if zipf:
        return {"kind": zipf, "exponent": exponent, "count": ranks}
    return {"kind": even, "count": count} if even else {"kind": none}


Keys: TypeAlias = Annotated[
    NoKeys | SequentialKeys | UniformKeys | ZipfKeys,
    Field(discriminator="kind"),
    BeforeValidator(_parse_keys),
    PlainSerializer(str, when_used="json"),
]
