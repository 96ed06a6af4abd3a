"""Tally parts from plain tuples."""

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from actors.tally import (
    ATTEMPTS,
    BLOCK,
    CLAIMS,
    CLIENTS,
    COMMITS,
    FATES,
    FOUND,
    INCIDENTS,
    POSITIONS,
    SPANS,
    Part,
    Table,
)

Rows: TypeAlias = Sequence[tuple[int, ...]]
_LAYOUTS: dict[str, Any] = {
    "clients": CLIENTS, "attempts": ATTEMPTS, "claims": CLAIMS, "found": FOUND, "spans": SPANS,
    "positions": POSITIONS, "commits": COMMITS, "fates": FATES, "incidents": INCIDENTS,
}  # fmt: skip


def table(name: str, rows: Rows) -> Table:
    """Rows in the order of the layout's columns."""
    return np.array(list(rows), _LAYOUTS[name])


def part(version: int, *, at: int = 0, reading: str = "", attempted: int = 0, **rows: Rows) -> Part:
    """A part with these rows, and so many attempts in its sums."""
    tables: dict[str, Any] = {name: table(name, some) for name, some in rows.items()}
    return Part(version=version, at=at, reading=reading, counts={"attempted": attempted}, **tables)


def digest(offset: int, client: int, sequence: int) -> int:
    """Some hash of a record's place and identity, not the one of the data path."""
    return hash((offset, client, sequence, "place")) & 0xFFFFFFFFFFFFFFFF


def spans_of(
    place: tuple[int, int], entries: list[tuple[int, int, int, int]], *, stint: int = 0, block: int = BLOCK
) -> list[tuple[int, ...]]:
    """SPANS rows of entries (offset, client, sequence, epoch) read in this order."""
    spans: list[list[int]] = []
    for offset, client, sequence, epoch in entries:
        if not spans or spans[-1][3] != epoch or spans[-1][4] // block != offset // block or offset <= spans[-1][5]:
            spans.append([*place, stint, epoch, offset, offset, 0, 0])
        spans[-1][5], spans[-1][6] = offset, spans[-1][6] + 1
        spans[-1][7] = (spans[-1][7] + digest(offset, client, sequence)) % 2**64
    return [tuple(span) for span in spans]


def found_of(
    place: tuple[int, int], entries: list[tuple[int, int, int, int]], *, block: int = BLOCK
) -> list[tuple[int, ...]]:
    """FOUND rows of entries (offset, client, sequence, epoch) read in this order; each within a block, without a gap."""
    rows: list[list[int]] = []
    for offset, client, sequence, epoch in entries:
        last = rows[-1] if rows else None
        follows = last and last[0] == client and last[3:6:2] == [epoch, sequence - 1] and last[7] == offset - 1
        if last and follows and offset % block:
            last[5], last[7] = sequence, offset
        else:
            rows.append([client, place[1], place[0], epoch, sequence, sequence, offset, offset, 0])
    return [tuple(row) for row in rows]
