"""The boundary: librdkafka, as confluent-kafka carries it, with whole batches of records as numpy rows.

Who frees what. A *client* handle is made by `open_client` and ended by `close_client`; its topics and queues are ended
before it. What `Batch.produce` is given is copied before it returns, so a batch is used again at once. A delivery report
belongs to its event: `Reports.poll` copies it into rows and destroys the event before it returns. A fetched record is
ours from `Fetch.take` until `Fetch.unpack` has copied what is kept into rows and destroyed it. Lists of partitions and
errors are made, read and destroyed inside one function. Callbacks live as long as the client that calls them. So no address
but opaque handles leaves the boundary: this file, `actors.fetch`, `transactional`, `commits`, `bindings`, `rows` and `checksum`.
"""

import ctypes as C  # noqa: N812 - the name that ctypes code is read with
import math
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from actors import bindings as rd
from actors import rows
from actors.rows import MESSAGE
from actors.traffic import TRAFFIC

NO_ERROR, PARTITION_EOF, QUEUE_FULL, UNKNOWN_TOPIC = 0, -191, -184, 3
FATAL, RESET, ASSIGN = -150, -140, -175
PRODUCER, CONSUMER = 0, 1
_COPY, _DELIVERY, _ERROR, _STATISTICS = 2, 0x1, 0x8, 0x40


class KafkaError(Exception):
    """What librdkafka said, in its own words. `code` is its number, `fatal` says that the client is dead for ever."""

    def __init__(
        self, code: int, words: str, *, fatal: bool = False, retriable: bool = False, abort: bool = False
    ) -> None:
        super().__init__(f"{words} ({error_name(code)})")
        self.code, self.fatal, self.retriable, self.abort = code, fatal, retriable, abort


class Place(NamedTuple):
    """A partition and an offset in it (the next to read, or to commit); `epoch` is the leader epoch of the record before
    it (-1: not known), by which a reader that is put there is told if the log was cut and has grown again since."""

    topic: str
    partition: int
    offset: int = -1001  # RD_KAFKA_OFFSET_INVALID: wherever the group stands
    epoch: int = -1


class Event(NamedTuple):
    """An error event of a client."""

    code: int
    words: str
    fatal: bool


for _name in ("message_destroy", "message_status", "message_latency", "message_leader_epoch"):
    rows.name_symbol(_name, C.cast(getattr(rd.LIBRARY, f"rd_kafka_{_name}"), rd.P).value)

Handle: TypeAlias = int
OnRebalance: TypeAlias = Callable[[bool, list["Place"], bool], None]  # (assigned, partitions, lost)
_callbacks: Final[dict[Handle, Any]] = {}


def error_name(code: int) -> str:
    """librdkafka's name of an error code."""
    return str(rd.err2name(code).decode())


def ms(seconds: float) -> int:
    """librdkafka's unit, rounded up: a wait of less than one must not become none, which would be asked for again and again."""
    return math.ceil(seconds * 1000)


def check(code: int, doing: str) -> None:
    """Raise where that code is an error's."""
    if code:
        raise KafkaError(code, doing)


def check_error(error: Handle | None) -> None:
    """Raise what librdkafka tells by an error object of its own, and free that."""
    if not error:
        return
    try:
        raise KafkaError(
            rd.error_code(error),
            rd.error_words(error).decode(),
            fatal=bool(rd.error_fatal(error)),
            retriable=bool(rd.error_retriable(error)),
            abort=bool(rd.error_abort(error)),
        )
    finally:
        rd.error_destroy(error)


def _configuration(properties: Mapping[str, str], words: Any) -> Any:  # noqa: ANN401
    made = rd.conf_new()
    for name, value in properties.items():
        if rd.conf_set(made, name.encode(), str(value).encode(), words, len(words)):
            rd.conf_destroy(made)
            raise ValueError(_without(words.value.decode().strip(), name, str(value)))
    return made


def _without(words: str, name: str, value: str) -> str:
    """librdkafka's words, but never a secret's value."""
    secret = any(part in name for part in ("password", "secret", "key.pem", "jaas", "oauthbearer"))
    return words.replace(value, "…") if secret and value else words


def open_client(kind: int, properties: Mapping[str, str], on_rebalance: OnRebalance | None = None) -> Handle:
    """A producer (reports and errors are events of its main queue) or a consumer (all events on its consumer queue).

    Raises ValueError with librdkafka's own words on a property that it refuses; secrets are not repeated.
    """
    words = C.create_string_buffer(512)
    made = _configuration(properties, words)
    callback = rd.REBALANCE(_rebalance(on_rebalance)) if on_rebalance else None
    if kind == PRODUCER:
        rd.conf_events(made, _DELIVERY | _ERROR | _STATISTICS)
    elif callback:
        rd.conf_rebalance(made, C.cast(callback, rd.P))
    rd.conf_statistics(made, C.cast(rd.HEAR, rd.P))
    handle = rd.new(kind, made, words, len(words))
    if not handle:
        rd.conf_destroy(made)
        raise ValueError(words.value.decode().strip())
    if kind == CONSUMER:
        rd.poll_set_consumer(handle)
    _callbacks[handle] = callback
    return int(handle)


def close_client(handle: Handle, *, wait: bool = True) -> None:
    """The handle is gone, with its threads and connections; without `wait`, a group is left without a word. A commit on
    its way is waited for all the same, until it is answered or given up."""
    callback = _callbacks.pop(handle, None)
    rd.destroy(handle, 0 if wait else 0x8)  # RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE
    del callback  # until now the client might have called it


def _rebalance(on_rebalance: OnRebalance) -> Callable[[Handle, int, Handle, Handle], None]:
    def changed(client: Handle, code: int, partitions: Handle, _: Handle) -> None:
        assigned = code == ASSIGN
        on_rebalance(assigned, _places(partitions), bool(rd.lost(client)))
        if rd.protocol(client) == b"COOPERATIVE":
            check_error((rd.add if assigned else rd.remove)(client, partitions))
        else:
            check(rd.assign(client, partitions if assigned else None), "assignment failed")

    return changed


def _places(partitions: Handle) -> list[Place]:
    return [Place(one.topic.decode(), one.partition, one.offset) for one in _elements(partitions)]


def _elements(partitions: Handle) -> list[Any]:
    listed = C.cast(partitions, C.POINTER(rd.Partitions)).contents
    return [listed.elements[index] for index in range(listed.count)]


class Listed:
    """A list of partitions for the time of a call."""

    def __init__(self, places: Iterable[Place]) -> None:
        self.pointer = rd.list_new(16)
        for place in places:
            added = rd.list_add(self.pointer, place.topic.encode(), place.partition)
            added.contents.offset = place.offset
            rd.set_epoch(added, place.epoch)

    def __enter__(self) -> Handle:
        return int(self.pointer)

    def __exit__(self, *_: object) -> None:
        rd.list_destroy(self.pointer)


class Batch:
    """Room for `records` values of at most `value_bytes`, with 16-byte keys or none: filled again for each slice.

    `values` is u64[records, words], `keys` u64[records, 2]; `sizes`, `opaque` and `errors` are columns of the messages.
    """

    def __init__(self, records: int, value_bytes: int, *, keyed: bool) -> None:
        words = -(-value_bytes // 8)
        self.values: NDArray[np.uint64] = np.zeros((records, words), np.uint64)
        self.keys: NDArray[np.uint64] = np.zeros((records, 2), np.uint64)
        self.key_size = 16 if keyed else 0
        self._messages = np.zeros(records, MESSAGE)
        steps = np.arange(records, dtype=np.uint64)
        self._messages["payload"] = self.values.ctypes.data + steps * np.uint64(8 * words)
        if keyed:
            self._messages["key"] = self.keys.ctypes.data + steps * np.uint64(16)
            self._messages["key_len"] = 16
        self.sizes, self.opaque, self.errors = (self._messages[name] for name in ("len", "private", "err"))
        self._start = self._messages.ctypes.data

    def produce(self, topic: Handle, partition: int, start: int, count: int) -> int:
        """Hand records start..start+count over, copied; returns how many were taken, `errors` tells of each other one.

        The partition must exist: librdkafka takes nothing for one that it does not know.
        """
        return int(rd.produce(topic, partition, _COPY, self._start + start * MESSAGE.itemsize, count))


def open_topic(client: Handle, name: str) -> Handle:
    """A producer's handle of a topic; the same number marks this topic's records in what a consumer fetches."""
    return int(rd.topic_new(client, name.encode(), None))


def close_topic(topic: Handle) -> None:
    """The topic's handle is given back; its client is still open."""
    rd.topic_destroy(topic)


def in_flight(client: Handle) -> int:
    """Records of a producer that are queued, on their way, or reported and not polled yet."""
    return int(rd.outq_len(client))


def partitions(client: Handle, topic: Handle, seconds: float) -> int:
    """How many partitions the topic has. Raises KafkaError when it does not exist or nobody answers in time."""
    answer = C.POINTER(rd.Metadata)()
    check(rd.metadata(client, 0, topic, C.byref(answer), ms(seconds)), "no broker answered")
    try:
        found = answer.contents.topics[0]
        check(found.err, f"topic {found.topic.decode()}")
        return int(found.count)
    finally:
        rd.metadata_destroy(answer)


class Reports:
    """The delivery reports and error events of a producer; `rows` has room for one more report than it holds."""

    def __init__(self, client: Handle, most: int = 100_000) -> None:
        self._queue = rd.queue_main(client)
        self._messages = np.zeros(most, np.uint64)
        self.rows = np.zeros(most + 1, rows.REPORT)

    def poll(self, seconds: float) -> tuple[int, list[Event]]:
        """Wait for one event: (reports now in `rows`, error events); (0, []) when there was none."""
        event = rd.queue_poll(self._queue, ms(seconds))
        if not event:
            return 0, []
        try:
            if rd.event_type(event) == _STATISTICS:
                TRAFFIC.hear(rd.event_statistics(event))
                return self.poll(0)
            if rd.event_type(event) == _ERROR:
                return 0, [Event(rd.event_error(event), rd.event_words(event).decode(), bool(rd.event_fatal(event)))]
            return self._unpack(event), []
        finally:
            rd.event_destroy(event)

    def _unpack(self, event: Handle) -> int:
        count = 0
        while taken := rd.event_messages(event, self._messages.ctypes.data, len(self._messages)):
            if count + taken >= len(self.rows):
                self.rows = np.resize(self.rows, 2 * (count + taken))
            rows.unpack_reports(self._messages, taken, self.rows[count:])
            count += int(taken)
        return count

    def close(self) -> None:
        """The queue is given back; the client is still open."""
        rd.queue_destroy(self._queue)


def purge(client: Handle) -> None:
    """Every record that is queued or in flight gets its last report now."""
    rd.purge(client, 3)  # RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT


def fatal_error(client: Handle) -> Event | None:
    """The error that ended this client for ever, if one did."""
    words = C.create_string_buffer(512)
    code = rd.fatal_error(client, words, len(words))
    return Event(code, words.value.decode(), fatal=True) if code else None


def subscribe(client: Handle, topics: Iterable[str]) -> None:
    """The client asks to join its group for these topics."""
    with Listed(Place(topic, -1) for topic in topics) as listed:
        check(rd.subscribe(client, listed), "subscribe failed")


def assign(client: Handle, places: Iterable[Place]) -> None:
    """The client reads just these partitions, each from its offset. It has begun to: what is asked of one from here on, as
    to pause, comes behind that."""
    with Listed(places) as listed:
        check(rd.assign(client, listed), "assign failed")
    # A partition that was read is begun anew by librdkafka's own thread when it has stopped; for ever not at all where a
    # pause, a resume or a seek of ours takes its number between that of the beginning and the beginning itself, for what has
    # an older number is dropped. That thread works off one queue: when it has answered once, all have stopped, and when it
    # has answered twice, all have begun.
    for _ in range(2):
        _ask_its_thread(client)


def _ask_its_thread(client: Handle) -> None:
    """What waited in the queue of librdkafka's own thread is done, but not what came of it."""
    listed = rd.P()
    check(rd.assignment(client, C.byref(listed)), "asking what is assigned failed")
    rd.list_destroy(listed)


def pause(client: Handle, places: Iterable[Place]) -> None:
    """Nothing more is given from these partitions; what was fetched ahead is dropped, and fetched again later."""
    with Listed(places) as listed:
        check(rd.pause(client, listed), "pause failed")


def resume(client: Handle, places: Iterable[Place]) -> None:
    """These partitions go on where their reader stands."""
    with Listed(places) as listed:
        check(rd.resume(client, listed), "resume failed")


def seek(client: Handle, places: Iterable[Place], seconds: float) -> None:
    """The next records of these partitions are those at the given offsets. Raises KafkaError where one is not."""
    with Listed(places) as listed:
        check_error(rd.seek(client, listed, ms(seconds)))
        for one in _elements(listed):
            check(one.err, f"going to offset {one.offset} of {one.topic.decode()}-{one.partition} failed")


def watermarks(client: Handle, topic: str, partition: int, seconds: float) -> tuple[int, int]:
    """The first offset of a partition's log and the one after its last, as its leader says."""
    low, high = rd.I64(), rd.I64()
    code = rd.watermarks(client, topic.encode(), partition, C.byref(low), C.byref(high), ms(seconds))
    check(code, f"reading the ends of {topic}-{partition} failed")
    return low.value, high.value


def leave(client: Handle, seconds: float) -> bool:
    """The consumer leaves its group; its last revocation is called back in here. One that met a fatal error left before.

    False where that took longer than `seconds`, as while a commit is on its way or the coordinator does not answer. Such a
    client can only be closed without `wait`; its group misses it after the session timeout.
    """
    if fatal_error(client):
        return True
    queue, ahead, deadline = rd.queue_new(client), np.zeros(1_000, np.uint64), time.monotonic() + seconds
    try:
        check_error(rd.consumer_close(client, queue))
        while not rd.consumer_closed(client):
            if time.monotonic() > deadline:
                return False
            count = max(rd.consume(queue, 20, ahead.ctypes.data, len(ahead)), 0)  # calls back, too
            for message in ahead[:count].tolist():
                rd.message_destroy(message)
        return True
    finally:
        rd.queue_destroy(queue)
