"""Topics on the cluster under measurement."""

import secrets
from concurrent.futures import Future
from typing import Final

from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

_WITHIN: Final = 60.0


def create(bootstrap: str, partitions: int, **config: str) -> str:
    """A new topic of one replica, with a name of its own."""
    name = f"bench-{secrets.token_hex(4)}"
    client = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})  # its futures fail once it is gone
    _wait(client.create_topics([NewTopic(name, partitions, 1, config=config)]))
    return name


def delete(bootstrap: str, name: str) -> None:
    """The topic is gone; its files follow within a second or two."""
    client = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
    _wait(client.delete_topics([name]))


def _wait(futures: dict[str, Future[None]]) -> None:
    for future in futures.values():
        future.result(_WITHIN)
