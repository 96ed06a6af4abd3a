"""``marathon check``: whether this bench finds what it is there for, on that cluster."""

import asyncio
import json
import sys
from pathlib import Path

from rich.console import Console

from marathon_ray.check import PLANTS, Played, check, told
from marathon_ray.clusters import Opened, open_cluster
from marathon_ray.commands.printing import show, table
from marathon_ray.commands.run import bench as checked
from marathon_ray.names import Names, new_run
from marathon_ray.outcome import EXIT, Outcome
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
    return board(open_cluster(cluster), Names(checked(bench), new_run()), results)


def board(opened: Opened, names: Names, results: Path, *, as_json: bool = False) -> int:
    """Play all plants there, print what came of each, and return the exit code."""
    try:
        played = _shown(opened, names, results)
    except InterruptionError:
        return EXIT[Outcome.INTERRUPTED]
    rows = [_row(each) for each in played]
    if as_json:
        lines = [{"planted": planted, "must be found": must, "result": result} for planted, must, result in rows]
        sys.stdout.writelines(f"{json.dumps(line)}\n" for line in [*lines, {"note": verdict(played)}])
    else:
        show(table(("planted", "must be found", "result"), rows), verdict(played))
    return EXIT[Outcome.PASSED if all(each.right for each in played) else Outcome.FAILED]


def verdict(played: list[Played]) -> str:
    """In one line. The plant by nobody is an error to find nothing."""
    right = sum(each.right for each in played if each.plant.found)
    quiet = all(each.right for each in played if not each.plant.found)
    without = (
        "nothing was found where nothing was planted" if quiet else "something was found where nothing was planted"
    )
    return f"{right} of {sum(bool(plant.found) for plant in PLANTS)} planted errors were caught; {without}"


def _shown(opened: Opened, names: Names, results: Path) -> list[Played]:
    """Says on a terminal how far it is."""
    with Console(stderr=True, highlight=False).status("planting") as status:
        done: list[Played] = []

        def tell(played: Played) -> None:
            done.append(played)
            status.update(f"{played.plant.name} ({len(done)} of {len(PLANTS)})")

        return asyncio.run(check(opened, names, results, tell, status.console.print))


def _row(played: Played) -> tuple[str, str, str]:
    return played.plant.name, told(played.plant.found), "; ".join(played.mistakes()) or "as it must be"
