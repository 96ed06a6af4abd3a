"""The charts of a page, each from what was measured; one that has nothing to show is not there."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np

from marathon_ray.report.charts import COLOURS, FAULT, Chart, Trace, figure, line, time_of
from marathon_ray.report.measured import Line, Measured
from marathon_ray.report.report import Report
from marathon_ray.report.strip import strips
from marathon_ray.report.timeline import timeline
from marathon_ray.report.words import latency

_RATES: Final = {"offered": "dot", "acknowledged": "solid", "read": "solid", "refused": "dash", "unknown": "dash"}
_FAULTY: Final = ("refused", "unknown")
_RECORDS: Final = {"tickformat": "~s"}
_PERCENTILES: Final = {"p50": COLOURS[0], "p99": COLOURS[2], "p99.9": COLOURS[3], "max": COLOURS[6]}
_LATENCIES: Final = {
    "response": "From the intended time of a record to its acknowledgement.",
    "end to end": "From the intended time of a record to its delivery.",
}


def charts(report: Report, measured: Measured) -> Iterator[Chart]:
    """All that have something to show, in the order of the page."""
    yield from timeline(report)
    if measured.lines:
        yield from _rates(report, measured)
        yield from _latencies(report, measured)
        yield from _lag(report, measured)
        yield from strips(report, measured)
        yield from _workers(report, measured)
        yield from _busiest(report, measured)


def _rates(report: Report, measured: Measured) -> Iterator[Chart]:
    traces = [
        trace for fleet, colour in _fleets(report, measured) for trace in _fleet_rates(report, measured, fleet, colour)
    ]
    if traces:
        about = "Records a second. Dotted: what the schedule asked for."
        yield Chart("rates", "Rates", about, figure(report, traces, _RECORDS))


def _fleet_rates(report: Report, measured: Measured, fleet: str, colour: str) -> Iterator[Trace]:
    """Those of a fleet that the scenario does not declare, the bench's own, are drawn once they are asked for."""
    shown = {"visible": "legendonly"} if fleet in _added(report) else {}
    for name, dash in _RATES.items():
        rounds = measured.lines.get((fleet, name))
        if rounds is not None and rounds.value.any():
            times, rates = rounds.drawn("rate")
            pen = {"color": FAULT if name in _FAULTY else colour, "dash": dash}
            yield line(f"{fleet} {name}", time_of(report).of(times), rates, pen=pen) | shown


def _fleets(report: Report, measured: Measured) -> list[tuple[str, str]]:
    """Each fleet and its colour; those that the scenario declares come first."""
    added = _added(report)
    names = sorted(measured.named("workers"), key=lambda fleet: fleet in added)
    return [(fleet, COLOURS[number % len(COLOURS)]) for number, fleet in enumerate(names)]


def _added(report: Report) -> set[str]:
    return {crew.name for crew in report.fleets if not crew.declared}


def _latencies(report: Report, measured: Measured) -> Iterator[Chart]:
    for kind, about in _LATENCIES.items():
        for fleet in measured.named(f"{kind} max"):
            found = {share: measured.lines[fleet, f"{kind} {share}"] for share in _PERCENTILES}
            worst = latency(float(found["max"].value.max()))
            words = f"{about} Of each stretch the worst round; the longest of all was {worst}."
            anchor, title = f"{kind}-{fleet}".replace(" ", "-"), f"{kind.capitalize()}, {fleet}"
            yield Chart(anchor, title, words, figure(report, _percentiles(report, found), _log(found)))


def _percentiles(report: Report, found: Mapping[str, Line]) -> list[Trace]:
    time, traces = time_of(report), []
    for share, rounds in found.items():
        times, us = rounds.drawn("worst")
        pen = {"color": _PERCENTILES[share], "width": 1 if share == "max" else 1.6}
        hover = {"customdata": [latency(each) for each in us.tolist()], "hovertemplate": "%{customdata}"}
        traces.append(line(share, time.of(times), np.maximum(us, 1), pen=pen) | hover)
    return traces


def _log(found: Mapping[str, Line]) -> Mapping[str, Any]:
    """A logarithmic axis of µs with ticks that people read: decades, and 2 and 5 where there are few."""
    values = np.concatenate([rounds.value for rounds in found.values()])
    low, high = np.floor(np.log10(max(1, values.min()))), np.ceil(np.log10(max(2, values.max())))
    steps = (1,) if high - low > 2 else (1, 2, 5)
    ticks = [float(step * 10**power) for power in np.arange(low, high + 1) for step in steps]
    names = [latency(tick) for tick in ticks]
    return {
        "type": "log", "range": [float(low), float(high)], "rangemode": "normal", "tickvals": ticks, "ticktext": names,
    }  # fmt: skip


def _lag(report: Report, measured: Measured) -> Iterator[Chart]:
    time, traces = time_of(report), []
    whole = {name: rounds for (fleet, name), rounds in measured.lines.items() if not fleet}
    behind = {name.removeprefix("lag "): rounds for name, rounds in whole.items() if name.startswith("lag ")}
    for number, (name, rounds) in enumerate(behind.items(), start=1):
        times, records = rounds.drawn("worst")
        traces.append(line(name, time.of(times), records, pen={"color": COLOURS[number % len(COLOURS)]}))
    waiting = whole.get("unaudited")
    if waiting is not None and waiting.value.any():
        times, records = waiting.drawn("worst")
        traces.append(line("not yet audited", time.of(times), records, pen={"color": COLOURS[-1], "dash": "dot"}))
    if traces:
        about = "Records behind the log's end, and acknowledged records that wait for both passes of the audit."
        yield Chart("lag", "Lag", about, figure(report, traces, _RECORDS))


def _workers(report: Report, measured: Measured) -> Iterator[Chart]:
    time, traces = time_of(report), []
    for fleet, colour in _fleets(report, measured):
        pen = {"color": colour, "shape": "hv"}
        times, answered = measured.lines[fleet, "workers"].drawn("last")
        _, wanted = measured.lines[fleet, "wanted"].drawn("last")
        traces.append(line(fleet, time.of(times), answered, pen=pen))
        if (wanted != answered).any():
            traces.append(line(f"{fleet} wanted", time.of(times), wanted, pen={**pen, "dash": "dot"}))
    if traces:
        whole = max(1, round(max(max(trace["y"]) for trace in traces) / 4))
        yield Chart("workers", "Workers", "Those that answered.", figure(report, traces, {"dtick": whole}, height=200))


def _busiest(report: Report, measured: Measured) -> Iterator[Chart]:
    time, traces = time_of(report), []
    for fleet, colour in _fleets(report, measured):
        times, shares = measured.lines[fleet, "busiest"].drawn("worst")
        if shares.any():
            traces.append(line(fleet, time.of(times), shares, pen={"color": colour}))
    full = measured.lines.get(("", "full"))
    if full is not None and full.value.any():
        times, shares = full.drawn("worst")
        traces.append(line("fullest node", time.of(times), shares, pen={"color": COLOURS[-1], "dash": "dot"}))
    if traces:
        about = (
            "Of each fleet the busiest worker's process, where 100 % is one core; and of the node that our workers use most, "
            "how much of all its processors."
        )
        yield Chart("busiest", "Processor", about, figure(report, traces, {"tickformat": ".0%"}, height=200))
