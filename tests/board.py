"""The sabotage board: the page of the docs about what `marathon check` plays; and what a small run of a test has found."""

import sys
from collections.abc import Iterable

from marathon_ray.plant import ALL, BOARD, Red, found
from tests.rig import Rig


def red(rig: Rig) -> Red:
    """What was found, as a plant says it."""
    return found(rig.findings)


def matrix() -> str:
    """The board as a table in Markdown: a row for each plant, a column for each finding that some plant causes."""
    columns = sorted({column for plant in BOARD for column in plant.found})
    names = [kind.value + (" (group)" if reading else "") for kind, reading in columns]
    lines = [_row(["planted", *names]), _row(["---"] * (len(names) + 1))]
    for plant in BOARD:
        cells = [str(plant.found.get(column, "")).replace(str(ALL), "all") for column in columns]
        lines.append(_row([plant.name, *cells]))
    return "\n".join(lines)


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def page() -> str:
    """All of docs/board.md."""
    return f"""# The sabotage board

Every checker has been seen to fail: each row is an error that tests plant in our own path, each column a finding, each
number how many records it must count ("all": every record of the transaction that was lied about). An empty cell is as
strong a claim as a number: that checker stays green. Played on a mock cluster (but for what copies, since a mock never
aborts) and on real Kafka by the tests, and all of it on your cluster by `marathon check`. A cluster that lets nobody have
transactions has that said of the rows that copy: they were not played, and nothing is held against it.

{matrix()}
"""


if __name__ == "__main__":
    sys.stdout.write(page())
