"""Where and when partitions took no writes, as a strip a partition, darker the more of a moment was silent."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from marathon_ray.report.charts import FAULT, Chart, figure, time_of
from marathon_ray.report.gaps import FLOOR
from marathon_ray.report.measured import Floats, Measured, Silence
from marathon_ray.report.report import Report
from marathon_ray.report.words import lasting

_BINS: Final = 240
_STRIPS: Final = 96  # partitions that are drawn; the longest silent come first


def strips(report: Report, measured: Measured) -> Iterator[Chart]:
    """One chart a topic that was written to."""
    time = time_of(report)
    for topic, silence in measured.silences.items():
        chosen = _chosen(silence)
        share = _shares(silence, chosen, time.end)
        edges = time.of(np.linspace(0, time.end, _BINS + 1))
        trace = {
            "type": "heatmap",
            "z": np.round(share, 2).tolist(),
            "x": edges,
            "y": [str(each) for each in chosen],
            "zmin": 0,
            "zmax": 1,
            "showscale": False,
            "xgap": 0,
            "ygap": 1 if len(chosen) <= 24 else 0,
            "colorscale": [[0, "#86b8a1"], [0.001, "#e3a999"], [1, FAULT]],
            "opacity": 0.7,
            "hovertemplate": "partition %{y}: %{z:.0%} silent<extra></extra>",
        }
        height = 90 + min(14, max(3, 220 // len(chosen))) * len(chosen)
        made = figure(report, [trace], _AXIS, height=height)
        made["layout"] |= {"hovermode": "closest"}
        made["layout"]["margin"]["t"] = 6
        yield Chart(f"silent-{topic}", f"Partitions of {topic}", _about(silence, len(chosen), measured.beyond), made)


_AXIS: Final = {"type": "category", "autorange": "reversed", "rangemode": "normal", "showgrid": False, "nticks": 12}


def _chosen(silence: Silence) -> list[int]:
    """The partitions to draw, by number."""
    longest = np.zeros(silence.partitions)
    np.maximum.at(longest, silence.partition, silence.until - silence.since)
    return sorted(np.argsort(-longest, kind="stable")[:_STRIPS].tolist())


def _shares(silence: Silence, chosen: list[int], end: float) -> Floats:
    """Which share of each of _BINS moments was silent, a row a partition."""
    width = end / _BINS
    share: Floats = np.zeros((len(chosen), _BINS))
    rows = {partition: row for row, partition in enumerate(chosen)}
    begins = np.linspace(0, end, _BINS, endpoint=False)
    for partition, since, until in _rows(silence):
        if partition in rows:
            overlap = np.minimum(until, begins + width) - np.maximum(since, begins)
            share[rows[partition]] += np.clip(overlap / width, 0, 1)
    return np.clip(share, 0, 1)


def _rows(silence: Silence) -> Iterator[tuple[int, float, float]]:
    """Partition, since, until."""
    return zip(silence.partition.tolist(), silence.since.tolist(), silence.until.tolist(), strict=True)


def _about(silence: Silence, drawn: int, beyond: int) -> str:
    lengths = silence.until - silence.since
    words = f"Red: no acknowledgement for {lasting(FLOOR)} or longer."
    if len(lengths):
        at = int(lengths.argmax())
        many = len(np.unique(silence.partition))
        worst = (
            f"partition {silence.partition[at]}, {lasting(float(lengths[at]))} from {lasting(float(silence.since[at]))}"
        )
        words = f"{words} {many} of {silence.partitions} partitions were silent; the longest was {worst}."
    else:
        words = f"{words} None of {silence.partitions} partitions was."
    hidden = f" Drawn are the {drawn} with the longest silences." if drawn < silence.partitions else ""
    return words + hidden + (f" {beyond} silences more were not kept." if beyond else "")
