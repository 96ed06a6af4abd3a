"""The truth table: what the states of sequences mean, in claims against the log."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from actors.intervals import Numbers
from marathon_ray.finding import FindingKind

Mask: TypeAlias = NDArray[np.bool_]


class Column(IntEnum):
    """The accounts of a state: how often each covers a sequence."""

    ACKNOWLEDGED = 0
    REFUSED = 1
    UNKNOWN = 2
    FIRST = 3
    SECOND = 4
    BEHIND = 5  # of SECOND: finds behind a later sequence
    MISSED_FIRST = 6  # it may lie where the first pass could not read any more
    MISSED_SECOND = 7
    UNREAD = 8  # at the end: it may lie where the second pass did not come
    LATEST = 9  # at the end: the latest acknowledged of its key, and no later one of that key was found


DEFAULT = (1, 0, 0, 1, 1, 0, 0, 0, 0, 0)  # acknowledged, found by both passes, once and in order


def normal(times: Numbers) -> Numbers:
    """One form for all histories: acknowledged outranks refused, refused unknown; found outranks what may excuse it."""
    out = times.copy()
    claims = out[: Column.FIRST]
    np.minimum(claims, 1, out=claims)
    claims[1:] *= 1 - claims[0]
    claims[2] *= 1 - claims[1]
    found = out[Column.SECOND] > 0
    out[Column.FIRST] = (out[Column.FIRST] > 0) | found
    out[Column.MISSED_FIRST :] = (out[Column.MISSED_FIRST :] > 0) & ~found
    return out


@dataclass(frozen=True, slots=True)
class Setting:
    """What a state's meaning depends on beside the state, one entry a row."""

    compact: Mask
    closed: Mask
    owned: Mask
    any_dead: bool
    copies: (
        Mask  # of another's records: one that is aborted is made again, so once and in order are no rules of the log
    )


def judge(times: Numbers, setting: Setting) -> Mapping[str, Numbers]:
    """For each count, how many times each sequence of a row (state in `normal` form) adds to it."""
    state = times > 0
    acknowledged, refused, unknown, first, found = (state[column] for column in range(5))
    claimed = acknowledged | refused | unknown
    missing = acknowledged & ~found
    expired = missing & state[Column.MISSED_SECOND] & (first | state[Column.MISSED_FIRST])
    unaudited = missing & state[Column.UNREAD] & ~expired
    compacted = missing & setting.compact & ~state[Column.LATEST] & ~expired & ~unaudited
    lost = missing & ~expired & ~unaudited & ~compacted
    excused = state[Column.MISSED_SECOND] | state[Column.UNREAD] | setting.compact
    stray = found & ~claimed
    alien = stray & ~setting.owned
    masks = {
        "acknowledged": acknowledged,
        "refused": refused,
        "unknown": unknown,
        "found": acknowledged & found,
        "expired": expired,
        "unaudited": unaudited,
        "compacted": compacted,
        FindingKind.LOST: lost & ~first,
        FindingKind.GONE: lost & first,
        FindingKind.VANISHED: unknown & first & ~found & ~excused,
        FindingKind.REFUSED_FOUND: refused & (first | found),
        "unknown found": unknown & found,
        FindingKind.PHANTOM: (stray & setting.owned & setting.closed & ~setting.copies)
        | (alien & (not setting.any_dead)),
        FindingKind.UNOWNED: alien & setting.any_dead,
        "unreported found": stray & setting.owned & (~setting.closed | setting.copies),
        FindingKind.DISORDERED: found & (times[Column.BEHIND] >= times[Column.SECOND]) & ~setting.copies,
    }
    counts: dict[str, Numbers] = {str(name): mask.astype(np.int64) for name, mask in masks.items()}
    counts[FindingKind.DUPLICATED] = np.maximum(times[Column.SECOND] - 1, 0) * ~setting.copies
    return counts
