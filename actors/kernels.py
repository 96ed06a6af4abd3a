"""The folds: rows of reports and of fetched records into runs, spans and histograms, compiled and without the GIL.

A fold stops early when one of its tables is full and returns how far it came; its owner makes room and calls again.
"""

from typing import Final

import numba as nb
import numpy as np

from actors.bucketing import bucket
from actors.checksum import mix64, place_hash
from actors.compiled import JIT
from actors.drawing import draw, fill, key_of, size_of
from actors.librdkafka import PARTITION_EOF
from actors.record import Flag
from actors.rows import NO_TOPIC, STREAM_SHIFT
from actors.tally import BLOCK, Kind, Outcome

# One stream of a producer: what it has handed out, and the run of reports that is open.
CLAIMING: Final = np.dtype(
    [
        ("client", "u8"),
        ("attempted", "i8"),
        ("reported", "i8"),
        ("first", "i8"),
        ("last", "i8"),
        ("first_offset", "i8"),
        ("last_offset", "i8"),
        ("since", "i8"),
        ("until", "i8"),
        ("partition", "u4"),
        ("topic", "u2"),
        ("outcome", "u1"),
        ("open", "u1"),
        ("touched", "u1"),
        ("ended", "u1"),
    ]
)
# One partition that is read: its open span, and where the reader stands (-1: anywhere).
PLACE: Final = np.dtype(
    [
        ("position", "i8"),
        ("first_offset", "i8"),
        ("last_offset", "i8"),
        ("count", "i8"),
        ("digest", "u8"),
        ("partition", "u4"),
        ("stint", "u4"),
        ("epoch", "i4"),
        ("topic", "u2"),
        ("open", "u1"),
        ("at_end", "u1"),
        ("touched", "u1"),
    ]
)
# One stream that is read since the last cut: a slot of an open-addressing table.
RUN: Final = np.dtype(
    [
        ("client", "u8"),
        ("first", "i8"),
        ("last", "i8"),
        ("first_offset", "i8"),
        ("last_offset", "i8"),
        ("place", "i4"),
        ("epoch", "i4"),
        ("used", "u1"),
    ]
)
# Places in the `used` array of a reading fold, and the sums that both folds keep.
FOUND_ROWS, SPAN_ROWS, INCIDENT_ROWS, SLOTS = 0, 1, 2, 3
ACKNOWLEDGED, REFUSED, UNKNOWN, BYTES = 0, 1, 2, 3
RECORDS, READ_BYTES, BEYOND = 0, 1, 2

_ACKNOWLEDGED, _REFUSED = int(Outcome.ACKNOWLEDGED), int(Outcome.REFUSED)
_MISPLACED, _POISON, _REWOUND = int(Kind.MISPLACED), int(Kind.POISON), int(Kind.REWOUND)
_WILL_ABORT, _COPY = int(Flag.WILL_ABORT), int(Flag.COPY)
_STREAM_SHIFT = np.uint64(STREAM_SHIFT)
_BLOCK_BITS: Final = BLOCK.bit_length() - 1


@nb.njit(**JIT)
def compose(values, sizes, opaque, keys, count, head, stream, first, intended, step, seed, size_table, key_plan, pool):
    """Write records first..first+count of a stream: all of the value but its checksum, its size, key and opaque word.

    `values` is u64[n, words], `keys` u64[n, 2], `head` the three u64 words up to the client; record k is intended at
    `intended + int(k * step)`, wall clock, ns. Size, key and body follow from `seed` and the sequence.
    """
    for index in range(count):
        sequence = np.uint64(first + index)
        size = size_of(size_table, seed, sequence)
        value = values[index]
        value[0], value[1], value[2] = head[0], head[1], head[2]
        value[3], value[4] = sequence, np.uint64(intended + np.int64(index * step))
        fill(value[6 : (size + 7) >> 3], pool, draw(seed, sequence))
        sizes[index] = size
        opaque[index] = (np.uint64(stream) << _STREAM_SHIFT) | sequence
        keys[index, 0], keys[index, 1] = head[2], np.uint64(key_of(key_plan, seed, sequence))


@nb.njit(**JIT)
def _push_claim(stream, into, used):
    row = into[used]
    row.client, row.partition, row.topic, row.outcome = stream.client, stream.partition, stream.topic, stream.outcome
    row.first, row.last = stream.first, stream.last
    row.first_offset, row.last_offset = stream.first_offset, stream.last_offset
    row.since, row.until = stream.since, stream.until
    stream.open = 0
    return used + 1


@nb.njit(**JIT)
def fold_reports(rows, start, count, streams, into, used, sums, response, service, now):
    """Fold REPORT rows start..count into `streams` and CLAIMS rows; `now` is the wall clock, ns.

    Returns (the row that it came to, the rows of `into` in use).
    """
    room = len(into)
    for index in range(start, count):
        report = rows[index]
        stream = streams[report.stream]
        follows = (
            stream.open == 1
            and report.sequence == stream.last + 1
            and report.outcome == stream.outcome
            and (report.offset < 0) == (stream.last_offset < 0)
            and (report.offset < 0 or report.offset > stream.last_offset)  # an election may have cut the log between
        )
        if not follows:
            if stream.open == 1:
                if used == room:
                    return index, used
                used = _push_claim(stream, into, used)
            stream.open, stream.outcome = 1, report.outcome
            stream.first, stream.first_offset, stream.since = report.sequence, report.offset, now
        stream.last, stream.last_offset, stream.until = report.sequence, report.offset, now
        stream.reported += 1
        if report.outcome == _ACKNOWLEDGED:
            sums[ACKNOWLEDGED] += 1
            sums[BYTES] += report.size
            response[bucket((now - report.intended) // 1000)] += 1
            service[bucket(report.service_us)] += 1
        elif report.outcome == _REFUSED:
            sums[REFUSED] += 1
        else:
            sums[UNKNOWN] += 1
    return count, used


@nb.njit(**JIT)
def close_claims(streams, start, into, used):
    """Push the open runs of streams from `start` on; returns (the stream that it came to, the rows in use)."""
    for index in range(start, len(streams)):
        if streams[index].open == 1:
            if used == len(into):
                return index, used
            used = _push_claim(streams[index], into, used)
    return len(streams), used


@nb.njit(**JIT)
def _push_found(run, places, into, used, now):
    place = places[run.place]
    row = into[used[FOUND_ROWS]]
    row.client, row.partition, row.topic, row.epoch = run.client, place.partition, place.topic, run.epoch
    row.first, row.last, row.first_offset, row.last_offset = run.first, run.last, run.first_offset, run.last_offset
    row.until = now
    used[FOUND_ROWS] += 1


@nb.njit(**JIT)
def _push_span(place, into, used):
    row = into[used[SPAN_ROWS]]
    row.topic, row.partition, row.stint, row.epoch = place.topic, place.partition, place.stint, place.epoch
    row.first_offset, row.last_offset = place.first_offset, place.last_offset
    row.count, row.digest = place.count, place.digest
    used[SPAN_ROWS] += 1
    place.open = 0


@nb.njit(**JIT)
def _push_incident(kind, row, place, count, into, used, sums, now):
    if used[INCIDENT_ROWS] == len(into):
        sums[BEYOND] += 1
        return
    incident = into[used[INCIDENT_ROWS]]
    incident.kind, incident.topic, incident.partition = kind, place.topic, place.partition
    incident.client, incident.sequence, incident.offset = row.client, row.sequence, row.offset
    incident.count, incident.at = count, now
    used[INCIDENT_ROWS] += 1


@nb.njit(**JIT)
def _step_span(row, place, digest, spans, incidents, used, sums, now):
    if place.position > row.offset:
        _push_incident(_REWOUND, row, place, place.position - row.offset, incidents, used, sums, now)
    if place.open == 1 and (
        row.offset <= place.last_offset
        or row.epoch != place.epoch
        or row.offset >> _BLOCK_BITS != place.first_offset >> _BLOCK_BITS
    ):
        _push_span(place, spans, used)
    if place.open == 0:
        place.open, place.epoch, place.first_offset = 1, row.epoch, row.offset
        place.count, place.digest = 0, np.uint64(0)
    place.last_offset, place.position, place.touched, place.at_end = row.offset, row.offset + 1, 1, 0
    place.count += 1
    place.digest += digest


@nb.njit(**JIT)
def _slot(runs, client, index, used):
    mask = len(runs) - 1
    at = np.int64(mix64(client + (np.uint64(index) << np.uint64(32))) & np.uint64(mask))
    while runs[at].used == 1:
        if runs[at].client == client and runs[at].place == index:
            return at
        at = (at + 1) & mask
    runs[at].used, runs[at].client, runs[at].place, runs[at].last = 1, client, index, -2
    used[SLOTS] += 1
    return at


@nb.njit(**JIT)
def _step_run(row, run, places, found, used, now):
    follows = (
        row.sequence == run.last + 1
        and row.epoch == run.epoch
        and row.offset > run.last_offset
        and row.offset >> _BLOCK_BITS == run.first_offset >> _BLOCK_BITS
    )
    if not follows:
        if run.last >= 0:
            _push_found(run, places, found, used, now)
        run.first, run.first_offset, run.epoch = row.sequence, row.offset, row.epoch
    run.last, run.last_offset = row.sequence, row.offset


@nb.njit(**JIT)
def fold_records(rows, start, count, places, bases, runs, found, spans, incidents, used, sums, latency, now, committed):
    """Fold FETCHED rows start..count into places, runs, FOUND, SPANS and INCIDENTS; `now` is the wall clock, ns.

    `bases[topic]` is the index of a topic's partition 0 in `places`. Passed over are topics (their base is -1) and
    partitions that are not ours, and error events but the one that a log has ended, which holds until a later row.
    `committed` says that the reader is read_committed. Returns the row that it came to.
    """
    last_client, last_index, slot = np.uint64(0), -1, 0
    for index in range(start, count):
        row = rows[index]
        if row.topic == NO_TOPIC or row.topic >= len(bases) or (row.error != 0 and row.error != PARTITION_EOF):
            continue
        if used[FOUND_ROWS] == len(found) or used[SPAN_ROWS] == len(spans) or 2 * used[SLOTS] >= len(runs):
            return index
        at = bases[row.topic] + row.partition
        if at < 0 or at >= len(places):
            continue
        place = places[at]
        if place.topic != row.topic or place.partition != row.partition:
            continue
        if row.error != 0:
            place.position, place.at_end, place.touched = row.offset, 1, 1
            continue
        sums[RECORDS] += 1
        sums[READ_BYTES] += row.size
        if row.check != 0:
            row.client, row.sequence = np.uint64(0), -1
            digest = place_hash(np.uint64(row.offset), np.uint64(row.check), np.uint64(0))
            _step_span(row, place, digest, spans, incidents, used, sums, now)
            _push_incident(row.check, row, place, 1, incidents, used, sums, now)
            continue
        digest = place_hash(np.uint64(row.offset), row.client, np.uint64(row.sequence))
        _step_span(row, place, digest, spans, incidents, used, sums, now)
        if row.flags & _COPY == 0 and (row.head_topic != row.topic or row.head_partition != row.partition):
            _push_incident(_MISPLACED, row, place, 1, incidents, used, sums, now)
            continue
        if committed and row.flags & _WILL_ABORT != 0:
            _push_incident(_POISON, row, place, 1, incidents, used, sums, now)
        if row.client != last_client or at != last_index:
            last_client, last_index = row.client, at
            slot = _slot(runs, row.client, at, used)
        _step_run(row, runs[slot], places, found, used, now)
        latency[bucket((now - row.intended) // 1000)] += 1
    return count


@nb.njit(**JIT)
def close_runs(runs, start, places, found, used, now):
    """Push the open runs from slot `start` on and free their slots; returns the slot that it came to."""
    for slot in range(start, len(runs)):
        run = runs[slot]
        if run.used == 1:
            if used[FOUND_ROWS] == len(found):
                return slot
            _push_found(run, places, found, used, now)
            run.used = 0
            used[SLOTS] -= 1
    return len(runs)


@nb.njit(**JIT)
def close_spans(places, start, spans, used):
    """Push the open spans of places from `start` on; returns the place that it came to."""
    for index in range(start, len(places)):
        if places[index].open == 1:
            if used[SPAN_ROWS] == len(spans):
                return index
            _push_span(places[index], spans, used)
    return len(places)
