"""Transactions as a cluster sees them: whether it lets a client have some, and what those of a group have committed."""

import time
from collections.abc import Iterable, Mapping
from typing import Any, Final

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka import KafkaError as Refusal

from marathon_ray.kafka import security
from marathon_ray.kafka.cluster import KafkaError
from marathon_ray.kafka.connection import reason
from marathon_ray.kafka.looking import Place

_FOR_A_WHILE: Final = {  # the coordinator moves
    Refusal.NOT_COORDINATOR,
    Refusal.COORDINATOR_LOAD_IN_PROGRESS,
    Refusal.COORDINATOR_NOT_AVAILABLE,
}
_INTERVAL: Final = 0.05  # seconds between two looks
_WITHIN: Final = 30.0  # seconds; the log of transactions may have to be made first


def refusal(properties: Mapping[str, str], name: str, *, timeout: float) -> str:
    """Why nobody has transactions of so many seconds under that id, in the words of librdkafka; empty where one may."""
    limits = {"transactional.id": name, "transaction.timeout.ms": str(round(timeout * 1000))}
    configuration: dict[str, Any] = {**properties, **limits, "log_level": 0}
    try:
        Producer(configuration).init_transactions(_WITHIN)
    except KafkaException as error:
        return security.without_secrets(reason(error.args[0]), properties)
    return ""


def commits(
    properties: Mapping[str, str], group: str, places: Iterable[Place], *, within: float = _WITHIN
) -> dict[Place, int]:
    """Up to where the group has committed each of these partitions, 0 for nothing; who asks is no member of it. What a
    transaction commits that is open yet does not count. Raises KafkaError of one line."""
    # By a consumer: the admin client's way (list_consumer_group_offsets of confluent-kafka 2.16) ends the process.
    asks = {"group.id": group, "isolation.level": "read_uncommitted", "enable.auto.commit": "false", "log_level": 0}
    configuration: dict[str, Any] = {**properties, **asks}
    wanted, deadline = [TopicPartition(*place) for place in places], time.monotonic() + within
    while True:
        found, why = _committed(configuration, wanted, max(0.1, deadline - time.monotonic()))
        if not why:
            return {(one.topic, one.partition): max(0, one.offset) for one in found}
        if why.code() not in _FOR_A_WHILE or time.monotonic() >= deadline:
            told = f"cannot read the commits of group {group}: {reason(why)}"
            raise KafkaError(security.without_secrets(told, properties))
        time.sleep(_INTERVAL)


def _committed(
    configuration: dict[str, Any], wanted: list[TopicPartition], within: float
) -> tuple[list[TopicPartition], Refusal | None]:
    try:
        reader = Consumer(configuration)
        try:
            found = reader.committed(wanted, timeout=within)
        finally:
            reader.close()
    except KafkaException as error:
        return [], error.args[0]
    return found, next((one.error for one in found if one.error), None)
