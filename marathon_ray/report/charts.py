"""What all charts of a page share: the axis of time, the shades of faults, lines. Paper and ink are the page's own."""

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np

from marathon_ray.report.measured import Floats
from marathon_ray.report.report import Report
from marathon_ray.round import Phase

Trace: TypeAlias = dict[str, Any]
COLOURS: Final = ("#3b7dd8", "#2a9d6f", "#d9822b", "#8b6fc0", "#c75a8a", "#5b9aa0", "#8a8f98")
FAULT: Final = "#d64545"
_SCALES: Final = ((600.0, 1, "seconds"), (18_000.0, 60, "minutes"), (np.inf, 3_600, "hours"))


@dataclass(frozen=True, slots=True)
class Chart:
    """One chart: its anchor in the page, its heading, what is to be known beside it, and the figure of plotly.js."""

    anchor: str
    title: str
    about: str
    figure: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Time:
    """The time of a run, in the unit that suits its length."""

    size: int
    unit: str
    end: float

    def of(self, seconds: Floats) -> list[float]:
        """Seconds since the run began, in this unit."""
        return [round(each, 4) for each in (seconds / self.size).tolist()]

    def at(self, seconds: float) -> float:
        """One of them."""
        return round(seconds / self.size, 4)


def time_of(report: Report) -> Time:
    """Seconds up to ten minutes, minutes up to five hours, then hours."""
    size, unit = next((size, unit) for limit, size, unit in _SCALES if report.seconds <= limit)
    return Time(size, unit, max(report.seconds, 1.0))


def line(name: str, times: Sequence[float], values: Floats, *, pen: Mapping[str, Any]) -> Trace:
    """A trace, drawn with that pen (plotly's word for it is line)."""
    numbers = [float(f"{value:.5g}") for value in values.tolist()]
    return {
        "type": "scatter",
        "mode": "lines",
        "name": plain(name),
        "x": times,
        "y": numbers,
        "line": {"width": 1.6, **pen},
    }


def plain(text: str) -> str:
    """A text in which plotly sees no markup."""
    return html.escape(text, quote=False)


def figure(report: Report, traces: Sequence[Trace], yaxis: Mapping[str, Any], *, height: int = 240) -> dict[str, Any]:
    """The traces over the time of the run, with faults shaded and the measured phase between dotted lines."""
    time = time_of(report)
    legend = {"orientation": "h", "x": 0, "xanchor": "left", "y": 1.02, "yanchor": "bottom", "font": {"size": 11}}
    return {
        "data": list(traces),
        "layout": {
            "height": height,
            "margin": {"l": 52, "r": 8, "t": 34, "b": 40},
            "showlegend": len(traces) > 1,
            "legend": legend,
            "hovermode": "x unified",
            "shapes": [*_shades(report, time), *_borders(report, time)],
            "xaxis": {"range": [0, time.at(time.end)], "title": {"text": time.unit, "standoff": 6}, "zeroline": False},
            "yaxis": {"rangemode": "tozero", "zeroline": False, "automargin": True, "fixedrange": True, **yaxis},
        },
    }


def _shades(report: Report, time: Time) -> list[dict[str, Any]]:
    return [
        {
            "type": "rect",
            "yref": "paper",
            "y0": 0,
            "y1": 1,
            "layer": "below",
            "name": "fault",
            "x0": time.at(shade.since),
            "x1": time.at(time.end if shade.until is None else shade.until),
            "fillcolor": FAULT,
            "opacity": 0.16,
            "line": {"width": 0},
        }
        for shade in report.shades
    ]


def _borders(report: Report, time: Time) -> list[dict[str, Any]]:
    measured = [phase for phase in report.phases if phase.name == Phase.WORKLOAD]
    return [
        {
            "type": "line",
            "yref": "paper",
            "y0": 0,
            "y1": 1,
            "x0": time.at(at),
            "x1": time.at(at),
            "layer": "below",
            "line": {"width": 1, "dash": "dot", "color": COLOURS[-1]},
        }
        for phase in measured
        for at in (phase.since, phase.until)
    ]
