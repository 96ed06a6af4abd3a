"""The boundary's calls of a transactional client; each raises a KafkaError that says what may be done about it."""

from collections.abc import Iterable

from actors import bindings as rd
from actors.librdkafka import Handle, Listed, Place, check_error, ms


def init(client: Handle, seconds: float) -> None:
    """The transactional id is this client's; an older one with it is fenced and its open transaction aborted."""
    check_error(rd.init(client, ms(seconds)))


def begin(client: Handle) -> None:
    """What is produced from now on belongs to a new transaction."""
    check_error(rd.begin(client))


def end(client: Handle, seconds: float, *, commit: bool) -> None:
    """The open transaction is committed or aborted; after a retriable KafkaError the same call may be made again."""
    check_error(rd.end_transaction[commit](client, ms(seconds)))


def send_offsets(client: Handle, consumer: Handle, places: Iterable[Place], seconds: float) -> None:
    """The consumer's group will stand at these offsets if the open transaction commits."""
    group = rd.group_metadata(consumer)
    try:
        with Listed(places) as listed:
            check_error(rd.send_offsets(client, listed, group, ms(seconds)))
    finally:
        rd.group_metadata_destroy(group)
