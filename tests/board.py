"""The sabotage board: what `marathon check` plays, and what only transactions show; the page of the docs about both."""

import sys
from collections.abc import Iterable
from typing import Final

from actors import sabotage
from marathon_ray.check import LIVE, PLANTS, Plant, Red, found
from marathon_ray.finding import FindingKind
from marathon_ray.kafka.local import LocalKafka
from tests.copying import Copying
from tests.rig import Rig

ALL: Final = -1  # all records of the transaction that was lied about: their number is for the load to say
# What a transactor may lie about; only a cluster that does abort shows it.
TRANSACTED: Final = (
    Plant("nobody", sabotage.Honest, {}),
    Plant(
        "transactor",
        sabotage.CommitWhatShouldAbort,
        {(FindingKind.POISON, LIVE): ALL, (FindingKind.ABORTED_DELIVERED, LIVE): ALL},
    ),
    Plant("transactor", sabotage.HideAbort, {(FindingKind.SKIPPED, LIVE): ALL}),
)


def red(rig: Rig) -> Red:
    """What was found, as a plant says it."""
    return found(rig.findings)


def play_copies(plant: Plant, kafka: LocalKafka, topic: str) -> tuple[Copying, sabotage.Honest]:
    """One small run in which a topic is copied in transactions, half of them aborted, by a transactor with that error."""
    copying, planted = Copying(kafka, topic, aborts=0.5), plant.how()
    copying.copier("transactor", planted)
    copying.copy_on(10)
    copying.finish()
    return copying, planted


def matrix() -> str:
    """The board as a table in Markdown: a row for each plant, a column for each finding that some plant causes."""
    columns = sorted({column for plant in (*PLANTS, *TRANSACTED) for column in plant.found})
    names = [kind.value + (" (group)" if reading else "") for kind, reading in columns]
    lines = [_row(["planted", *names]), _row(["---"] * (len(names) + 1))]
    for title, plants in (("", PLANTS), ("copying: ", TRANSACTED)):
        for plant in plants:
            cells = [str(plant.found.get(column, "")).replace(str(ALL), "all") for column in columns]
            lines.append(_row([title + plant.name, *cells]))
    return "\n".join(lines)


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def page() -> str:
    """All of docs/board.md."""
    return f"""# The sabotage board

Every checker has been seen to fail: each row is an error that tests plant in our own path, each column a finding, each
number how many records it must count ("all": every record of the transaction that was lied about). An empty cell is as
strong a claim as a number: that checker stays green. Played on a mock cluster and on real Kafka by the tests, and on your
cluster by `marathon check`.

{matrix()}
"""


if __name__ == "__main__":
    sys.stdout.write(page())
