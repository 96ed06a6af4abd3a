"""Tables on standard output: as wide as the terminal, and never broken up where there is none."""

import sys
from collections.abc import Iterable, Sequence
from typing import Final

from rich.console import Console, RenderableType
from rich.table import Table

_WIDE: Final = 1_000  # columns: a program that reads lines wants whole ones


def console() -> Console:
    """Standard output."""
    return Console(file=sys.stdout, width=None if sys.stdout.isatty() else _WIDE, highlight=False, soft_wrap=False)


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, right: Sequence[str] = ()) -> Table:
    """Columns side by side, those in `right` with their ends in line; without any heads where `columns` are empty."""
    made = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="dim", show_header=any(columns))
    for column in columns:
        made.add_column(column, justify="right" if column in right else "left", overflow="fold")
    for row in rows:
        made.add_row(*row)
    return made


def show(*parts: RenderableType) -> None:
    """Print them, one below the other; trailing blanks are no part of a line."""
    with (out := console()).capture() as captured:
        for part in parts:
            out.print(part)
    sys.stdout.write("".join(f"{line.rstrip()}\n" for line in captured.get().splitlines()))
