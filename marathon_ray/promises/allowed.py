"""Which findings the settings of a topic and of its writers allow, and why: what is not named here is a broken promise.

Brokers that die by themselves or are killed keep what they have written; no setting allows the loss of a disk.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, TypeAlias

from actors.spec import Producers
from marathon_ray.finding import FindingKind
from marathon_ray.kafka.kept import Kept, kept
from marathon_ray.kafka.topics import Topic
from marathon_ray.promises.promise import Shade

_Reasons: TypeAlias = Iterator[tuple[FindingKind, str]]
_RETRIES: Final = ("retries", "message.send.max.retries")
_IN_FLIGHT: Final = ("max.in.flight", "max.in.flight.requests.per.connection")
_ACKS: Final = {
    "0": "acks=0: a record is acknowledged when it was sent, whether or not it arrived",
    "1": "acks=1: only the leader had it, so a change of leaders may lose it",
}
_UNCLEAN: Final = (
    "unclean elections are on: when no replica in sync lives, one that lags leads, and others cut their logs"
)


def allowed(
    topic: Topic,
    writers: Sequence[Producers],
    shades: Sequence[Shade] | None = None,
    *,
    keeps: Kept | None = None,
    held: float = math.inf,
) -> Mapping[FindingKind, str]:
    """The kinds of finding that are no broken promise, each with the reason in words.

    A kind is allowed where each of the writers allows it: which of them wrote a record cannot be told from a finding, so
    the strictest decides. `shades` are the faults that were on; None: not known yet, so there may be some. Without any,
    nobody needed an unclean election. `keeps` is how long the cluster keeps the records (None: it was not asked yet, so
    what was declared counts), `held` how many bytes no partition can have exceeded.
    """
    reasons: dict[FindingKind, list[str]] = {}
    removed = _removed(topic, keeps or kept(topic.settings()), held)
    for part in (_acknowledged(writers), _sent_again(writers), _elected(topic, writers, shades), removed):
        for kind, reason in part:
            reasons.setdefault(kind, []).append(reason)
    return {kind: "; ".join(some) for kind, some in reasons.items()}


def _acknowledged(writers: Sequence[Producers]) -> _Reasons:
    """What both passes could read was below the high watermark, so on every replica in sync, whatever the acks."""
    acks = {writer.acks for writer in writers}
    if acks and "all" not in acks:
        yield FindingKind.LOST, _ACKS[max(acks)]


def _sent_again(writers: Sequence[Producers]) -> _Reasons:
    if not writers or any(writer.idempotent for writer in writers):
        return
    if not any(_set_to(writer, _RETRIES, "0") for writer in writers):
        yield FindingKind.DUPLICATED, "not idempotent: what is sent again may be there already"
    if not any(_set_to(writer, _IN_FLIGHT, "1") for writer in writers):
        yield FindingKind.DISORDERED, "not idempotent: what is sent again comes behind what was in flight beside it"


def _set_to(writer: Producers, names: Sequence[str], value: str) -> bool:
    return any(writer.properties.get(name) == value for name in names)


def _elected(topic: Topic, writers: Sequence[Producers], shades: Sequence[Shade] | None) -> _Reasons:
    """With acks=all and as many replicas in sync as there are, every replica has what was acknowledged: who leads is all
    the same. Groups are taken back to where a log was cut."""
    if not topic.unclean or topic.replication == 1 or (shades is not None and not shades):
        return
    yield from ((kind, _UNCLEAN) for kind in (FindingKind.VANISHED, FindingKind.PASSES_DIFFER, FindingKind.REWOUND))
    everywhere = topic.min_insync == topic.replication and (not writers or any(one.acks == "all" for one in writers))
    if not everywhere:
        losses = (FindingKind.LOST, FindingKind.GONE, FindingKind.TRUNCATED_SETTLED)
        yield from ((kind, _UNCLEAN) for kind in losses)


def _removed(topic: Topic, keeps: Kept, held: float) -> _Reasons:
    if keeps.size is not None and keeps.size < held and math.isfinite(keeps.size):
        yield FindingKind.EXPIRED_EARLY, "retention.bytes: a record of any age goes when the log is full"
    if "compact" in topic.cleanup:
        yield FindingKind.PASSES_DIFFER, "compaction takes records away between the passes"
        yield FindingKind.SKIPPED, "compaction may take a record away before a group comes to it"
