"""Metadata asked of one broker, here a socket that answers with the bytes of the protocol."""

import socket
import struct
import threading
from collections.abc import Callable, Iterator

import pytest

from marathon_ray.kafka.cluster import KafkaError
from marathon_ray.kafka.metadata import Partition, all_in_sync, all_see, ask
from marathon_ray.kafka.registration import unregister
from marathon_ray.kafka.wire import Address, string

Broker = Callable[[bytes], Address]


def ints(*values: int) -> bytes:
    return struct.pack(f">{len(values)}i", *values)


def partition(index: int, leader: int, *, isr: tuple[int, ...]) -> bytes:
    return struct.pack(">hii", 0, index, leader) + ints(2, 1, 2) + ints(len(isr), *isr)


def answer(*partitions: bytes) -> bytes:
    brokers = b"".join(ints(node) + string(f"host-{node}") + ints(9000 + node) + b"\xff\xff" for node in (1, 2))
    topic = struct.pack(">h", 0) + string("orders") + b"\x00" + ints(len(partitions)) + b"".join(partitions)
    return ints(1, 2) + brokers + ints(2, 1) + topic


@pytest.fixture
def broker() -> Iterator[Broker]:
    """A listener that answers its only request with the given bytes, behind their length."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threads: list[threading.Thread] = []

        def serve(reply: bytes) -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(ints(len(reply)) + reply)

        def start(reply: bytes) -> Address:
            threads.append(threading.Thread(target=serve, args=(reply,)))
            threads[-1].start()
            host, port = listener.getsockname()
            return str(host), int(port)

        yield start
        for thread in threads:
            thread.join(5)


def test_the_answer_of_a_broker_is_read_whole(broker: Broker) -> None:
    found = ask(broker(answer(partition(0, 1, isr=(1, 2)), partition(1, -1, isr=()))), ["orders"])
    assert found.brokers == {1: ("host-1", 9001), 2: ("host-2", 9002)}
    assert found.partitions["orders", 0] == Partition(leader=1, replicas=(1, 2), isr=(1, 2), error=0)
    assert (found.leader("orders", 0), found.leader("orders", 1), found.leader("orders", 2)) == (1, -1, -1)


@pytest.mark.parametrize(
    ("partitions", "in_sync"),
    [
        ([partition(0, 1, isr=(2, 1))], True),
        ([partition(0, 1, isr=(1, 2)), partition(1, 2, isr=(2,))], False),
        ([partition(0, -1, isr=(1, 2))], False),
        ([], False),
    ],
)
def test_a_topic_is_in_sync_when_every_partition_is_led_and_full(
    broker: Broker, partitions: list[bytes], in_sync: bool
) -> None:
    assert all_in_sync([broker(answer(*partitions))], "orders") is in_sync


@pytest.mark.parametrize(("nodes", "seen"), [((1, 2), True), ((1, 2, 3), False)])
def test_brokers_see_each_other_when_each_names_all(broker: Broker, nodes: tuple[int, ...], seen: bool) -> None:
    address = broker(answer())
    assert all_see(dict.fromkeys(nodes[:1], address)) is True
    address = broker(answer())
    addresses: dict[int, Address] = {nodes[-1]: address}
    assert all_see(addresses) is seen


def test_an_answer_that_ends_early_is_an_error_of_the_connection(broker: Broker) -> None:
    with pytest.raises(OSError, match="ends early"):
        ask(broker(answer(partition(0, 1, isr=(1, 2)))[:-3]), ["orders"])


def test_a_broker_that_is_not_there_sees_nobody() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert all_see({1: ("127.0.0.1", port)}) is False


def test_a_refused_unregistration_names_the_broker_and_the_code(broker: Broker) -> None:
    reply = ints(1) + b"\x00" + ints(0) + struct.pack(">h", 102) + b"\x00\x00"
    with pytest.raises(KafkaError, match="broker 4 cannot be unregistered: Kafka's error code 102"):
        unregister(broker(reply), 4)
