"""``marathon check``: whether this bench finds what it is there for, on that cluster."""

import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from marathon_ray.check import check
from marathon_ray.clusters import Opened, open_cluster
from marathon_ray.commands.printing import show, table
from marathon_ray.commands.run import bench as checked
from marathon_ray.names import Names, new_run
from marathon_ray.outcome import EXIT, Outcome
from marathon_ray.plant import BOARD, Plant, Played, told
from marathon_ray.running import BENCH
from marathon_ray.stops import InterruptionError


def check_bench(*, cluster: str = "local", bench: str = BENCH, results: Path = Path("results")) -> int:
    """Plant errors in our own path, and see that each is found, and nothing else: 0 all were, 1 one was not.

    Parameters
    ----------
    cluster
        local (made for this), HOST:PORT,…, the name of one that `marathon kafka up` has started, or a YAML file.
    bench
        The name of this installation: what it makes on a cluster carries it.
    results
        The folder in which the journal of it has a folder of its own, for `marathon reclaim`.
    """
    return board(open_cluster(cluster), Names(checked(bench), new_run()), results, plants=BOARD)


def board(opened: Opened, names: Names, results: Path, *, plants: Sequence[Plant], as_json: bool = False) -> int:
    """Play these plants there, print what came of each, and return the exit code."""
    try:
        played = _shown(opened, names, results, plants)
    except InterruptionError:
        return EXIT[Outcome.INTERRUPTED]
    rows = [_row(each) for each in played]
    if as_json:
        lines = [{"planted": planted, "must be found": must, "result": result} for planted, must, result in rows]
        sys.stdout.writelines(f"{json.dumps(line)}\n" for line in [*lines, {"note": verdict(played)}])
    else:
        show(table(("planted", "must be found", "result"), rows), verdict(played))
    return EXIT[Outcome.PASSED if all(each.right for each in played if not each.lacking) else Outcome.FAILED]


def verdict(played: list[Played]) -> str:
    """In one line. The plants by nobody are errors to find nothing."""
    done = [each for each in played if not each.lacking]
    planted = [each for each in done if each.plant.found]
    quiet = all(each.right for each in done if not each.plant.found)
    without = (
        "nothing was found where nothing was planted" if quiet else "something was found where nothing was planted"
    )
    right, left = sum(each.right for each in planted), len(played) - len(done)
    more = f"; {left} {'was' if left == 1 else 'were'} not played" if left else ""
    return f"{right} of {len(planted)} planted errors were caught; {without}{more}"


def _shown(opened: Opened, names: Names, results: Path, plants: Sequence[Plant]) -> list[Played]:
    """Says on a terminal how far it is."""
    with Console(stderr=True, highlight=False).status("planting") as status:
        done: list[Played] = []

        def tell(played: Played) -> None:
            done.append(played)
            status.update(f"{played.plant.name} ({len(done)} of {len(plants)})")

        return asyncio.run(check(opened, names, results, plants, tell, status.console.print))


def _row(played: Played) -> tuple[str, str, str]:
    result = f"not played: {played.lacking}" if played.lacking else "; ".join(played.mistakes())
    return played.plant.name, told(played.plant.found), result or "as it must be"
