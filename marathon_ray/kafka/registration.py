"""The end of a broker's registration, which no client library of ours can ask for (UnregisterBroker, version 0)."""

from __future__ import annotations

import struct

from marathon_ray.kafka.cluster import KafkaError
from marathon_ray.kafka.wire import Address, exchange, header

_UNREGISTER_BROKER = 64
_NO_TAGS = b"\x00"


def unregister(address: Address, broker: int, *, timeout: float = 10.0) -> None:
    """Have the cluster forget a broker that is down, asked of the broker at ``address``.

    OSError if that one does not answer, KafkaError with Kafka's code if it refuses.
    """
    body = struct.pack(">i", broker) + _NO_TAGS
    answer = exchange(address, header(_UNREGISTER_BROKER, 0) + _NO_TAGS + body, timeout=timeout)
    answer.int8()  # tags of the header
    answer.int32()  # throttle time
    error = answer.int16()
    if error:
        raise KafkaError(f"broker {broker} cannot be unregistered: Kafka's error code {error}")
