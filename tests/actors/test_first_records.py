"""A client's first records in partitions whose leader has only just come: what is acknowledged is there."""

import ctypes
from collections.abc import Iterator

import pytest

from actors import librdkafka as rk
from actors.bindings import LIBRARY
from tests.loading import Load
from tests.mock_kafka import PARTITIONS, MockKafka

_PRODUCE, _NOT_LEADER = 0, 6
_FAR = 100  # ms to the broker and back, so that several requests are on their way at once


class StrictMock(MockKafka):
    """One broker that refuses the next request to write, and takes the ones behind it, as Kafka does of a client that is new
    to it."""

    def __init__(self) -> None:
        self._handle = rk.open_client(
            rk.PRODUCER, {"test.mock.num.brokers": "1", "bootstrap.servers": "mock", "log_level": "0"}
        )
        LIBRARY.rd_kafka_handle_mock_cluster.restype = ctypes.c_void_p
        LIBRARY.rd_kafka_mock_cluster_bootstraps.restype = ctypes.c_char_p
        self._cluster = ctypes.c_void_p(LIBRARY.rd_kafka_handle_mock_cluster(ctypes.c_void_p(self._handle)))
        self.properties = {"bootstrap.servers": LIBRARY.rd_kafka_mock_cluster_bootstraps(self._cluster).decode()}
        assert LIBRARY.rd_kafka_mock_broker_set_rtt(self._cluster, 1, _FAR) == 0

    def topic(self, name: str) -> str:
        assert LIBRARY.rd_kafka_mock_topic_create(self._cluster, name.encode(), PARTITIONS, 1) == 0
        return name

    def refuse(self, requests: int) -> None:
        """So many requests to write are answered by a broker that does not lead the partition."""
        codes = (ctypes.c_int * requests)(*[_NOT_LEADER] * requests)
        LIBRARY.rd_kafka_mock_push_request_errors_array(self._cluster, _PRODUCE, ctypes.c_size_t(requests), codes)

    def close(self) -> None:
        """It is gone."""
        rk.close_client(self._handle)


@pytest.fixture
def mock() -> Iterator[StrictMock]:
    """Its topics have four partitions."""
    made = StrictMock()
    yield made
    made.close()


@pytest.mark.parametrize("requests", [1, 4])
def test_what_is_acknowledged_is_there_though_the_first_requests_were_refused(mock: StrictMock, requests: int) -> None:
    topic = mock.topic("orders")
    mock.refuse(requests)
    properties = {"linger.ms": "1", "retry.backoff.ms": "300"}
    load = Load(mock, topic, rate="2000 records/s", properties=properties).until(1_000).retire()
    found = load.read()
    assert load.counts["acknowledged"] == load.attempted() == len(found)
    assert [row for part in load.parts for row in part.claims if row["first_offset"] < 0] == []
