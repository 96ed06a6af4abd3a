"""A mock cluster of one broker that a test can tell what to answer, and how late."""

import ctypes as C  # noqa: N812 - the name that ctypes code is read with
from types import TracebackType
from typing import Final, Self

from actors import librdkafka as rk
from actors.bindings import LIBRARY
from tests.mock_kafka import PARTITIONS

OFFSET_COMMIT: Final = 8  # Kafka's number of that request
_BROKER: Final = 1


class ScriptedKafka:
    """Lives until it is left; a group waits for nobody before its first members get their partitions."""

    def __init__(self) -> None:
        usual = {"test.mock.num.brokers": "1", "bootstrap.servers": "mock", "log_level": "0"}
        self._owner = rk.open_client(rk.PRODUCER, usual)
        LIBRARY.rd_kafka_handle_mock_cluster.restype = C.c_void_p
        LIBRARY.rd_kafka_mock_cluster_bootstraps.restype = C.c_char_p
        self._mock = C.c_void_p(LIBRARY.rd_kafka_handle_mock_cluster(C.c_void_p(self._owner)))
        self.properties = {"bootstrap.servers": LIBRARY.rd_kafka_mock_cluster_bootstraps(self._mock).decode()}
        LIBRARY.rd_kafka_mock_group_initial_rebalance_delay_ms(self._mock, 0)

    def topic(self, name: str) -> str:
        """The topic exists, with four partitions."""
        assert LIBRARY.rd_kafka_mock_topic_create(self._mock, name.encode(), PARTITIONS, 1) == 0
        return name

    def answer(self, request: int, *errors: int) -> None:
        """The next requests of that kind are answered with these errors, one each."""
        listed = (C.c_int * len(errors))(*errors)
        LIBRARY.rd_kafka_mock_push_request_errors_array(self._mock, C.c_int16(request), C.c_size_t(len(errors)), listed)

    def hold(self, request: int, seconds: float) -> None:
        """The next request of that kind is answered so late."""
        late = C.c_size_t(1), C.c_int(0), C.c_int(int(seconds * 1000))
        code = LIBRARY.rd_kafka_mock_broker_push_request_error_rtts(
            self._mock, C.c_int32(_BROKER), C.c_int16(request), *late
        )
        assert code == 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        rk.close_client(self._owner)
