"""The head: 48 bytes at the start of every value that say which record this is, and prove that nobody altered it.

Little endian, eight-byte words, so that a whole poll is checked in one pass. The checksum covers the other 40 bytes of
the head, the key and the rest of the value. A copy (consume-transform-produce) keeps its input's identity.
"""

from enum import IntFlag
from typing import Final

import numpy as np

HEAD: Final = np.dtype(
    [
        ("version", "u1"),
        ("flags", "u1"),
        ("topic", "<u2"),  # the topic's ordinal in the run
        ("transaction", "<u4"),  # the writer's transaction ordinal; 0 outside transactions
        ("run", "<u4"),
        ("partition", "<u4"),
        ("client", "<u8"),  # drawn at random for each life of a client handle
        ("sequence", "<u8"),  # 0, 1, 2 … in each (client, topic, partition)
        ("intended", "<u8"),  # wall clock, ns: when the schedule wanted it sent
        ("checksum", "<u8"),
    ]
)
VERSION: Final = 1
SMALLEST_VALUE: Final = HEAD.itemsize


class Flag(IntFlag):
    """What a head says of its record beside its identity."""

    WILL_ABORT = 1  # its transaction is planned to abort: a read_committed reader that meets it has found a violation
    COPY = 2  # topic, partition, client, sequence and intended are those of the record it was made from
