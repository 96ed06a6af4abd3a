"""A topic that is written, copied in transactions and read by a read_committed group, under audit: for tests on real Kafka."""

import time
from collections import Counter
from typing import Any, Final

from actors.consumer import Consumer
from actors.producer import Producer
from actors.sabotage import Honest
from actors.spec import Consumers, Producers, Transactors
from actors.tally import Fate, Outcome
from actors.transactor import Transactor
from marathon_ray.balance import Balance
from marathon_ray.kafka import admin
from marathon_ray.kafka.local import LocalKafka
from marathon_ray.terms import GroupTerms
from tests.readback import records
from tests.rig import Rig, create

PARTITIONS: Final = 2
_FAST: Final = {"session.timeout.ms": "6000", "heartbeat.interval.ms": "1000"}


class Copying:
    """A topic that is written, copied in transactions and read by a read_committed group, under audit."""

    def __init__(self, kafka: LocalKafka, topic: str, *, aborts: float = 0.0) -> None:
        self.properties = kafka.client_properties()
        self.source, self.copy, self.live = topic, f"{topic}-copy", f"{topic}-live"
        for name in (self.source, self.copy):
            create(self.properties, name, num_partitions=PARTITIONS, replication_factor=3)
            kafka.wait_in_sync(name)
        groups = {name: GroupTerms(isolation="read_committed") for name in (self.live, f"{topic}-copiers")}
        terms = {self.copy: {"transactional": True, "copies_of": 1}}
        self.readable: dict[tuple[str, int], int] = {}
        self.rig = Rig(self.properties, {self.source: PARTITIONS, self.copy: PARTITIONS}, terms=terms, groups=groups)
        self.auditor = self.rig.audit(self.source, self.copy)
        self.copiers = Transactors(
            of=(self.source,), to=(self.copy,), group=f"{topic}-copiers", aborts=aborts, timeout=10.0,
            records_per_transaction=200, properties=_FAST,
        )  # fmt: skip
        self.rig.start(Consumer("live", self.rig.target), Consumers(of=(self.copy,), group=self.live))
        spec = Producers(to=(self.source,), rate="2000 records/s", size="200 B")
        self.producer = self.rig.start(Producer("p", self.rig.target), spec)

    def copier(self, name: str, sabotage: Honest | None = None) -> Transactor:
        """A transactor has been set to work; all have the slice with index 0."""
        worker: Transactor = self.rig.start(Transactor(name, self.rig.target, sabotage=sabotage), self.copiers)
        return worker

    def copied(self) -> int:
        """How many transactions were told to be committed."""
        return self.rig.counts["transactions committed"]

    def copy_on(self, count: int, *, within: float = 60.0) -> None:
        """So many transactions more are committed."""
        goal = self.copied() + count
        self.rig.until(lambda: self.copied() >= goal, within=within, what=f"{count} transactions")

    def stable(self) -> bool:
        """Whether no transaction is open; the accounts are told."""
        ends = admin.log_ends(self.properties, [self.source, self.copy])
        for (topic, partition), (end, stable) in ends.items():
            ordinal = self.rig.target.topics[topic].ordinal
            self.rig.accounts.stable_end(ordinal, partition, stable=stable, end=end, at=time.time_ns())
        self.readable = {place: stable for place, (_, stable) in ends.items() if place[0] == self.copy}
        return all(stable >= end for end, stable in ends.values())

    def finish(self, *, stuck: bool = False) -> Balance:
        """Everything is copied, read as far as it can be, and judged."""
        self.rig.retire(self.producer)
        ends = {place: end for place, end in self.rig.ends().items() if place[0] == self.source}
        self.rig.until(lambda: self.rig.drained(ends, self.copiers.group), what="copying to the end")
        self.rig.until(lambda: self.committed_inputs() >= sum(ends.values()), what="the last commit")
        self.rig.accounts.copied(2)
        self.rig.until(lambda: self.stable() != stuck, what="the last markers")
        self.rig.until(lambda: self.rig.drained(self.readable, self.live), what="reading the copies")
        return self.rig.finish(self.auditor)

    def committed_inputs(self) -> int:
        """The copiers' newest committed offsets, added up."""
        newest: dict[int, int] = {}
        for part in self.rig.parts:
            for row in part.commits if part.reading == self.copiers.group else ():
                newest[int(row["partition"])] = max(newest.get(int(row["partition"]), 0), int(row["offset"]))
        return sum(newest.values())

    def fates(self) -> dict[tuple[int, int], Fate]:
        """What was told of each (writer, transaction)."""
        rows = [row for part in self.rig.parts for row in part.fates]
        return {(int(row["writer"]), int(row["transaction"])): Fate(row["fate"]) for row in rows}

    def misplaced_claims(self) -> list[tuple[int, int, int, int]]:
        """(partition, client, sequence, offset) of copies that were acknowledged at an offset where the log has no such."""
        places = [(self.copy, partition) for partition in range(PARTITIONS)]
        log = {
            (one.partition, one.offset): (int(one.head["client"]), int(one.head["sequence"]))
            for one in records(self.properties, places)
        }
        ordinal = self.rig.target.topics[self.copy].ordinal
        claims = [row for part in self.rig.parts for row in part.claims if row["topic"] == ordinal]
        ends = [
            (int(row["partition"]), int(row["client"]), int(row[end]), int(row[f"{end}_offset"]))
            for row in claims
            for end in ("first", "last")
            if row["outcome"] == Outcome.ACKNOWLEDGED and row["first_offset"] >= 0
        ]
        return [claim for claim in ends if log.get((claim[0], claim[3])) != claim[1:3]]

    def identities(self, topic: str) -> Counter[Any]:
        """(client, partition, sequence) of what a plain read_committed reader finds."""
        places = [(topic, partition) for partition in range(PARTITIONS)]
        found = records(self.properties, places, **{"isolation.level": "read_committed"})
        return Counter((int(one.head["client"]), one.partition, int(one.head["sequence"])) for one in found)
