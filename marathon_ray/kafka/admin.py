"""Topics on any cluster: looked at before anything is made, created all or none, known everywhere before they count.

Every function takes the librdkafka properties of a client and a limit in seconds, and raises KafkaError of one line (two
if something may be left behind): properties that do not fit together, nobody there, a missing right, a mistake.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final, TypeAlias, TypeVar

from confluent_kafka import KafkaError as Refusal
from confluent_kafka.cimpl import NewTopic

from marathon_ray.kafka import looking
from marathon_ray.kafka.cluster import KafkaError
from marathon_ray.kafka.comparison import ClusterState, mistakes
from marathon_ray.kafka.connection import Connection, several
from marathon_ray.kafka.looking import LogEnd, Place
from marathon_ray.kafka.topics import Topic

V = TypeVar("V")
_Ask: TypeAlias = Callable[[Connection, list[Place]], tuple[dict[Place, V], dict[Place, Refusal]]]

_UNDO_WITHIN: Final = 30.0  # seconds; its own, since the limit of what failed may be used up
_ELSEWHERE: Final = {  # a group has another coordinator by now
    Refusal._TIMED_OUT,  # noqa: SLF001
    Refusal.NOT_COORDINATOR,
    Refusal.COORDINATOR_NOT_AVAILABLE,
}
_FOR_A_WHILE: Final = {*_ELSEWHERE, Refusal.COORDINATOR_LOAD_IN_PROGRESS, Refusal.NON_EMPTY_GROUP}
_ANSWER: Final = 10.0  # seconds for an answer of a coordinator, before another one is looked for
_MOVE: Final = 0.5  # seconds until another one is looked for
_INTERVAL: Final = 0.05  # seconds between two looks at what is not there yet


def look(properties: Mapping[str, str], topics: Iterable[str] | None = None, *, within: float = 30) -> ClusterState:
    """The live brokers, and what `topics` are like (None: all that there are, Kafka's own too)."""
    with Connection(properties, within=within) as connection:
        return _look(connection, topics)


def check(properties: Mapping[str, str], wanted: Mapping[str, Topic], *, within: float = 30) -> ClusterState:
    """The cluster as it is. KafkaError if the topics cannot be had: by our own look, or by the cluster's rehearsal.

    Nothing is created. Rights, settings and the cluster's own policies count as well.
    """
    with Connection(properties, within=within) as connection:
        return _check(connection, wanted)


def create(properties: Mapping[str, str], wanted: Mapping[str, Topic], *, within: float = 60) -> dict[str, str]:
    """All wanted topics are there as wanted, known to every broker, led and in sync; returned are their ids by name.

    What is missing is created; what is there already must be just so. When that fails in the middle (an interrupt too),
    what was created is deleted again.
    """
    with Connection(properties, within=within) as connection:
        state = _check(connection, wanted)
        missing = {name: topic for name, topic in wanted.items() if name not in state.topics}
        with _undone_on_failure(connection, made := set(missing)):
            _make(connection, missing, made)
            _await(connection, wanted)
            return _ids(connection, wanted)


def delete(properties: Mapping[str, str], topics: Iterable[str], *, within: float = 60) -> None:
    """No broker knows these topics; one that was not there is as good."""
    with Connection(properties, within=within) as connection:
        _delete(connection, list(topics))


def groups(properties: Mapping[str, str], *, within: float = 30) -> list[str]:
    """The names of all groups that the cluster knows."""
    with Connection(properties, within=within) as connection:
        found = connection.answer(
            "list groups", connection.client.list_consumer_groups(request_timeout=connection.left)
        )
        return sorted(group.group_id for group in found.valid)


def delete_groups(properties: Mapping[str, str], names: Iterable[str], *, within: float = 60) -> None:
    """The cluster knows nothing of these groups, whose members are gone; one that was not there is as good.

    KafkaError names one that has members still when the time is over.
    """
    with Connection(properties, within=within) as connection:
        left = list(names)
        while left:
            last = connection.left < 2 * _ANSWER
            seconds = connection.left if last else _ANSWER
            futures = connection.client.delete_consumer_groups(left, request_timeout=seconds)
            refusals = connection.answers(f"delete group {several(left)}", futures, last=last)[1]
            codes = {name: why.code() for name, why in refusals.items() if why.code() != Refusal.GROUP_ID_NOT_FOUND}
            for name, code in codes.items():
                if code not in _FOR_A_WHILE or connection.is_over:
                    raise connection.refused(f"delete group {name}", refusals[name])
            if moved := not _ELSEWHERE.isdisjoint(codes.values()):
                connection.begin_anew()
            left = list(codes)
            time.sleep(_MOVE if moved else _INTERVAL if left else 0)


def topic_ids(properties: Mapping[str, str], topics: Iterable[str], *, within: float = 30) -> dict[str, str]:
    """The ids of the topics by name; one that does not exist is missing. A new life of a topic has a new id."""
    with Connection(properties, within=within) as connection:
        return _ids(connection, topics)


def log_starts(properties: Mapping[str, str], topics: Iterable[str], *, within: float = 30) -> dict[Place, int]:
    """The earliest offset of each partition. KafkaError names a topic that is not there, a partition without leader."""
    with Connection(properties, within=within) as connection:
        return _where(connection, list(topics), looking.starts, "start")


def log_ends(properties: Mapping[str, str], topics: Iterable[str], *, within: float = 30) -> dict[Place, LogEnd]:
    """The end of each partition, and up to where it is stable; where that is not below the end, no transaction is open.

    KafkaError names a topic that is not there, a partition without leader.
    """
    with Connection(properties, within=within) as connection:
        return _where(connection, list(topics), looking.ends, "end")


# --- Looking ----------------------------------------------------------------------------------------------------------


def _look(connection: Connection, topics: Iterable[str] | None) -> ClusterState:
    brokers = looking.brokers(connection)  # first: what keeps us from the cluster is told here in full
    states = looking.states(connection, looking.names(connection) if topics is None else topics)
    return ClusterState(brokers, states, looking.racks(connection))


def _ids(connection: Connection, topics: Iterable[str]) -> dict[str, str]:
    return {name: str(found.topic_id) for name, found in looking.described(connection, topics).items()}


def _where(connection: Connection, topics: Iterable[str], ask: _Ask[V], do: str) -> dict[Place, V]:
    """The answers for all partitions of the topics; `do` is what is asked of their logs: "start"."""
    found = looking.described(connection, topics)
    if absent := sorted(set(topics) - set(found)):
        raise connection.error(f"topic {absent[0]} is not there: its logs {do} nowhere")
    answers, refusals = ask(
        connection, [(name, number) for name, each in found.items() for number in range(len(each.partitions))]
    )
    for (name, partition), refusal in refusals.items():
        raise connection.refused(f"read where partition {partition} of topic {name} {do}s", refusal)
    return answers


def _check(connection: Connection, wanted: Mapping[str, Topic]) -> ClusterState:
    state = _look(connection, wanted)
    _require_none(connection, mistakes(state, wanted))
    missing = {name: topic for name, topic in wanted.items() if name not in state.topics}
    for name, refusal in _request(connection, missing, rehearse=True).items():
        raise connection.refused(f"create topic {name}", refusal)
    return state


def _require_none(connection: Connection, found: Collection[str]) -> None:
    if found:
        raise connection.error(several(found, by="; "))


# --- Making and removing ----------------------------------------------------------------------------------------------


def _request(connection: Connection, topics: Mapping[str, Topic], *, rehearse: bool) -> dict[str, Refusal]:
    """Have the topics created, or only checked; return what was refused."""
    if not topics:
        return {}
    asked = [
        NewTopic(name, num_partitions=each.partitions, replication_factor=each.replication, config=each.settings())
        for name, each in topics.items()
    ]
    limits = {"operation_timeout": connection.left, "request_timeout": connection.left}
    futures = connection.client.create_topics(asked, validate_only=rehearse, **limits)
    return connection.answers(f"create topic {several(topics)}", futures)[1]


def _make(connection: Connection, topics: Mapping[str, Topic], made: set[str]) -> None:
    """Create the topics; `made` loses those that are another's.

    A topic that appeared since our look is ours when it is just as wanted: under load librdkafka asks twice, and the
    second answer says that it exists. One that differs is somebody else's, and is never touched.
    """
    refusals = _request(connection, topics, rehearse=False)
    claimed = {name: topics[name] for name, why in refusals.items() if why.code() == Refusal.TOPIC_ALREADY_EXISTS}
    made.difference_update(claimed)  # until we know better
    state = _look(connection, claimed)
    differences = {name: mistakes(state, {name: topic}) for name, topic in claimed.items()}
    made.update(name for name, found in differences.items() if not found)
    _require_none(connection, [line for found in differences.values() for line in found])
    for name in refusals.keys() - claimed.keys():
        raise connection.refused(f"create topic {name}", refusals[name])


def _await(connection: Connection, topics: Collection[str]) -> None:
    """Return when every broker knows the topics, and they are led and in sync."""
    while reason := looking.unready(connection, topics):
        if connection.is_over:
            raise connection.late(f"creating topics ({reason})")
        time.sleep(_INTERVAL)


def _delete(connection: Connection, topics: list[str]) -> None:
    """Have the topics deleted, and return when no broker knows any of them."""
    if not topics:
        return
    limits = {"operation_timeout": connection.left, "request_timeout": connection.left}
    futures = connection.client.delete_topics(topics, **limits)
    for name, refusal in connection.answers(f"delete topic {several(topics)}", futures)[1].items():
        if refusal.code() != looking.ABSENT:
            raise connection.refused(f"delete topic {name}", refusal)
    while left := [place for place, is_known in looking.known(connection, topics).items() if is_known]:
        if connection.is_over:
            raise connection.late("deleting topics (broker {} still knows topic {})".format(*left[0]))
        time.sleep(_INTERVAL)


@contextmanager
def _undone_on_failure(connection: Connection, made: set[str]) -> Iterator[None]:
    """What is in `made` is deleted when the block fails; if that fails too, the error says so on a line of its own.

    Through the same connection: a broker answers its requests in turn, so what is still being created is deleted after.
    """
    try:
        yield
    except BaseException as error:
        connection.renew(_UNDO_WITHIN)
        try:
            _delete(connection, sorted(made))
        except KafkaError as failure:
            left = f"topic {several(sorted(made))} may be left behind: {failure}"
            if isinstance(error, KafkaError):
                raise KafkaError(f"{error}\n{left}") from error
            error.add_note(left)
        raise
