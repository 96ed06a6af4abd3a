"""A connection's deadline, and what it says of a cluster that is not there."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import psutil
import pytest

from marathon_ray.kafka import admin
from marathon_ray.kafka.cluster import KafkaError
from marathon_ray.kafka.connection import Connection, several
from marathon_ray.kafka.waiting import wait_until


@pytest.fixture
def mute() -> Iterator[str]:
    """The address of a server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


def test_a_server_that_says_nothing_is_left_at_the_deadline(mute: str) -> None:
    begin = time.monotonic()
    with pytest.raises(KafkaError, match=rf"^describe the cluster at {mute} took more than 0\.5 s$"):
        admin.look({"bootstrap.servers": mute}, within=0.5)
    assert 0.5 <= time.monotonic() - begin < 3


def test_many_addresses_are_shortened(mute: str) -> None:
    servers = ",".join([mute] * 2 + [f"127.0.0.1:{port}" for port in (1, 2, 3)])
    with pytest.raises(KafkaError, match=rf"{mute},{mute},127\.0\.0\.1:1,and 2 more did not answer within 0\.3 s"):
        admin.look({"bootstrap.servers": servers}, within=0.3)


def test_what_librdkafka_refuses_is_said_in_its_words() -> None:
    with pytest.raises(KafkaError, match=r'^client properties: No such configuration property: "bootstrap.serverz"$'):
        Connection({"bootstrap.servers": "a:1", "bootstrap.serverz": "b:1"}, within=1)


def test_several_are_three_and_a_count() -> None:
    assert several("abc") == "a, b, c"
    assert several("abcde", by="; ") == "a; b; c; and 2 more"


def test_no_thread_of_a_client_outlives_its_connection() -> None:
    process = psutil.Process()
    before = process.num_threads()
    for _ in range(3):
        with pytest.raises(KafkaError):
            admin.look({"bootstrap.servers": "127.0.0.1:1"}, within=0.1)
    wait_until("the end of the clients' threads", lambda: process.num_threads() <= before, within=5)
