"""Undoing what a run left that could not do so itself: from its journal, or from the names alone."""

import os
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from marathon_ray.clusters import Opened
from marathon_ray.faults.broker import Kill, Pause, Restart, Stop
from marathon_ray.faults.roles import any_broker
from marathon_ray.faults.upgrade import Finalize, Upgrade
from marathon_ray.journal import NAME, Entry, Journal, Thing, left, read
from marathon_ray.kafka import admin
from marathon_ray.kafka.cluster import Cluster, KafkaError, TellsReleases
from marathon_ray.names import Names, run_of

Tell = Callable[[str], None]
_FAULTS: Final = {each.__name__: each for each in (Kill, Pause, Restart, Stop, Upgrade, Finalize)}


def reclaim(
    results: Path, open_cluster: Callable[[str], Opened], tell: Tell, *, dead: Callable[[Entry], bool] = lambda _: False
) -> int:
    """Undo what dead runs in that folder have left; returns how many had left something. `dead` knows of a run whose
    process nobody here can see that it is gone, by the entry of its begin. Raises KafkaError where a cluster cannot be
    reached, once all others are done: what is left there stays in the journal, and this can be called again."""
    count, errors = 0, list[KafkaError]()
    for journal in sorted(results.glob(f"*/{NAME}")):
        entries = list(read(journal))
        there = left(entries)
        if there and (dead(entries[0]) or not _lives(entries[0])):
            tell(f"{journal.parent.name}: {len(there)} things are left")
            try:
                _undo(journal, entries[0], there, open_cluster, tell)
            except KafkaError as error:
                errors.append(error)
            count += 1
    if errors:
        raise errors[0]
    return count


def reclaim_by_name(properties: Mapping[str, str], bench: str, results: Path, tell: Tell) -> int:
    """Delete every topic and group of that bench's runs that no living run has a journal for; returns how many."""
    living = {str(entry["run"]) for entry in _begins(results) if _lives(entry)}
    state = admin.look(properties)
    topics = [name for name in state.topics if _dead(name, bench, living)]
    groups = [name for name in admin.groups(properties) if _dead(name, bench, living)]
    for name in (*topics, *groups):
        tell(name)
    admin.delete(properties, topics)
    admin.delete_groups(properties, groups)
    return len(topics) + len(groups)


def begin(journal: Journal, names: Names, cluster: str, **facts: Any) -> None:  # noqa: ANN401
    """The first entry: by whom this journal is, and which process lives as long as what it names is wanted."""
    whose = {"pid": os.getpid(), "started": started(os.getpid()), "host": socket.gethostname()}
    journal.write("begin", run=names.run, bench=names.bench, cluster=cluster, **facts, **whose)


def _dead(name: str, bench: str, living: Iterable[str]) -> bool:
    run = run_of(name, bench=bench)
    return run is not None and run not in living


def _begins(results: Path) -> Iterator[Entry]:
    for journal in results.glob(f"*/{NAME}"):
        yield from list(read(journal))[:1]


def _lives(begin: Entry) -> bool:
    """Whether the process that began the run is there still. Of another machine nobody here can say, so it counts as
    living."""
    if begin["host"] != socket.gethostname():
        return True
    return bool(started(int(begin["pid"])) == begin["started"])


def started(pid: int) -> int:
    """When that process began, in clock ticks since the machine did; -1 where there is none. With its number it names it
    for good."""
    try:
        words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return -1
    return -1 if words[0] == "Z" else int(words[19])


def _undo(
    path: Path, begin: Entry, there: Mapping[Thing, Entry], open_cluster: Callable[[str], Opened], tell: Tell
) -> None:
    with Journal(path) as journal:
        ours = [entry for thing, entry in there.items() if thing.kind == "cluster" and entry["ours"]]
        if not ours:
            opened = open_cluster(str(begin["cluster"]))
            try:
                _undo_on(opened.acquire(), there, journal, tell)
            finally:
                opened.release()
        for thing in there:  # a cluster of its own has gone with its run, and everything on it
            if ours or thing.kind == "cluster":
                journal.undone(thing)
        journal.write("reclaimed", by=os.getpid())


def _undo_on(cluster: Cluster, there: Mapping[Thing, Entry], journal: Journal, tell: Tell) -> None:
    for thing, entry in there.items():
        if thing.kind == "fault":
            tell(thing.name)
            _FAULTS[entry["fault"]](any_broker()).heal(cluster, tuple(entry["nodes"]))
            journal.undone(thing)
    if isinstance(cluster, TellsReleases) and len(mixed := cluster.releases()) > 1:  # which nobody can undo
        tell(f"its brokers run Kafka {' and '.join(sorted(mixed))}: rolling-upgrade would go on where it was")
    properties = cluster.client_properties()
    deletes: dict[str, Callable[[Mapping[str, str], list[str]], Any]] = {
        "topic": admin.delete,
        "group": admin.delete_groups,
    }
    for kind, delete in deletes.items():
        things = [thing for thing in there if thing.kind == kind]
        for thing in things:
            tell(thing.name)
        if things:
            delete(properties, [thing.name for thing in things])
        for thing in things:
            journal.undone(thing)
