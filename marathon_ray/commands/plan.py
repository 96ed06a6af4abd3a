"""``marathon plan``: what a run will be and cost, and its mistakes; nothing is touched."""

from collections.abc import Iterator
from typing import Annotated, Literal

from cyclopts import Parameter
from rich.text import Text

from actors.units import duration_text
from marathon_ray.catalogue import find
from marathon_ray.commands.printing import show, table
from marathon_ray.fields import build
from marathon_ray.nodes import MARKET, MARKETS
from marathon_ray.offered import Load
from marathon_ray.places.place import CPUS
from marathon_ray.planning import Planned, plan
from marathon_ray.report.words import number, short
from marathon_ray.spread import needed, share
from marathon_ray.usage import UsageError

Fields = Annotated[str, Parameter(allow_leading_hyphen=True)]


def plan_one(
    name: str,
    /,
    *fields: Fields,
    brokers: int | None = None,
    nodes: Literal["any", "spot"] = "any",
    node_cpus: int = 4,
) -> None:
    """Print how large a run will be, and find its mistakes. Nothing is touched, and nobody is asked.

    Parameters
    ----------
    name
        A scenario's name, or a file: ./mine.py, ./mine.py:CLASS.
    fields
        The scenario's fields, as --writers.rate "300 MB/s"; `marathon show NAME` lists them.
    brokers
        How many brokers the cluster will have.
    nodes
        On which nodes of a Ray cluster workers will live, as of `marathon run`.
    node_cpus
        How many CPUs one of these has.
    """
    if node_cpus < 1:
        raise UsageError(f"--node-cpus {node_cpus}: a node has 1 or more")
    planned = plan(build(find(name), fields), brokers=brokers)
    if planned.mistakes:
        raise UsageError("\n".join(planned.mistakes))
    show(
        Text(planned.name, style="bold"),
        planned.promise,
        "",
        table(("topic", "partitions", "replicas", "written", "in all", "on disks"), _topics(planned), right=_NUMBERS),
        "",
        table(("fleet", "does", "workers", "partitions", "at the peak", "cores"), _fleets(planned), right=_NUMBERS),
        "",
        table(("", ""), _whole(planned, nodes, node_cpus)),
    )


_NUMBERS = ("partitions", "replicas", "workers")


def _topics(planned: Planned) -> Iterator[tuple[str, ...]]:
    for name, topic in planned.topics.items():
        whole = planned.totals[name]
        disks = f"{_bytes(whole.bytes * topic.replication)}" if whole and planned.lasts else "not known"
        in_all = _amount(whole) if planned.lasts else "not known"
        yield name, str(topic.partitions), str(topic.replication), _rate(planned.peaks[name]), in_all, disks


def _fleets(planned: Planned) -> Iterator[tuple[str, ...]]:
    for name, fleet in planned.fleets.items():
        kind = type(fleet.spec).__name__
        later = " later" if fleet.spec.starts == "later" else ""
        cores = "" if fleet.cores is None else f"about {_cores(fleet.cores)}"
        yield name, f"{kind}{later}", str(fleet.workers), str(fleet.partitions), _rate(fleet.load), cores


def _whole(planned: Planned, nodes: str, cpus: int) -> Iterator[tuple[str, str]]:
    yield "lasts", f"at least {duration_text(planned.lasts)}" if planned.lasts else "not known beforehand"
    yield "at most", duration_text(planned.at_most)
    yield "workers", str(planned.workers)
    yield "CPUs of Ray", f"{planned.workers * CPUS:g}, {CPUS:g} a worker"
    yield "nodes of Ray", _nodes(planned, nodes, cpus)
    yield "groups", ", ".join(planned.groups) or "none"
    for name, lines in (("promises", planned.demands), ("allowed", planned.allowed)):
        for number_, line in enumerate(lines or ("none",)):
            yield "" if number_ else name, line


def _nodes(planned: Planned, nodes: str, cpus: int) -> str:
    there = needed(planned.fleets, cpus)
    if there is None:
        name = max(planned.fleets, key=lambda name: share(planned.fleets[name]))
        cores = f"takes {_cores(share(planned.fleets[name]))} cores at the peak"
        return f"none with {cpus} CPUs is enough: one worker of {name} {cores}; say --{name}.workers or --node-cpus"
    fast = any(fleet.cores is None for fleet in planned.fleets.values())
    first, *others = MARKETS[nodes] or ("",)
    kind = f"labelled {MARKET}={' or '.join([first, *others])}" if first else "of any kind"
    each, most = (" each", " at most") if there.count > 1 else ("", "")
    load = f"{there.workers} workers on one{most}, which take {_cores(there.cores)} cores{' or more' if fast else ''} at the peak"
    return f"{'at least ' if fast else ''}{there.count} with {cpus} CPUs{each}, {kind}: {load}"


def _rate(load: Load | None) -> str:
    return "as fast as it goes" if load is None else f"{short(load.records)} records/s, {_bytes(load.bytes)}/s"


def _amount(load: Load | None) -> str:
    return "as fast as it goes" if load is None else f"{number(round(load.records))} records, {_bytes(load.bytes)}"


def _bytes(count: float) -> str:
    """Three digits: 1.25 MB."""
    for scale, unit in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if count >= scale * 0.9995:
            return f"{count / scale:.3g} {unit}"
    return f"{count:.3g} B"


def _cores(cores: float) -> str:
    return f"{cores:.2g}" if cores < 10 else f"{cores:.0f}"
