"""Topics on the cluster under measurement."""

import secrets
from concurrent.futures import Future
from typing import Final

import stamina
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

_WITHIN: Final = 30.0


@stamina.retry(on=(KafkaException, TimeoutError), attempts=3)
def create(bootstrap: str, partitions: int, **config: str) -> str:
    """A new topic of one replica, with a name of its own: an answer that was lost may have left another one behind."""
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
