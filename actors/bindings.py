"""librdkafka's C functions and structures as ctypes declarations, out of the library that confluent-kafka carries."""

import ctypes as C  # noqa: N812 - the name that ctypes code is read with
from typing import Any, Final

import confluent_kafka

from actors.rows import MESSAGE
from actors.traffic import TRAFFIC

P, I32, I64, SIZE, TEXT = C.c_void_p, C.c_int32, C.c_int64, C.c_size_t, C.c_char_p
OLDEST, NEWEST = 0x02060000, 0x02FFFFFF


class Message(C.Structure):
    """`rd_kafka_message_t`, the one structure that is shared with librdkafka in bulk."""

    _fields_ = (
        ("err", C.c_int), ("rkt", P), ("partition", I32), ("payload", P), ("len", SIZE),
        ("key", P), ("key_len", SIZE), ("offset", I64), ("private", P),
    )  # fmt: skip


class Partition(C.Structure):
    _fields_ = (
        ("topic", TEXT), ("partition", I32), ("offset", I64), ("metadata", P), ("metadata_size", SIZE),
        ("opaque", P), ("err", C.c_int), ("private", P),
    )  # fmt: skip


class Partitions(C.Structure):
    _fields_ = (("count", C.c_int), ("size", C.c_int), ("elements", C.POINTER(Partition)))


class PartitionMetadata(C.Structure):
    """`rd_kafka_metadata_partition`."""

    _fields_ = (
        ("id", I32), ("err", C.c_int), ("leader", I32), ("replica_count", C.c_int), ("replicas", P),
        ("isr_count", C.c_int), ("isrs", P),
    )  # fmt: skip


class TopicMetadata(C.Structure):
    """`rd_kafka_metadata_topic`."""

    _fields_ = (
        ("topic", TEXT), ("count", C.c_int), ("partitions", C.POINTER(PartitionMetadata)), ("err", C.c_int),
    )  # fmt: skip


class Metadata(C.Structure):
    """`rd_kafka_metadata`."""

    _fields_ = (
        ("broker_count", C.c_int), ("brokers", P), ("count", C.c_int), ("topics", C.POINTER(TopicMetadata)),
        ("broker_id", I32), ("broker_name", TEXT),
    )  # fmt: skip


def _load() -> C.CDLL:
    library = C.CDLL(confluent_kafka.cimpl.__file__)  # resolves the names through the extension's own dependency
    version = library.rd_kafka_version()
    if not OLDEST <= version <= NEWEST:
        raise ImportError(f"librdkafka {version:#010x} is not supported: {OLDEST:#010x} to {NEWEST:#010x} are")
    if C.sizeof(Message) != MESSAGE.itemsize:
        raise ImportError(
            f"rd_kafka_message_t has {C.sizeof(Message)} bytes on this platform; {MESSAGE.itemsize} are supported"
        )
    return library


LIBRARY: Final = _load()


def _bind(name: str, result: Any, *arguments: Any) -> Any:  # noqa: ANN401 - a foreign function has no type
    function = getattr(LIBRARY, f"rd_kafka_{name}")
    function.restype, function.argtypes = result, list(arguments)
    return function


err2name = _bind("err2name", TEXT, C.c_int)
conf_new = _bind("conf_new", P)
conf_set = _bind("conf_set", C.c_int, P, TEXT, TEXT, TEXT, SIZE)
conf_events = _bind("conf_set_events", None, P, C.c_int)
conf_rebalance = _bind("conf_set_rebalance_cb", None, P, P)
conf_statistics = _bind("conf_set_stats_cb", None, P, P)
conf_destroy = _bind("conf_destroy", None, P)
new = _bind("new", P, C.c_int, P, TEXT, SIZE)
destroy = _bind("destroy_flags", None, P, C.c_int)
topic_new = _bind("topic_new", P, P, TEXT, P)
topic_destroy = _bind("topic_destroy", None, P)
produce = _bind("produce_batch", C.c_int, P, I32, C.c_int, P, C.c_int)
queue_main = _bind("queue_get_main", P, P)
queue_consumer = _bind("queue_get_consumer", P, P)
queue_new = _bind("queue_new", P, P)
queue_partition = _bind("queue_get_partition", P, P, C.c_char_p, C.c_int32)
queue_forward = _bind("queue_forward", None, P, P)
queue_destroy = _bind("queue_destroy", None, P)
queue_poll = _bind("queue_poll", P, P, C.c_int)
event_type = _bind("event_type", C.c_int, P)
event_messages = _bind("event_message_array", SIZE, P, P, SIZE)
event_error = _bind("event_error", C.c_int, P)
event_words = _bind("event_error_string", TEXT, P)
event_opaque = _bind("event_opaque", P, P)
event_fatal = _bind("event_error_is_fatal", C.c_int, P)
event_statistics = _bind("event_stats", TEXT, P)
event_destroy = _bind("event_destroy", None, P)
outq_len = _bind("outq_len", C.c_int, P)
purge = _bind("purge", C.c_int, P, C.c_int)
fatal_error = _bind("fatal_error", C.c_int, P, TEXT, SIZE)
message_destroy = _bind("message_destroy", None, P)
consume = _bind("consume_batch_queue", C.c_ssize_t, P, C.c_int, P, SIZE)
poll_set_consumer = _bind("poll_set_consumer", C.c_int, P)
consumer_close = _bind("consumer_close_queue", P, P, P)
consumer_closed = _bind("consumer_closed", C.c_int, P)
subscribe = _bind("subscribe", C.c_int, P, P)
list_new = _bind("topic_partition_list_new", P, C.c_int)
list_add = _bind("topic_partition_list_add", C.POINTER(Partition), P, TEXT, I32)
set_epoch = _bind("topic_partition_set_leader_epoch", None, C.POINTER(Partition), I32)
list_destroy = _bind("topic_partition_list_destroy", None, P)
assign = _bind("assign", C.c_int, P, P)
assignment = _bind("assignment", C.c_int, P, C.POINTER(P))
add = _bind("incremental_assign", P, P, P)
remove = _bind("incremental_unassign", P, P, P)
protocol = _bind("rebalance_protocol", TEXT, P)
lost = _bind("assignment_lost", C.c_int, P)
pause = _bind("pause_partitions", C.c_int, P, P)
resume = _bind("resume_partitions", C.c_int, P, P)
seek = _bind("seek_partitions", P, P, P, C.c_int)
commit_queue = _bind("commit_queue", C.c_int, P, P, P, P, P)
watermarks = _bind("query_watermark_offsets", C.c_int, P, TEXT, I32, C.POINTER(I64), C.POINTER(I64), C.c_int)
metadata = _bind("metadata", C.c_int, P, C.c_int, P, C.POINTER(C.POINTER(Metadata)), C.c_int)
metadata_destroy = _bind("metadata_destroy", None, C.POINTER(Metadata))
error_code = _bind("error_code", C.c_int, P)
error_words = _bind("error_string", TEXT, P)
error_fatal = _bind("error_is_fatal", C.c_int, P)
error_retriable = _bind("error_is_retriable", C.c_int, P)
error_abort = _bind("error_txn_requires_abort", C.c_int, P)
error_destroy = _bind("error_destroy", None, P)
group_metadata = _bind("consumer_group_metadata", P, P)
group_metadata_destroy = _bind("consumer_group_metadata_destroy", None, P)
begin = _bind("begin_transaction", P, P)
init = _bind("init_transactions", P, P, C.c_int)
send_offsets = _bind("send_offsets_to_transaction", P, P, P, P, C.c_int)
end_transaction = {True: _bind("commit_transaction", P, P, C.c_int), False: _bind("abort_transaction", P, P, C.c_int)}
REBALANCE = C.CFUNCTYPE(None, P, C.c_int, P, P)
STATISTICS = C.CFUNCTYPE(C.c_int, P, P, SIZE, P)


def _hear(client: int, words: int, size: int, _: int) -> int:  # noqa: ARG001 - it says its name
    TRAFFIC.hear(C.string_at(words, size))
    return 0  # the words are librdkafka's to free


HEAR = STATISTICS(_hear)
