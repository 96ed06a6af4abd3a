"""What a run has left in a process that goes on is given back, so that weeks of runs need no more memory than a few."""

import ctypes
import gc
from contextlib import suppress


def give_back(*_: object) -> None:
    """Objects of a run that hold one another are gone, and so are pages of which nothing is in use: a moment's work.

    By itself Python would look for such cycles when they are a quarter of all objects, some forty runs later, and the
    allocator of C would keep what lies below anything that is in use.
    """
    gc.collect()
    with suppress(OSError, AttributeError):  # another C library than GNU's does without
        ctypes.CDLL(None).malloc_trim(0)
