"""What a topic and a group were asked for, as far as the accounts must know it to tell a loss from a kept promise."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicTerms:
    """A topic as it was declared, and as the cluster holds it. `topic_id` binds its ordinal to one life of the topic: a new id is another topic.

    With cleanup "compact" a record's key is its sequence modulo `keys`, and only its client writes that key. `retention`
    (ns; 0: none) is the age that a record must reach before it may go. `transactional` says that every record's
    transaction will be told in FATES. `transaction_timeout` (ns) is how long a transaction may stay open; the default is
    what brokers allow by theirs (transaction.max.timeout.ms). `copies_of` is the ordinal of the input that is copied,
    partition by partition.
    """

    topic_id: str
    partitions: int
    cleanup: Literal["delete", "compact"] = "delete"
    keys: int = 0
    retention: int = 0
    transactional: bool = False
    transaction_timeout: int = 900 * 10**9
    copies_of: int | None = None

    def __post_init__(self) -> None:
        if (self.cleanup == "compact") != (self.keys > 0):
            raise ValueError(
                f"topic {self.topic_id}: cleanup {self.cleanup} with {self.keys} keys; only compact has keys"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupTerms:
    """How a group reads. One that starts at the latest owes nothing below where it was first put."""

    isolation: Literal["read_committed", "read_uncommitted"] = "read_uncommitted"
    starts: Literal["earliest", "latest"] = "earliest"
