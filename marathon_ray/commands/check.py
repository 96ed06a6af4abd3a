"""``marathon check``: whether this bench finds what it is there for, on that cluster."""

from collections.abc import Iterator, Mapping

from rich.console import Console

from marathon_ray.check import PLANTS, Played, check, told
from marathon_ray.clusters import open_cluster
from marathon_ray.commands.printing import show, table
from marathon_ray.commands.run import bench as checked
from marathon_ray.names import Names, new_run
from marathon_ray.outcome import EXIT, Outcome
from marathon_ray.running import BENCH


def check_bench(*, cluster: str = "local", bench: str = BENCH) -> int:
    """Plant errors in our own path, and see that each is found, and nothing else: 0 all were, 1 one was not.

    Parameters
    ----------
    cluster
        local (made for this), HOST:PORT,…, the name of one that `marathon kafka up` has started, or a YAML file.
    bench
        The name of this installation: what it makes on a cluster carries it.
    """
    opened, names = open_cluster(cluster), Names(checked(bench), new_run())
    try:
        return board(opened.acquire().client_properties(), names)
    finally:
        opened.release()


def board(properties: Mapping[str, str], names: Names) -> int:
    """Play all plants there, print what came of each, and return the exit code."""
    played = list(_shown(check(properties, names)))
    show(table(("planted", "must be found", "result"), map(_row, played)), verdict(played))
    return EXIT[Outcome.PASSED if all(each.right for each in played) else Outcome.FAILED]


def verdict(played: list[Played]) -> str:
    """In one line. The plant by nobody is an error to find nothing."""
    right = sum(each.right for each in played if each.plant.found)
    quiet = all(each.right for each in played if not each.plant.found)
    without = (
        "nothing was found where nothing was planted" if quiet else "something was found where nothing was planted"
    )
    return f"{right} of {sum(bool(plant.found) for plant in PLANTS)} planted errors were caught; {without}"


def _shown(runs: Iterator[Played]) -> Iterator[Played]:
    """Says on a terminal how far it is."""
    with Console(stderr=True).status("") as status:
        for number in range(len(PLANTS)):
            status.update(f"{PLANTS[number].name} ({number + 1} of {len(PLANTS)})")
            if (played := next(runs, None)) is not None:
                yield played


def _row(played: Played) -> tuple[str, str, str]:
    return played.plant.name, told(played.plant.found), "; ".join(played.mistakes()) or "as it must be"
