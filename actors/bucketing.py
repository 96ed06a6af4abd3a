"""Where one latency counts in the layout of `latency`: compiled, for kernels and for who counts as they do."""

from typing import Any, Final

import numpy as np

from actors.compiled import compiled
from actors.latency import LONGEST

_FIRST_OCTAVE: Final = 1029  # the exponent bits of a float of 64 to 127


@compiled
def bucket(us: int | np.integer[Any]) -> np.int64:
    """The index, 0 to LAYOUT_SIZE - 1, of the bucket of that many µs: no branches, the octave is a float's exponent."""
    held = min(max(np.int64(us), np.int64(0)), np.int64(LONGEST))
    octave = (np.float64(held | np.int64(64)).view(np.int64) >> np.int64(52)) - np.int64(_FIRST_OCTAVE)
    return (octave << np.int64(6)) + (held >> octave)
