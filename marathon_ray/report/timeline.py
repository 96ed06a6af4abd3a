"""What went on when: phases, faults, spans and notes as bars over the time of a run."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from marathon_ray.report.charts import COLOURS, FAULT, Chart, Time, Trace, figure, plain, time_of
from marathon_ray.report.report import Report
from marathon_ray.report.words import lasting
from marathon_ray.round import Phase

_ROWS: Final = ("note", "span", "fault", "phase")  # from below
_MOMENT: Final = 1 / 250  # of the run: how wide a moment is drawn


class Bar(NamedTuple):
    """One bar; times in seconds since the run began."""

    row: str
    text: str
    since: float
    until: float
    colour: str


def timeline(report: Report) -> Iterator[Chart]:
    """One chart, where anything is known."""
    time = time_of(report)
    shown = list(bars(report))
    names = [name for name in _ROWS if any(bar.row == name for bar in shown)]
    if shown:
        yaxis = {"type": "category", "categoryorder": "array", "categoryarray": names, "rangemode": "normal"}
        made = figure(report, [_drawn(bar, time) for bar in shown], yaxis, height=70 + 34 * len(names))
        made["layout"] |= {"barmode": "overlay", "showlegend": False, "hovermode": "closest", "shapes": []}
        made["layout"] |= {"uniformtext": {"mode": "hide", "minsize": 9}}
        made["layout"]["margin"]["t"] = 6
        yield Chart("timeline", "Time line", "", made)


def bars(report: Report) -> Iterator[Bar]:
    """All of them."""
    for phase in report.phases:
        colour = COLOURS[0] if phase.name == Phase.WORKLOAD else COLOURS[-1]
        yield Bar("phase", phase.name, phase.since, phase.until, colour)
    for shade in report.shades:
        yield Bar("fault", shade.fault, shade.since, report.seconds if shade.until is None else shade.until, FAULT)
    for note in report.notes:
        if note.until is None:
            yield Bar("note", note.text, note.since, note.since + report.seconds * _MOMENT, COLOURS[3])
        else:
            text = f"{note.text}, {lasting(note.until - note.since)}"
            yield Bar("span", text, note.since, note.until, COLOURS[1])


def _drawn(bar: Bar, time: Time) -> Trace:
    when = f"{lasting(bar.since)} to {lasting(bar.until)}"
    return {
        "type": "bar", "orientation": "h", "y": [bar.row], "base": [time.at(bar.since)],
        "x": [time.at(bar.until - bar.since)], "text": [plain(bar.text)], "textposition": "inside", "textangle": 0,
        "insidetextanchor": "middle", "insidetextfont": {"color": "#fff", "size": 11},
        "marker": {"color": bar.colour, "line": {"color": "#fff", "width": 0.5}}, "opacity": 0.85, "width": 0.7,
        "hovertemplate": f"{plain(bar.text)}<br>{when}<extra></extra>",
    }  # fmt: skip
