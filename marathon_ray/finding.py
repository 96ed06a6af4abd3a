"""What the accounts hand on: findings (a promise that may be broken, with its facts) and windows of judged records."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

Counts: TypeAlias = Mapping[tuple[int, int], Mapping[str, int]]


class FindingKind(StrEnum):
    """What was found. Whether the settings allow it is for the promises to say."""

    LOST = "lost"  # acknowledged, and no pass found it
    GONE = "gone"  # acknowledged and seen by the first pass; the second did not find it: lost
    VANISHED = "vanished"  # never acknowledged, seen by the first pass, not by the second
    REFUSED_FOUND = "refused found"  # said to be surely not in the log, and there it is
    PHANTOM = "phantom"  # found beyond what a closed client attempted, or of a client that nobody owns
    UNOWNED = "unowned"  # of a client that nobody named, where a dead worker may have opened it unheard
    DUPLICATED = "duplicated"  # one identity at several offsets; `count` are those beyond the first
    DISORDERED = "disordered"  # first came into the log behind a later sequence of its stream
    EXPIRED_EARLY = "expired early"  # gone at an age below the promised retention
    PASSES_DIFFER = "passes differ"  # both passes read a block whole, and read different records
    TRUNCATED_SETTLED = "truncated settled"  # the log was cut below what had been judged; `count` offsets
    RECREATED = "recreated"  # another topic of that name; `count` acknowledged records were not yet audited
    FENCED_WRITE = "fenced write"  # a record of a fenced client behind its fence mark
    SKIPPED = "skipped"  # in the log, below the group's position, never given to the group
    ABORTED_DELIVERED = "aborted delivered"  # an aborted record given to a read_committed group
    TORN = "torn"  # a transaction of unknown outcome of which some records were delivered and some not
    STUCK = "stuck"  # the last stable offset stays below the log's end; `count` offsets that no committed reader gets
    COMMITTED_BEYOND = "committed beyond"  # a group's commit beyond what it had been given
    NOT_COPIED = "not copied"  # an input record without a committed copy
    COPIED_TWICE = "copied twice"  # an input record with several committed copies
    CORRUPT = "corrupt"
    SHORT = "short"
    MISPLACED = "misplaced"
    POISON = "poison"
    REWOUND = "rewound"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Neighbouring records of one stream with one fault. -1 and empty fields are not known or do not apply.

    Offsets are those of the acknowledgements (of the finds where there was none); since..until (wall clock, ns) when it
    was acknowledged or found; `epochs` those in which the first pass saw it; `epoch_now` the one that holds its first
    offset for the second pass. `reading` names a group.
    """

    kind: FindingKind
    topic: int
    partition: int = -1
    client: int = 0
    first: int = -1
    last: int = -1
    first_offset: int = -1
    last_offset: int = -1
    since: int = -1
    until: int = -1
    epochs: tuple[int, ...] = ()
    epoch_now: int = -1
    count: int = 0
    reading: str = ""


@dataclass(frozen=True, slots=True)
class Window:
    """What one settling judged: changes of the counts by (topic, partition), those of each group, findings, and what
    later facts took back of earlier ones (the same records, maybe in other pieces: see `marathon_ray.standing`). The
    windows of a run add up to its balance.
    """

    counts: Counts = field(default_factory=dict)
    groups: Mapping[str, Counts] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    withdrawn: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Tail:
    """What a dead worker leaves in the dark: `pending` records were reported as attempted and have no outcome;
    `unheard` is its fastest rate of late times its silence, the bound of what it never reported."""

    worker: str
    pending: int
    unheard: int
