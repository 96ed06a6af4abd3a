"""``marathon reclaim``: what dead runs have left is undone, by their journals or by the names of things alone."""

import sys
from pathlib import Path

from marathon_ray.clusters import open_cluster
from marathon_ray.commands.run import bench as checked
from marathon_ray.reclaim import reclaim, reclaim_by_name
from marathon_ray.running import BENCH


def undo(*, results: Path = Path("results"), cluster: str | None = None, bench: str = BENCH) -> None:
    """Undo what dead runs have left: faults, topics, groups. What a living run has made stays.

    Parameters
    ----------
    results
        The folder whose journals say what was made.
    cluster
        A cluster on which everything that carries the bench's name is deleted, whether or not there is a journal of it.
    bench
        That name.
    """
    runs = reclaim(results, open_cluster, _say)
    _say(f"{runs} runs in {results} had left something")
    if cluster is not None:
        opened = open_cluster(cluster)
        try:
            things = reclaim_by_name(opened.acquire().client_properties(), checked(bench), results, _say)
        finally:
            opened.release()
        _say(f"{things} topics and groups of bench {bench} were left on {opened.name}")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
