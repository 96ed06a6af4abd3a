"""``marathon kafka``: a real local cluster in one command, which ends by itself when its time is over."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

from cyclopts import App, Parameter
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from actors.units import duration_text, parse_duration
from marathon_ray.kafka import homes, plan
from marathon_ray.kafka.cluster import KafkaError
from marathon_ray.kafka.guardianship import Guardianship, reclaim
from marathon_ray.kafka.jars import Tell
from marathon_ray.kafka.local import LocalKafka

app = App(name="kafka", help="A real Kafka cluster on this machine.")

Name = Annotated[str | None, Parameter(help="Which cluster; not needed while there is only one.")]


@app.command
def up(
    *,
    nodes: int = 3,
    version: str = "4.3",
    for_: Annotated[str, Parameter(name="--for")] = "8h",
    set_: Annotated[tuple[str, ...], Parameter(name="--set", negative=())] = (),
    name: str | None = None,
    secure: bool = False,
) -> None:
    """Start a cluster, print its bootstrap address, and leave it running until its time is over.

    Parameters
    ----------
    nodes
        How many nodes; each is broker and controller.
    version
        Which Kafka: 4.3 is the newest 4.3.x.
    for_
        How long it runs: 8h, 30 min.
    set_
        A broker property, key=value; may be given several times.
    name
        What to call it; without it a name is found.
    secure
        Add a listener with TLS and SCRAM.
    """
    seconds = _seconds(for_)
    properties = dict(map(plan.parse_property, set_))
    kafka = LocalKafka(nodes=nodes, version=version, properties=properties, name=name, secure=secure)
    with _progress() as tell:
        kafka.up(tell)
    try:
        kafka.hand_over(seconds)
        _show(kafka, secure=secure)
    except BaseException:
        kafka.close()
        raise


@app.command
def down(name: Name = None) -> None:
    """End a cluster: no process, port or file of it is left."""
    reclaim(homes.root())
    Guardianship(homes.root() / _choose(name)).end()


@app.command
def status() -> None:
    """Show which clusters run, and clear up after those whose guardian was killed."""
    for name in reclaim(homes.root()):
        sys.stdout.write(f"{name}: its guardian was killed; what it left is removed\n")
    for name in homes.names():
        try:
            sys.stdout.write(_describe(LocalKafka.attach(name)))
        except KafkaError as error:  # being made or being removed just now
            sys.stdout.write(f"{name}: {error}\n")


@app.command
def logs(node: int = 1, name: Name = None) -> None:
    """Print what the broker of a node has logged.

    Parameters
    ----------
    node
        The number of the node.
    """
    sys.stdout.write(LocalKafka.attach(_choose(name)).logs(node))


def _describe(kafka: LocalKafka) -> str:
    left = duration_text(float(int(kafka.ends_in())))
    nodes = [f"  node {node}: Kafka {kafka.version(node)}, {kafka.state(node)}" for node in kafka.nodes]
    return "\n".join([f"{kafka.name}: {kafka.bootstrap()}, ends in {left} unless renewed", *nodes, ""])


def _choose(name: str | None) -> str:
    """Return the name of the cluster that is meant; KafkaError lists them if that is not clear."""
    names = homes.names()
    if name is None and len(names) == 1:
        return names[0]
    if name is None or name not in names:
        wanted = f"cluster {name}" if name else "the one that is meant"
        raise KafkaError(f"{wanted} is not among the local clusters: {', '.join(names) or 'none is running'}")
    return name


def _seconds(text: str) -> float:
    try:
        seconds = parse_duration(text)
    except ValueError as error:
        raise KafkaError(f"--for: {error}") from None
    if seconds < 1:
        raise KafkaError(f"--for {text!r} is shorter than 1 s")
    return seconds


def _show(kafka: LocalKafka, *, secure: bool) -> None:
    sys.stdout.write(f"{kafka.bootstrap()}\n")
    if secure:
        for key, value in kafka.client_properties(secure=True).items():
            sys.stdout.write(f"{key}={value}\n")


@contextmanager
def _progress() -> Iterator[Tell]:
    """Show on standard error what is going on, for as long as the block takes."""
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("Kafka", total=None)

        def tell(step: str, done: float | None) -> None:
            progress.update(task, description=step, total=None if done is None else 1.0, completed=done or 0)

        yield tell
