"""Whether a cluster lets a client have transactions: by its rights, its limits, and whether it can keep their log."""

from collections.abc import Mapping
from typing import Any, Final

from confluent_kafka import KafkaException, Producer

from marathon_ray.kafka import security
from marathon_ray.kafka.connection import reason

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
