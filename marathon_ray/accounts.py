"""The three accounts of a run: claims, log and deliveries, settled as they are decided."""

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import fields, replace

import numpy as np

from actors.intervals import Keys, Numbers, Segments
from actors.tally import BLOCK, CLAIMS, Part, Tally, nothing
from marathon_ray.audit import Audit
from marathon_ray.balance import CLAIMED, LOSSES, Balance
from marathon_ray.blocks import Blocks
from marathon_ray.deliveries import Deliveries
from marathon_ray.evidence import Evidence, findings
from marathon_ray.finding import Finding, FindingKind, Tail, Window
from marathon_ray.incidents import Incidents
from marathon_ray.interner import Interner, fitted
from marathon_ray.stable import GRACE, StableEnds
from marathon_ray.streams import Streams
from marathon_ray.stretch import PARTITION_SHIFT, place_keys, together
from marathon_ray.terms import GroupTerms, TopicTerms
from marathon_ray.totals import by_place, sum_by_place
from marathon_ray.transactions import Fates, copies

_PASSES = ("first", "second")
_READ = ("found", "spans", "positions", "commits", "incidents")  # what a part tells of the log, by topic
_PULSES = 5  # parts whose fastest rate bounds what a silent worker may have done
_INBOX = 4_096  # parts that may wait to be booked


class Accounts:
    """What producers were told, what is in the log and what groups were given, of the topics of one run.

    Topics are known by their ordinals, each bound to one topic id. No clock is read: times (ns) come in as values. A
    `block` is the stretch of offsets that digests are summed over and that a pass reads again after a truncation.
    """

    def __init__(
        self, topics: Mapping[int, TopicTerms], *, groups: Mapping[str, GroupTerms] | None = None, block: int = BLOCK
    ) -> None:
        self.topics = dict(topics)
        self._group_terms = dict(groups or {})
        self._streams, self._places = Streams(), Interner()
        self._audit = Audit(self.topics, streams=self._streams, places=self._places, block=block)
        self._blocks, self._incidents = Blocks(self._places, block), Incidents()
        self._fates, self._stable = Fates(self._streams, self._places), StableEnds()
        self._groups: dict[str, Deliveries] = {}
        self._applied: dict[str, int] = {}
        self._pulse: dict[str, int] = {}  # time of the last part
        self._rates: dict[str, deque[float]] = {}  # records attempted each ns, of the last parts
        self._dead: set[str] = set()
        self._closed: set[int] = set()
        self._copied: set[int] = set()
        self._inbox: list[tuple[str, Part]] = []
        self._found: list[Finding] = []
        for name in self._group_terms:
            self._group(name)

    # What comes in

    def version(self, worker: str) -> int:
        """The newest part of that worker that was taken: what it may be told is confirmed."""
        return self._applied.get(worker, 0)

    def stand(self, reading: str, topic: int, partition: int) -> tuple[int, int]:
        """Where a reading stands, and the leader epoch of what it read before: a restarted auditor begins there."""
        reach = self._audit.reach[reading] if reading in _PASSES else self._group(reading).reach
        place = topic << 20 | partition
        position = int(reach.positions(np.array([place], np.uint64))[0])
        return position, reach.epoch_at(place, position - 1)

    def take(self, tally: Tally) -> None:
        """Book the parts not booked before, once each. Raises ValueError where a part before them is missing."""
        for part in tally.after(self.version(tally.worker)):
            expected = self.version(tally.worker) + 1
            if part.version != expected:
                raise ValueError(f"tally of {tally.worker}: part {part.version} came, part {expected} did not")
            self._applied[tally.worker] = part.version
            self._take(tally.worker, self._open(part))

    def _take(self, worker: str, part: Part) -> None:
        self._inbox.append((worker, part))
        self._note_pulse(worker, part)
        if len(part.incidents):
            self._found += self._incidents.take(part)
        if len(part.fates):
            self._fates.take(part.fates)
            for account in self._groups.values():
                account.fates(part.fates)
        if part.reading in _PASSES:
            self._read(part)
        elif part.reading:
            self._group(part.reading).give(part)
        if len(self._inbox) >= _INBOX or worker in self._dead:
            self._book()

    def _open(self, part: Part) -> Part:
        """The part without what it read of topics whose book is closed."""
        if not self._closed:
            return part
        tables = {field.name: getattr(part, field.name) for field in fields(part) if field.name in _READ}
        closed = list(self._closed)
        return replace(part, **{name: rows[~np.isin(rows["topic"], closed)] for name, rows in tables.items()})

    def _note_pulse(self, worker: str, part: Part) -> None:
        before, self._pulse[worker] = self._pulse.get(worker, part.at), part.at
        if part.at > before:
            rates = self._rates.setdefault(worker, deque(maxlen=_PULSES))
            rates.append(part.counts.get("attempted", 0) / (part.at - before))

    def _read(self, part: Part) -> None:
        reach = self._audit.reach[part.reading]
        below = reach.positions(place_keys(part.spans))
        found, forks = reach.admit(part)
        for fork in forks:
            judged_to = self._audit.judged_to(fork.place)
            self._audit.fork(part.reading, fork, part.at)
            self._blocks.fork(part.reading, fork)
            for account in self._groups.values() if part.reading == "second" else ():
                account.fork(fork, judged_to)
        for slot, gaps in reach.gaps.items():
            self._audit.starts.note(int(self._places.values[slot]), gaps[-1][1], part.at)
        self._blocks.add(part, below, forks)
        taken = self._audit.find(part.reading, found)
        if part.reading == "second":
            self._fates.log(taken)
            for account in self._groups.values():
                account.log(taken)

    def _group(self, name: str) -> Deliveries:
        if name not in self._groups:
            terms = self._group_terms.get(name, GroupTerms())
            audited = self._audit.book.bound
            account = Deliveries(
                name, terms, streams=self._streams, places=self._places, audited=audited, stable=self._stable
            )
            account.transactional |= {topic for topic, topic_terms in self.topics.items() if topic_terms.transactional}
            account.copies |= {topic for topic, topic_terms in self.topics.items() if topic_terms.copies_of is not None}
            self._groups[name] = account
        return self._groups[name]

    def _book(self) -> None:
        """Book the claims that wait: workers are many and their parts small, so all at once."""
        inbox, self._inbox = self._inbox, []
        if inbox:
            self._streams.learn(inbox)
            claims = together([nothing(CLAIMS), *(part.claims for _, part in inbox)])
            self._audit.claim(claims)
            self._audit.presume_unknown(self._streams.closed_since())
            for worker in self._dead.intersection(worker for worker, _ in inbox):
                self._audit.presume_unknown(self._streams.left_by(worker))

    def bury(self, worker: str, *, at: int) -> Tail:
        """That worker is dead: what it attempted and gave no outcome for is unknown, for ever or until it speaks after
        all; returns how much that is, and how much more it may have done by `at` unheard."""
        self._book()
        self._dead.add(worker)
        self._streams.bury(worker)
        keys = self._streams.left_by(worker)
        pending = self._pending(keys)
        self._audit.presume_unknown(keys)
        last, rate = self._pulse.get(worker, at), max(self._rates.get(worker, ()), default=0.0)
        return Tail(worker, pending, int(np.ceil(rate * max(at - last, 0))))

    def fence(self, client: int, *, topic: int, partition: int, offset: int) -> None:
        """A newer client took its place when the log ended at `offset`: from there on it may commit nothing."""
        self._fates.fence(client, topic << 20 | partition, offset)

    def log_start(self, topic: int, partition: int, *, offset: int, at: int) -> None:
        """That partition's log was seen to start at `offset`."""
        if topic not in self._closed:
            self._places.slots(np.array([topic << 20 | partition], np.uint64))
            self._audit.starts.note(topic << 20 | partition, offset, at)

    def stable_end(self, topic: int, partition: int, *, stable: int, end: int, at: int) -> None:
        """That partition's log was seen to end at `end` and to be stable up to `stable`, which was asked for after it.

        What was said last before `finish` counts there: say it until they agree, or no transaction may be open any more.
        """
        if topic not in self._closed:
            place, limit = topic << 20 | partition, self.topics[topic].transaction_timeout + GRACE
            self._places.slots(np.array([place], np.uint64))
            self._found += self._stable.note(place, end=end, stable=stable, at=at, limit=limit)

    def grown(self, topic: int, *, partitions: int) -> None:
        """The topic has that many partitions now; new ones are audited from their first offset."""
        terms = self.topics[topic]
        if partitions < terms.partitions:
            raise ValueError(f"topic {topic} cannot shrink from {terms.partitions} to {partitions} partitions")
        self.topics[topic] = replace(terms, partitions=partitions)

    def recreated(self, topic: int, new_id: str, *, at: int) -> None:
        """Another topic has that name: a finding, and the book is closed. What was not audited never will be."""
        if new_id == self.topics[topic].topic_id or topic in self._closed:
            return
        self._book()
        self._audit.catch_up()
        self._closed.add(topic)
        self._stable.close(topic)
        count = self._audit.close(topic)
        self._found.append(Finding(kind=FindingKind.RECREATED, topic=topic, since=at, until=at, count=count))

    # What comes out

    def settle(self) -> Window:
        """Judge for good whatever is decided, and forget it."""
        self._book()
        self._audit.settle()
        second = self._audit.reach["second"]
        second.fit()
        for account in self._groups.values():
            account.settle(second.position)
        return self._window()

    def begin_drain(self) -> None:
        """The writers are retired: an end of the log that was seen before is no end any more. Every partition's must be
        told anew, else what lies beyond the second pass's position stays unaudited."""
        for reach in self._audit.reach.values():
            reach.at_end[:] = 0

    def copied(self, topic: int) -> None:
        """Transactors have committed all that this topic shall have copies of. Without that word no input counts as not
        copied: somebody might have come to it yet."""
        self._copied.add(topic)

    def finish(self) -> Window:
        """Judge all that is left: the faults are healed, the workers retired, the passes drained. Call it last."""
        self._book()
        self._audit.finish()
        second = self._audit.reach["second"]
        for name, account in self._groups.items():
            account.finish(second.position)
            self._found += self._fates.torn(name, account)
        self._found += [*self._fenced(), *self._copies(), *self._stable.finish()]
        return self._window()

    def _fenced(self) -> Iterator[Finding]:
        rows = self._fates.fenced_writes()
        return self._findings(rows, FindingKind.FENCED_WRITE)

    def _copies(self) -> Iterator[Finding]:
        for target, terms in self.topics.items():
            for name, account in self._groups.items() if terms.copies_of is not None else ():
                reads = np.any(
                    self._places.values[account.reach.position[: len(self._places)] > 0] >> np.uint64(20) == target
                )
                if account.committed and reads and terms.copies_of is not None:
                    missing, twice = copies(self._audit.book, account, terms.copies_of, target)
                    found = [*self._findings(twice, FindingKind.COPIED_TWICE)]
                    if target in self._copied:
                        found += self._findings(missing, FindingKind.NOT_COPIED)
                    yield from (replace(finding, reading=name) for finding in found)

    def _findings(self, rows: Segments, kind: FindingKind) -> Iterator[Finding]:
        return findings(rows, {kind: rows.times[0]}, Evidence(), self._streams, self._audit.reach["second"])

    def _window(self) -> Window:
        found, withdrawn = self._audit.harvest()
        self._found += [*found, *self._blocks.settle(self._audit.reach, self._compacted())]
        groups = {}
        for name, account in self._groups.items():
            self._found += account.found
            withdrawn += account.withdrawn
            account.found, account.withdrawn = [], []
            groups[name] = account.totals.cut()
        out, self._found = tuple(self._found), []
        return Window(self._audit.totals.cut(), groups, out, tuple(withdrawn))

    def _compacted(self) -> set[int]:
        return {topic for topic, terms in self.topics.items() if terms.keys}

    def balance(self) -> Balance:
        """What is known of every record by now, exactly."""
        self._book()
        self._audit.catch_up()
        known = self._streams.known.values
        self._places.slots(known >> PARTITION_SHIFT)
        columns = {name: self._audit.totals.by_place(name).copy() for name in self._audit.totals.names}
        keys, live = self._audit.live_claims(known)
        self._add(columns, keys, {**live, "unaudited": live["acknowledged"]})
        self._add(columns, known, {"attempted": self._streams.attempted[: len(known)]})
        zero = np.zeros(len(self._places), np.int64)
        columns["lost"] = sum((columns.get(name, zero) for name in LOSSES), zero)
        columns["pending"] = columns["attempted"] - sum((columns.get(name, zero) for name in CLAIMED), zero)
        groups = {name: account.totals.whole() for name, account in self._groups.items()}
        return Balance(by_place(self._places, columns), groups, dict(self._incidents.counts))

    def _add(self, columns: dict[str, Numbers], keys: Keys, amounts: Mapping[str, Numbers]) -> None:
        for name, amount in amounts.items():
            added = sum_by_place(self._places, keys, amount)
            old = columns.get(name, np.zeros(0, np.int64))
            columns[name] = added + fitted(old, len(added))[: len(added)]

    def _pending(self, keys: Keys) -> int:
        """What was attempted in these streams and has no outcome yet."""
        _, amounts = self._audit.live_claims(keys)
        claimed = sum(int(amount.sum()) for amount in amounts.values())
        attempted = self._streams.attempted[self._streams.known.slots(keys)]
        return int((attempted - self._audit.book.bound(keys)).sum()) - claimed

    @property
    def rows(self) -> int:
        """How many rows are kept: what is live, exceptions, and nothing of what is settled and in order."""
        return self._audit.rows + self._blocks.rows + sum(account.rows for account in self._groups.values())
