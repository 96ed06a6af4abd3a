"""``marathon run``: one run of one scenario, shown while it goes on, and told in an exit code."""

import asyncio
import json as lines
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal

from cyclopts import Parameter
from rich.console import Console

from marathon_ray.catalogue import anywhere, find
from marathon_ray.clusters import Opened
from marathon_ray.commands.plan import Fields
from marathon_ray.commands.printing import show
from marathon_ray.fields import build, values
from marathon_ray.live import audience
from marathon_ray.news import Origin
from marathon_ray.outcome import EXIT
from marathon_ray.report import page
from marathon_ray.report.report import Report
from marathon_ray.report.summary import summary
from marathon_ray.request import names_of
from marathon_ray.running import BENCH
from marathon_ray.running import run as play
from marathon_ray.scenario import Scenario
from marathon_ray.store import Store, told

_RESTS: Final = (1.0, 5.0, 15.0)  # s before a store is tried again


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class Options:
    """Where and how to run."""

    cluster: str = "local"
    """local (made for the run), HOST:PORT,…, the name of one that `marathon kafka up` has started, or a YAML file."""
    places: Literal["ray", "here"] = "ray"
    """Where workers live: on Ray, or in this process."""
    ray: str | None = None
    """The Ray cluster's address; without it one is started here."""
    nodes: Literal["any", "spot"] = "any"
    """Nodes of the Ray cluster on which workers live: any, or those labelled ray.io/market-type=spot, and on-demand ones
    where there is no room on these."""
    results: Path = Path("results")
    """The folder in which each run has a folder of its own."""
    store: str | None = None
    """Where the run's folder is copied at its end: s3://bucket/prefix, gs://bucket/prefix or file:///folder."""
    seed: int | None = None
    """Decides whatever is drawn; without it one is drawn, and written in the report."""
    bench: str = BENCH
    """The name of this installation: what it makes on a cluster carries it."""
    json: Annotated[bool, Parameter(negative=())] = False
    """One JSON object a line on standard output, the last one says how it ended; nothing else."""


def run(name: str, /, *fields: Fields, options: Options = Options()) -> int:
    """Run a scenario: 0 passed, 1 failed, 3 invalid (it proves nothing), 4 interrupted, 5 skipped; 2: it cannot be run so.

    Parameters
    ----------
    name
        A scenario's name, or a file: ./mine.py, ./mine.py:CLASS.
    fields
        The scenario's fields, as --writers.rate "300 MB/s"; `marathon show NAME` lists them.
    """
    scenario, store = build(find(name), fields), None if options.store is None else Store(options.store)
    if store:
        store.check()
    origin = Origin(anywhere(name), options.cluster, options.cluster, tuple(values(type(scenario), fields).items()))
    report = played(scenario, options, origin=origin)
    tell(report, options)
    if store:
        keep(store, options.results / f"{report.scenario}-{report.run}")
    return EXIT[report.outcome]


def played(
    scenario: Scenario, options: Options, *, cluster: str | Opened | None = None, origin: Origin | None = None
) -> Report:
    """The run is over. Raises UsageError and KafkaError where it cannot be done as asked: two lines at most, as `play` does."""
    out = Console(file=sys.stdout) if options.json else Console(stderr=True, highlight=False)
    with audience(out, scenario.title(), as_json=options.json) as listener:
        return asyncio.run(
            play(
                scenario,
                cluster=cluster or options.cluster,
                places=options.places,
                ray=options.ray,
                nodes=options.nodes,
                results=options.results,
                seed=options.seed,
                bench=bench(options.bench),
                origin=origin or Origin("", options.cluster),
                tell=listener,
            )
        )


def keep(store: Store, folder: Path) -> None:
    """The run is copied there. Where that fails again and again a line says so: the verdict is what it is."""
    why = ""
    for rest in (0.0, *_RESTS):
        time.sleep(rest)
        try:
            store.copy(folder)
        except Exception as error:  # noqa: BLE001 - whatever the library of that store raises
            why = told(error)
        else:
            return
    sys.stderr.write(f"marathon: store {store.address}: {folder} is not copied: {why}\n")


def bench(name: str) -> str:
    """The name, which may be part of others. Raises UsageError where it may not."""
    return names_of(name).bench


def tell(report: Report, options: Options) -> None:
    """How it ended, in a few lines or in one."""
    file = options.results / f"{report.scenario}-{report.run}" / page.NAME
    if options.json:
        broken = {one.promise: one.found for one in report.verdicts if one.state == "failed"}
        ended = {"run": report.run, "outcome": report.outcome, "cause": report.cause, "broken": broken}
        sys.stdout.write(f"{lines.dumps({**ended, 'report': str(file)})}\n")
    else:
        show(summary(report, page=str(file) if file.is_file() else ""))
