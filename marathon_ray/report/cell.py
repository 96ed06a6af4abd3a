"""What a terminal would show, for a notebook's cell."""

import html
import io
import os
from pathlib import Path
from typing import Final
from urllib.parse import quote

from rich.console import Console, RenderableType

from marathon_ray.report.report import Report
from marathon_ray.report.summary import summary

_WIDE: Final = 140  # columns
_CODE: Final = '<pre style="line-height: 1.3; font-family: monospace">{code}</pre>'


def cell(*parts: RenderableType) -> dict[str, str]:
    """The parts, one below the other, by the kind of text that a notebook may choose."""
    console = Console(file=io.StringIO(), width=_WIDE, record=True, force_jupyter=False, force_terminal=True)
    for part in parts:
        console.print(part, highlight=False)
    drawn = console.export_html(inline_styles=True, code_format=_CODE, clear=False)
    return {"text/plain": console.export_text().rstrip("\n"), "text/html": drawn}


def told(report: Report, page: Path | None) -> str:
    """The summary of a run, and a link to its page, as HTML."""
    drawn = cell(summary(report))["text/html"]
    return drawn if page is None else f"{drawn}\n{_link(page)}"


def _link(page: Path) -> str:
    """As seen from where the kernel is: notebooks open what lies below their own folder, and nothing by its whole path."""
    path = os.path.relpath(page)
    return f'<a href="{html.escape(quote(path))}" target="_blank">the whole report</a>: {html.escape(path)}'
