"""A mock cluster that a test can tell what to answer, and how late, and which broker is gone."""

import ctypes as C  # noqa: N812 - the name that ctypes code is read with
from types import TracebackType
from typing import Final, Self

from actors import librdkafka as rk
from actors.bindings import LIBRARY
from tests.mock_kafka import PARTITIONS

PRODUCE: Final = 0  # Kafka's numbers of requests
OFFSET_COMMIT: Final = 8
_BROKER: Final = 1  # leads everything


class ScriptedKafka:
    """Lives until it is left; a group waits for nobody before its first members get their partitions."""

    def __init__(self, *, brokers: int = 1) -> None:
        usual = {"test.mock.num.brokers": str(brokers), "bootstrap.servers": "mock", "log_level": "0"}
        self._owner = rk.open_client(rk.PRODUCER, usual)
        LIBRARY.rd_kafka_handle_mock_cluster.restype = C.c_void_p
        LIBRARY.rd_kafka_mock_cluster_bootstraps.restype = C.c_char_p
        self._mock = C.c_void_p(LIBRARY.rd_kafka_handle_mock_cluster(C.c_void_p(self._owner)))
        self.properties = {"bootstrap.servers": LIBRARY.rd_kafka_mock_cluster_bootstraps(self._mock).decode()}
        LIBRARY.rd_kafka_mock_group_initial_rebalance_delay_ms(self._mock, 0)

    def topic(self, name: str) -> str:
        """The topic exists, with four partitions."""
        assert LIBRARY.rd_kafka_mock_topic_create(self._mock, name.encode(), PARTITIONS, 1) == 0
        for partition in range(PARTITIONS):
            self.lead(name, partition, _BROKER)
        return name

    def lead(self, topic: str, partition: int, broker: int) -> None:
        """That broker leads the partition."""
        leader = C.c_int32(partition), C.c_int32(broker)
        assert LIBRARY.rd_kafka_mock_partition_set_leader(self._mock, topic.encode(), *leader) == 0

    def forget(self, topic: str) -> None:
        """From now on nobody knows that topic."""
        LIBRARY.rd_kafka_mock_topic_set_error(self._mock, topic.encode(), C.c_int(rk.UNKNOWN_TOPIC))

    def remember(self, topic: str) -> None:
        """All know it again, with what it had."""
        LIBRARY.rd_kafka_mock_topic_set_error(self._mock, topic.encode(), C.c_int(rk.NO_ERROR))

    def coordinate(self, kind: str, key: str, broker: int) -> None:
        """That broker coordinates the group, or the transaction, of this name."""
        place = kind.encode(), key.encode(), C.c_int32(broker)
        assert LIBRARY.rd_kafka_mock_coordinator_set(self._mock, *place) == 0

    def lose(self, broker: int) -> None:
        """That broker is gone: nobody can connect to it, and the others do not name it any more."""
        assert LIBRARY.rd_kafka_mock_broker_set_down(self._mock, C.c_int32(broker)) == 0

    def hide(self, broker: int) -> None:
        """The others do not name that broker any more, as one that is fenced, and lead in its place; it hears who asks it."""
        assert LIBRARY.rd_kafka_mock_broker_remove_from_metadata(self._mock, C.c_int32(broker)) == 0

    def regain(self, broker: int) -> None:
        """It is back."""
        assert LIBRARY.rd_kafka_mock_broker_set_up(self._mock, C.c_int32(broker)) == 0

    def answer(self, request: int, *errors: int) -> None:
        """The next requests of that kind are answered with these errors, one each."""
        listed = (C.c_int * len(errors))(*errors)
        LIBRARY.rd_kafka_mock_push_request_errors_array(self._mock, C.c_int16(request), C.c_size_t(len(errors)), listed)

    def hold(self, request: int, seconds: float, *, error: int = 0) -> None:
        """The next request of that kind is answered so late, and with this error."""
        late = C.c_size_t(1), C.c_int(error), C.c_int(int(seconds * 1000))
        code = LIBRARY.rd_kafka_mock_broker_push_request_error_rtts(
            self._mock, C.c_int32(_BROKER), C.c_int16(request), *late
        )
        assert code == 0

    def slow(self, seconds: float) -> None:
        """From now on all requests are answered so late."""
        assert LIBRARY.rd_kafka_mock_broker_set_rtt(self._mock, C.c_int32(_BROKER), C.c_int(int(seconds * 1000))) == 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        rk.close_client(self._owner)
