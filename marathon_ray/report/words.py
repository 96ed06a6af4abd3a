"""Numbers and times as people read them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from marathon_ray.outcome import Outcome

MEANING: Final[Mapping[Outcome, str]] = {
    Outcome.PASSED: "Every promise was kept.",
    Outcome.FAILED: "The cluster broke a promise.",
    Outcome.INVALID: "This run proves nothing about the cluster.",
    Outcome.INTERRUPTED: "The run did not come to its end.",
    Outcome.SKIPPED: "The scenario does not fit the cluster. Nothing was created.",
}


def number(count: float) -> str:
    """8,203,118; of what is not whole, three digits."""
    return f"{count:,.0f}" if count == int(count) or abs(count) >= 1000 else f"{count:.3g}"


def short(count: float) -> str:
    """Three digits and the unit's prefix: 102k, 1.25M."""
    for scale, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(count) >= scale * 0.9995:
            return f"{count / scale:.3g}{unit}"
    return f"{count:.3g}"


def lasting(seconds: float) -> str:
    """3.4 s, 2 min 5 s, 7 h 30 min: to a tenth below a minute, else the two largest units."""
    if seconds < 59.95:
        return f"{seconds:.1f} s".replace(".0 s", " s")
    left = round(seconds)
    parts: list[str] = []
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)):
        many, left = divmod(left, size)
        parts += [f"{many} {unit}"] if many or parts else []
    return " ".join(part for part in parts[:2] if not part.startswith("0 "))


def node_hours(hours: Mapping[str, float]) -> str:
    """0.20 on-demand, 3.10 spot."""
    return ", ".join(f"{count:.2f} {kind}" for kind, count in sorted(hours.items()))


def money(cost: Mapping[str, float]) -> str:
    """12.50 EUR, 1.00 USD; of what is less than one, three digits."""
    return ", ".join(
        f"{amount:.2f} {currency}" if amount >= 1 else f"{amount:.3g} {currency}"
        for currency, amount in sorted(cost.items())
    )


def latency(us: float) -> str:
    """850 µs, 3.2 ms, 1.5 s."""
    if us < 1_000:
        return f"{us:.0f} µs"
    return f"{us / 1_000:.3g} ms" if us < 999_500 else f"{us / 1e6:.3g} s"


def clock(at: datetime) -> str:
    """2026-03-01 08:00:03 UTC."""
    return f"{at:%Y-%m-%d %H:%M:%S} {at.tzname() or ''}".strip()
