"""A run as one page that needs nothing beside it: no network, no other file."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from jinja2 import DictLoader, Environment, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from marathon_ray import whole
from marathon_ray.balance import AUDITED, CLAIMED
from marathon_ray.report import words
from marathon_ray.report.figures import charts
from marathon_ray.report.measured import Measured, measured
from marathon_ray.report.report import Note, Report

NAME: Final = "report.html"
SHOWN: Final = 12  # findings that are open to the eye; the others unfold
# Read before a run begins: a checkout may change under one that goes on for hours.
_TEMPLATES: Final = {file.name: file.read_text(encoding="utf-8") for file in Path(__file__).parent.glob("*.j2")}
_EQUATIONS: Final = (("attempted", (*CLAIMED, "pending")), ("acknowledged", AUDITED))


def write(report: Report, folder: Path) -> Path:
    """The page is in that folder, whole or not at all, drawn from the series there; returns the file."""
    file = folder / NAME
    whole.put(file, page(report, measured(folder)))
    return file


def page(report: Report, series: Measured) -> str:
    """The page as HTML."""
    drawn = list(charts(report, series))
    figures = {chart.anchor: chart.figure for chart in drawn}
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            report=report,
            charts=drawn,
            figures=Markup(_script_safe(json.dumps(figures, separators=(",", ":"), allow_nan=False))),  # noqa: S704 - escaped
            library=Markup(get_plotlyjs()),  # noqa: S704 - ours to trust as any import
            equations=[_equation(report, whole, parts) for whole, parts in _EQUATIONS],
            extras=_extras(report),
            events=_events(report),
            shown=SHOWN,
        )
    )


def _script_safe(text: str) -> str:
    """JSON that ends no script."""
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _equation(report: Report, whole: str, parts: tuple[str, ...]) -> Mapping[str, Any]:
    """One sum of the conservation, by topic: the whole, its parts, and what is missing between them."""
    rows = {name: {topic: counts.get(name, 0) for topic, counts in report.totals.items()} for name in (whole, *parts)}
    gaps = {topic: rows[whole][topic] - sum(rows[part][topic] for part in parts) for topic in report.totals}
    return {"whole": whole, "parts": parts, "rows": rows, "gaps": gaps}


def _events(report: Report) -> list[Note]:
    """Faults and notes, in the order in which they began."""
    faults = []
    for shade in report.shades:
        nodes = f", node{'s' if len(shade.nodes) > 1 else ''} {', '.join(map(str, shade.nodes))}" if shade.nodes else ""
        never = ", never healed" if shade.until is None else ""
        until = max(report.seconds, shade.since) if shade.until is None else shade.until
        faults.append(Note(text=f"{shade.fault}{nodes}{never}", since=shade.since, until=until))
    return sorted([*faults, *report.notes], key=lambda event: event.since)


def _extras(report: Report) -> list[str]:
    """Counts beside the sums of the conservation, where there is one above 0."""
    summed = {name for whole, parts in _EQUATIONS for name in (whole, *parts)}
    return sorted({name for counts in report.totals.values() for name in counts if counts[name]} - summed)


def _environment() -> Environment:
    environment = Environment(
        loader=DictLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "number": words.number, "lasting": words.lasting, "clock": words.clock, "setting": _setting,
        "node_hours": words.node_hours, "money": words.money,
    }  # fmt: skip
    environment.globals["meaning"] = words.MEANING
    return environment


def _setting(value: object) -> str:
    """A setting as one line."""
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_setting(each)}" for name, each in value.items() if each not in (None, {}, []))
    if isinstance(value, list):
        return ", ".join(map(_setting, value))
    return value if isinstance(value, str) else json.dumps(value)
