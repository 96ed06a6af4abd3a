"""The second listener: TLS and SCRAM."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient

from marathon_ray.kafka.local import LocalKafka
from marathon_ray.kafka.waiting import wait_until

pytestmark = pytest.mark.on_kafka


def is_refused(properties: dict[str, str], *, because: str) -> None:
    """Return when a client with these properties has met the error, which must be within ten seconds."""
    seen: set[str] = set()
    client = Producer({**properties, "log_level": 0, "error_cb": lambda error: seen.add(str(error))})

    def met() -> bool:
        client.poll(0.1)
        return because in " ".join(seen)

    wait_until(f"an error with {because}", met, within=10)


def test_the_secure_listener_lets_in_who_knows_the_password_and_nobody_else(
    fresh_kafka: Callable[..., LocalKafka],
) -> None:
    kafka = fresh_kafka(nodes=2, voters=1, secure=True)
    secure = kafka.client_properties(secure=True)
    assert not set(secure["bootstrap.servers"].split(",")) & set(kafka.bootstrap().split(","))
    brokers = AdminClient({**secure}).list_topics(timeout=20).brokers.values()
    assert {f"{broker.host}:{broker.port}" for broker in brokers} == set(secure["bootstrap.servers"].split(","))
    assert len(AdminClient({**kafka.client_properties()}).list_topics(timeout=20).brokers) == 2

    is_refused({**secure, "sasl.password": "wrong"}, because="invalid credentials")
    stranger = {key: value for key, value in secure.items() if key != "ssl.ca.location"}
    is_refused(stranger, because="certificate verify failed")
