"""Message arrays to numpy rows and back, without a Python object or the GIL: the compiled half of the boundary."""

from typing import Any, Final

import llvmlite.binding as llvm
import numba as nb
import numpy as np
from numba import types

from actors.checksum import checksum, load_u8, load_u16, load_u32, load_u64, tail
from actors.compiled import JIT
from actors.record import VERSION
from actors.tally import Kind, Outcome

# rd_kafka_message_t, as far as `produce` fills it.
MESSAGE: Final = np.dtype(
    {
        "names": ["err", "payload", "len", "key", "key_len", "private"],
        "formats": ["i4", "u8", "u8", "u8", "u8", "u8"],
        "offsets": [0, 24, 32, 40, 48, 64],
        "itemsize": 72,
    }
)
# A delivery report. Stream and sequence come back from what was given to `produce`, `intended` from the value itself.
REPORT: Final = np.dtype(
    [
        ("sequence", "i8"),
        ("offset", "i8"),
        ("intended", "i8"),
        ("service_us", "i8"),
        ("error", "i4"),
        ("stream", "u4"),
        ("size", "u4"),
        ("outcome", "u1"),
    ]
)
# A fetched record or error event. `check` is 0 for a sound record of this run, else CORRUPT, SHORT or FOREIGN. In an
# error row `sequence` is the end offset that the words name (where a log was cut), or -1.
FETCHED: Final = np.dtype(
    [
        ("client", "u8"),
        ("sequence", "i8"),
        ("offset", "i8"),
        ("intended", "i8"),
        ("error", "i4"),
        ("epoch", "i4"),
        ("partition", "u4"),
        ("size", "u4"),
        ("transaction", "u4"),
        ("head_partition", "u4"),
        ("head_topic", "u2"),
        ("topic", "u2"),
        ("flags", "u1"),
        ("check", "u1"),
    ]
)
STREAM_SHIFT: Final = 40  # the opaque word of a message: stream << 40 | sequence
NO_TOPIC: Final = 0xFFFF

_ERR, _RKT, _PARTITION, _PAYLOAD, _LEN, _KEY, _KEY_LEN, _OFFSET, _PRIVATE = (
    np.uint64(at) for at in (0, 8, 16, 24, 32, 40, 48, 56, 64)
)
_SHIFT, _LOW = np.uint64(STREAM_SHIFT), np.uint64((1 << STREAM_SHIFT) - 1)
_HEAD = np.uint64(48)
_H_FLAGS, _H_TOPIC, _H_TRANSACTION, _H_RUN, _H_PARTITION, _H_CLIENT, _H_SEQUENCE, _H_INTENDED, _H_SUM = (
    np.uint64(at) for at in (1, 2, 4, 8, 12, 16, 24, 32, 40)
)
_END_OFFSET = np.frombuffer(b"end offset is ", np.uint8)
_ZERO, _NINE = np.uint8(ord("0")), np.uint8(ord("9"))
_REFUSED, _UNKNOWN = int(Outcome.REFUSED), int(Outcome.UNKNOWN)
# A leader that has written a record and waits for others may still answer so (kafka.server.DelayedProduce).
_NO_TOPIC, _NOT_LEADER, _TIMED_OUT, _TOO_FEW_AFTER, _STORAGE = 3, 6, 7, 20, 56
_SHORT, _CORRUPT, _FOREIGN = int(Kind.SHORT), int(Kind.CORRUPT), int(Kind.FOREIGN)


def name_symbol(name: str, address: int | None) -> None:
    """Make a librdkafka function callable by name from compiled code; code with names, not addresses, may be cached."""
    llvm.add_symbol(f"marathon_{name}", address)


def _function(name: str, result: Any, argument: Any) -> Any:
    return types.ExternalFunction(f"marathon_{name}", result(argument))


_destroy = _function("message_destroy", types.void, types.uint64)
_status = _function("message_status", types.int32, types.uint64)
_latency = _function("message_latency", types.int64, types.uint64)
_epoch = _function("message_leader_epoch", types.int32, types.uint64)


@nb.njit(**JIT)
def seal(values, sizes, keys, key_size, count):
    """Write the checksum into `count` values (u64[n, words], `sizes` bytes each) with keys (u64[n, 2], `key_size` bytes)."""
    value_step, key_step = np.uint64(values.shape[1] * 8), np.uint64(16)
    at, key = np.uint64(values.ctypes.data), np.uint64(keys.ctypes.data)
    for index in range(count):
        values[index, 5] = checksum(at, np.uint64(sizes[index]), key, np.uint64(key_size))
        at += value_step
        key += key_step


@nb.njit(**JIT)
def _outcome(status, error):
    """A client that gave a record up says that it was not written, of one, too, that it had sent before: to a broker of which
    it let go without an answer, or that led no longer when it answered. What no broker has refused may have been written."""
    said_no = error > 0 and error not in (_NO_TOPIC, _NOT_LEADER, _TIMED_OUT, _TOO_FEW_AFTER, _STORAGE)
    return np.uint8(_UNKNOWN if status == _REFUSED and not said_no else status)


@nb.njit(**JIT)
def unpack_reports(messages, count, into):
    """Copy `count` delivery reports into REPORT rows."""
    for index in range(count):
        message = messages[index]
        row = into[index]
        opaque = load_u64(message + _PRIVATE)
        row.sequence = np.int64(opaque & _LOW)
        row.stream = np.uint32(opaque >> _SHIFT)
        row.error = np.int32(load_u32(message + _ERR))
        row.offset = np.int64(load_u64(message + _OFFSET))
        row.outcome = _outcome(_status(message), row.error)
        row.service_us = _latency(message)
        row.size = np.uint32(load_u64(message + _LEN))
        row.intended = np.int64(load_u64(load_u64(message + _PAYLOAD) + _H_INTENDED))


@nb.njit(**JIT)
def _check(value, size, message, run, verify):
    if size < _HEAD or value == np.uint64(0):
        return np.uint8(_SHORT)
    if verify:
        stated = load_u64(value + _H_SUM)
        if checksum(value, size, load_u64(message + _KEY), load_u64(message + _KEY_LEN)) != stated:
            return np.uint8(_CORRUPT)
    if load_u32(value + _H_RUN) != run or load_u8(value) != VERSION:
        return np.uint8(_FOREIGN)
    return np.uint8(0)


@nb.njit(**JIT)
def _copy_head(value, row):
    row.flags = load_u8(value + _H_FLAGS)
    row.head_topic = load_u16(value + _H_TOPIC)
    row.transaction = load_u32(value + _H_TRANSACTION)
    row.head_partition = load_u32(value + _H_PARTITION)
    row.client = load_u64(value + _H_CLIENT)
    row.sequence = np.int64(load_u64(value + _H_SEQUENCE))
    row.intended = np.int64(load_u64(value + _H_INTENDED))


@nb.njit(**JIT)
def _named_end(words, size):
    """The number behind "end offset is " in the words of an error event, or -1: librdkafka tells a fork in no other way."""
    matched, named = 0, np.int64(-1)
    for at in range(size):
        letter = load_u8(words + np.uint64(at))
        if matched == len(_END_OFFSET):
            if letter < _ZERO or letter > _NINE:
                return named
            named = max(named, np.int64(0)) * 10 + np.int64(letter - _ZERO)
        else:
            matched = matched + 1 if letter == _END_OFFSET[matched] else np.int64(letter == _END_OFFSET[0])
    return named


@nb.njit(**JIT)
def unpack_records(messages, count, into, topics, ordinals, run, verify):
    """Copy `count` fetched records and error events into FETCHED rows, verify each (unless told not to) and destroy it.

    `topics` are the client's own topic handles (u64), `ordinals` their ordinals; another topic's becomes NO_TOPIC.
    Returns the number of error events among them.
    """
    errors, last, ordinal = 0, np.uint64(0), np.uint16(NO_TOPIC)
    for index in range(count):
        message = messages[index]
        row = into[index]
        topic = load_u64(message + _RKT)
        if topic != last:
            last, ordinal = topic, np.uint16(NO_TOPIC)
            for known in range(len(topics)):
                if topics[known] == topic:
                    ordinal = ordinals[known]
        row.topic = ordinal
        row.partition = load_u32(message + _PARTITION)
        row.offset = np.int64(load_u64(message + _OFFSET))
        row.error = np.int32(load_u32(message + _ERR))
        row.epoch = _epoch(message)
        value, size = load_u64(message + _PAYLOAD), load_u64(message + _LEN)
        row.size = np.uint32(size)
        if row.error != 0:
            errors += 1
            row.sequence = _named_end(value, size)
        else:
            row.check = _check(value, size, message, run, verify)
            if row.check == 0:
                _copy_head(value, row)
        _destroy(message)
    return errors


@nb.njit(**JIT)
def copy_records(messages, count, values, sizes, keys):
    """Copy values (into u64[n, words], as far as they fit) and 16-byte keys of `count` fetched records; destroy none."""
    for index in range(count):
        message = messages[index]
        size = load_u64(message + _LEN)
        value, key = load_u64(message + _PAYLOAD), load_u64(message + _KEY)
        sizes[index] = size
        whole = min(np.int64(size >> np.uint64(3)), values.shape[1])
        for word in range(whole):
            values[index, word] = load_u64(value + np.uint64(8 * word))
        if whole < values.shape[1]:
            values[index, whole] = tail(value + np.uint64(8 * whole), size - np.uint64(8 * whole))
        has_key = load_u64(message + _KEY_LEN) == 16
        for word in range(2):
            keys[index, word] = load_u64(key + np.uint64(8 * word)) if has_key else np.uint64(0)
