"""Topics on the cluster under measurement."""

from concurrent.futures import Future
from itertools import count
from typing import Final

from confluent_kafka.admin import AdminClient, NewTopic

_WITHIN: Final = 60.0
_number = count(1)


def create(bootstrap: str, partitions: int, **config: str) -> str:
    """A new topic of one replica, with a name that no other of this process has; it can be written to."""
    name = f"bench-{next(_number)}-of-{partitions}"
    client = AdminClient({"bootstrap.servers": bootstrap})  # its futures fail once it is gone
    _wait(client.create_topics([NewTopic(name, partitions, 1, config=config)]))
    return name


def delete(bootstrap: str, name: str) -> None:
    """The topic is gone; its files follow within a second or two."""
    client = AdminClient({"bootstrap.servers": bootstrap})
    _wait(client.delete_topics([name]))


def _wait(futures: dict[str, Future[None]]) -> None:
    for future in futures.values():
        future.result(_WITHIN)
