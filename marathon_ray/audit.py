"""Claims against the log: what producers were told, beside what both passes of the auditor found."""

from collections.abc import Iterator, Mapping

import numpy as np

from actors.intervals import Keys, Numbers, Segments, sizes, stack
from actors.tally import Table
from marathon_ray.book import Book
from marathon_ray.claims import Claims
from marathon_ray.compaction import lost_keys
from marathon_ray.evidence import Evidence, among, beside, findings
from marathon_ray.finding import Finding, FindingKind
from marathon_ray.finds import Finds, void
from marathon_ray.fork import Fork
from marathon_ray.interner import Interner, fitted
from marathon_ray.judge import DEFAULT, Column, Setting, judge, normal
from marathon_ray.reach import Reach
from marathon_ray.retention import LogStarts
from marathon_ray.settle import decided, displaced
from marathon_ray.streams import Streams
from marathon_ray.stretch import (
    BEYOND,
    NONE,
    PARTITION_SHIFT,
    TOPIC_SHIFT,
    between_offsets,
    in_place,
    split,
    stretches,
    together,
    weighed,
)
from marathon_ray.terms import TopicTerms
from marathon_ray.totals import Totals

_NEVER = 2**63 - 1
_PATIENCE = 60 * 10**9  # ns that a claim waits for the word of a cut


def _of(rows: list[tuple[Column, Table]], wanted: Column) -> Table:
    return together([NONE, *(table for column, table in rows if column is wanted)])


class Audit:
    """The account of one run's topics: live rows of claims and finds, a book of what is settled, and its totals."""

    def __init__(self, terms: Mapping[int, TopicTerms], *, streams: Streams, places: Interner, block: int) -> None:
        self._streams, self._places = streams, places
        self.reach = {name: Reach(places, once=True, block=block) for name in ("first", "second")}
        self._claims = Claims(streams.known, places)
        self._finds = {
            "first": Finds(streams.known, ordered=False),
            "second": Finds(streams.known, ordered=True),
        }
        self.book = Book(streams.known, DEFAULT, normal=normal)
        self.totals = Totals(places)
        self.terms = terms
        self.starts = LogStarts()
        self._late: list[tuple[Column, Table]] = []
        self._judged_to: Numbers = np.zeros(0, np.int64)  # by place slot: what settled rests on offsets below
        self._oldest, self._newest = _NEVER, 0  # times of the oldest and the newest claim
        self._blind: Numbers = np.zeros(0, np.int64)  # offsets below were read before a cut below what was settled
        self._found: list[Finding] = []
        self._withdrawn: list[Finding] = []

    # What comes in

    def claim(self, rows: Table) -> None:
        """Take CLAIMS rows."""
        keys = self._streams.keys(rows)
        self._streams.raise_attempted(keys, rows["last"] + 1)
        claims, outcome = stretches(rows, keys), rows["outcome"]
        self._newest = max(self._newest, int(claims["until"].max(initial=0)))
        self._oldest = min(self._oldest, int(claims["since"].min(initial=_NEVER)))
        bound = self.book.bound(keys)
        fresh = claims["first"] >= bound
        for word, column in ((2, Column.ACKNOWLEDGED), (0, Column.REFUSED), (1, Column.UNKNOWN)):
            straddling = ~fresh & (outcome == word)
            if straddling.any():
                late, rest = split(claims[straddling], bound[straddling])
                blind = late[late["last_offset"] < 0] if column is Column.ACKNOWLEDGED else NONE
                self._late += [(column, late), *self._missed(late), *self._missed_blind(blind)]
                self._claims.add(rest, np.full(len(rest), word, np.uint8))
        self._claims.add(claims[fresh], outcome[fresh])

    def presume_unknown(self, keys: Keys) -> None:
        """Whatever was attempted in these streams has no outcome but what was reported."""
        attempted, bound = self._streams.attempted[self._streams.known.slots(keys)], self.book.bound(keys)
        keys, first, last = keys[attempted > bound], bound[attempted > bound], attempted[attempted > bound] - 1
        rows = np.full(len(keys), -1, NONE.dtype)
        rows["key"], rows["first"], rows["last"] = keys, first, last
        self._claims.add(rows, np.ones(len(rows), np.uint8))

    def find(self, reading: str, rows: Table) -> Table:
        """Take FOUND rows of a pass, in its order; returns them as stretches."""
        finds, keys = self._finds[reading], self._streams.keys(rows)
        column = Column.FIRST if reading == "first" else Column.SECOND
        taken = stretches(rows, keys)
        settled, behind = finds.add(taken, self._bound)
        if reading == "second" and self._blind.any():
            taken, settled, behind = (self._unblinded(each) for each in (taken, settled, behind))
        self._late += [(column, settled), (Column.BEHIND, behind)]
        return taken

    def _unblinded(self, rows: Table) -> Table:
        """Without finds of records settled as found, at offsets that were judged before the log was cut below them.

        One that was settled as not found was written behind the cut and judged before the passes knew of it: it is news.
        """
        self._blind = fitted(self._blind, len(self._places))
        again = rows["first_offset"] < self._blind[self._places.slots(rows["key"] >> PARTITION_SHIFT)]
        settled, unsettled = split(rows[again], self._bound(rows[again]))
        news = among(settled, self._not_found(settled["key"]))
        taken = together([rows[~again], unsettled, news])
        return taken[np.argsort(taken["first_offset"], kind="stable")]  # in the log's order again

    def _not_found(self, keys: Keys) -> Table:
        """Settled sequences of these streams that the second pass did not find."""
        odd = self.book.exceptions()
        odd = odd.at((odd.times[Column.SECOND] == 0) & np.isin(odd.key, keys))
        rows = np.full(len(odd), -1, NONE.dtype)
        rows["key"], rows["first"], rows["last"] = odd.key, odd.first, odd.last
        return rows

    def fork(self, reading: str, fork: Fork, at: int) -> None:
        """A pass learned of a fork; the second pass's finds from its base on are void."""
        self._claims.soften(fork.place, fork.base)
        if reading != "second":
            return
        place = np.array([fork.place], np.uint64)
        slot = int(self._places.slots(place)[0])
        self._judged_to, self._blind = fitted(self._judged_to, slot + 1), fitted(self._blind, slot + 1)
        if self._judged_to[slot] > fork.base:
            self._blind[slot] = max(self._blind[slot], self._judged_to[slot])
        # What was judged behind the end of the old log was read of the new one, before the pass knew of the fork.
        regrown = self._judged_to[slot] > fork.end
        depth = min(int(self._judged_to[slot]), fork.end) - fork.cut
        if depth > 0:
            self._found.append(
                Finding(
                    kind=FindingKind.TRUNCATED_SETTLED, topic=fork.place >> 20, partition=fork.place & 0xFFFFF,
                    first_offset=fork.cut, last_offset=fork.cut + depth - 1, since=at, until=at, count=depth,
                )
            )  # fmt: skip
            if not regrown:
                self._judged_to[slot] = fork.cut  # what lay behind is gone, and counted: another cut counts what is new
        self._void(fork, regrown=bool(regrown))

    def _void(self, fork: Fork, *, regrown: bool) -> None:
        finds = self._finds["second"]
        finds.void(fork.place, fork.base)
        for index, (column, rows) in enumerate(self._late):
            if column in {Column.SECOND, Column.BEHIND}:
                self._late[index] = (column, void(rows, fork.place, fork.base))
        keys = self._streams.known.values
        keys = keys[(keys >> PARTITION_SHIFT) == np.uint64(fork.place)]
        # Of a log that has regrown the highest may be among what comes again; then only what is read again has an order.
        finds.lower_peaks(fork.place, np.full(len(keys), -1) if regrown else self._settled_peaks(keys), keys)

    def _settled_peaks(self, keys: Keys) -> Numbers:
        """The highest settled sequence that the second pass found in each stream; -1: none."""
        peaks, odd = self.book.bound(keys) - 1, self.book.exceptions()
        absent = odd.at((odd.times[Column.SECOND] == 0) & np.isin(odd.key, keys))
        for index, key in enumerate(keys):
            mine = absent.at(absent.key == key)
            for first, last in zip(mine.first[::-1], mine.last[::-1], strict=True):
                peaks[index] = first - 1 if last == peaks[index] else peaks[index]
        return peaks

    # Judging

    def catch_up(self) -> None:
        """Judge again what late rows speak of."""
        late = [(column, rows) for column, rows in self._late if len(rows)]
        self._late = []
        if not late:
            return
        evidence = Evidence(*(_of(late, column) for column in (Column.ACKNOWLEDGED, Column.FIRST, Column.SECOND)))
        self._raise_judged(evidence)
        self._amend(stack([weighed(rows, column, len(Column)) for column, rows in late]), evidence)

    def _amend(self, late: Segments, evidence: Evidence) -> None:
        was, now = self.book.amend(late)
        before, after = judge(was.times, self._setting(was.key)), judge(now.times, self._setting(now.key))
        self.totals.add(was, before, sign=-1)
        self.totals.add(now, after)
        self._found += self._findings(now, {name: after[name] - before[name] for name in after}, evidence)
        self._withdrawn += self._findings(was, {name: before[name] - after[name] for name in after}, evidence)
        self._judge_early(now.at(after["expired"] > before["expired"]), evidence)

    def settle(self) -> None:
        """Judge every stream as far as it is decided, and forget its rows."""
        self.catch_up()
        self._places.slots(self._streams.known.values >> PARTITION_SHIFT)
        for reach in self.reach.values():
            reach.fit()
        size = len(self._places)
        first, second = (self.reach[name].position[:size] for name in ("first", "second"))
        self._claims.harden(np.minimum(first, second))
        self._amend_overtaken()
        rows, firm = self._claims.candidates()
        if len(rows):
            keys, ends = decided(rows, firm, self.book.bound(rows["key"]))
            self._judge(keys, self._undisputed(keys, ends))
        self._judge_beyond()
        self._forget_starts(np.minimum(first, second))

    def _undisputed(self, keys: Keys, ends: Numbers) -> Numbers:
        """The bounds, lowered to before what was acknowledged where another record is found: the log was cut, and until
        the second pass tells of it (or too long has passed) nothing says what is gone."""
        firm = self._claims.firm[self._claims.firm["until"] > self._newest - _PATIENCE]
        judged = fitted(self._judged_to, len(self._places))[self._places.slots(firm["key"] >> PARTITION_SHIFT)]
        firm = firm[displaced(firm, self._finds["second"].rows, judged)]
        limit = np.full(len(keys), np.iinfo(np.int64).max)
        np.minimum.at(limit, np.searchsorted(keys, firm["key"]), firm["first"])
        bounds: Numbers = np.maximum(np.minimum(ends, limit), self.book.bound(keys))
        return bounds

    def _forget_starts(self, floor: Numbers) -> None:
        """Forget where logs started below what both passes (`floor`, by place slot) and all live claims are beyond."""
        places = np.array([place for place, _ in self.starts.places()], np.uint64)
        if not len(places):
            return
        live = together([self._claims.firm, self._claims.waiting()])
        floor = np.append(floor, np.zeros(len(self._places) - len(floor), np.int64))
        lowest = np.minimum(live["first_offset"], live["last_offset"])
        np.minimum.at(floor, self._places.slots(live["key"] >> PARTITION_SHIFT), lowest)
        for place, offset in zip(places.tolist(), floor[self._places.slots(places)].tolist(), strict=True):
            self.starts.forget(place, offset)

    def _amend_overtaken(self) -> None:
        claims = self._claims.overtaken(self._bound)
        if len(claims):
            self._late += [(Column.ACKNOWLEDGED, claims), *self._missed(claims)]
            self.catch_up()

    def _bound(self, rows: Table) -> Numbers:
        return self.book.bound(rows["key"])

    def _judge_beyond(self) -> None:
        """Finds beyond all that a closed client attempted are judged at once; of its copies others attempt more."""
        rows = self._finds["second"].rows
        bound = self.book.bound(rows["key"])
        slots = self._streams.known.slots(rows["key"])
        final = self._streams.closed(rows["key"]) & ~self._setting(rows["key"]).copies
        beyond = final & (bound >= self._streams.attempted[slots])
        if beyond.any():
            keys, inverse = np.unique(rows["key"][beyond], return_inverse=True)
            ends = np.zeros(len(keys), np.int64)
            np.maximum.at(ends, inverse, rows["last"][beyond] + 1)
            self._judge(keys, ends)

    def finish(self) -> None:
        """Judge everything: what the second pass did not come to is unaudited, whatever no one claimed is stray."""
        self.settle()
        for place, start in self.starts.places():
            for reach in self.reach.values():
                reach.expire(place, start)
            self._found += self._gone_early(place)
        unread = [(Column.UNREAD, rows) for rows in self._unread()]
        self._claims.harden_all()
        self._amend_overtaken()
        keys = self._streams.known.values
        ends = np.maximum(self._streams.attempted[: len(keys)], self.book.bound(keys))
        for finds in self._finds.values():
            np.maximum.at(ends, self._streams.known.slots(finds.rows["key"]), finds.rows["last"] + 1)
        self._judge(keys, ends, unread)
        self._judge_keys()

    def _unread(self) -> Iterator[Table]:
        """What may lie where the second pass did not come, though the log did not end there."""
        second, waiting = self.reach["second"], self._claims.waiting()
        blind = self._claims.soft[Column.ACKNOWLEDGED]
        unknown = beside(self._claims.soft[Column.UNKNOWN], together([waiting, self._claims.firm]))
        # The position of a book that was closed is below all offsets.
        for slot in np.flatnonzero(second.at_end[: len(self._places)] == 0).tolist():
            place, position = int(self._places.values[slot]), int(second.position[slot])
            seen = self._finds["first"].rows
            told = together([waiting[in_place(waiting, place)], among(seen[in_place(seen, place)], unknown)])
            yield between_offsets(told, position, BEYOND)
            yield blind[in_place(blind, place)]

    def _judge(self, keys: Keys, bounds: Numbers, extra: list[tuple[Column, Table]] | None = None) -> None:
        limit = self.book.bound(self._streams.known.values).copy()
        limit[self._streams.known.slots(keys)] = bounds
        evidence, rows = self._gather(limit)
        rows += extra or []
        segments = stack([weighed(table, column, len(Column)) for column, table in rows])
        judged = self.book.settle(segments, keys, bounds)
        weights = judge(judged.times, self._setting(judged.key))
        self.totals.add(judged, weights)
        self._found += self._findings(judged, weights, evidence)
        self._judge_early(judged.at(weights["expired"] > 0), evidence)
        self._raise_judged(evidence)

    def _gone_early(self, place: int) -> Iterator[Finding]:
        """What both passes have read, and what is gone although no record was old enough."""
        slot = int(self._places.slots(np.array([place], np.uint64))[0])
        count, start, at = self.starts.read_and_gone(place, self.reach["second"].gaps.get(slot, []))
        if count and at - self._oldest < self.terms[place >> 20].retention:
            yield Finding(
                kind=FindingKind.EXPIRED_EARLY, topic=place >> 20, partition=place & 0xFFFFF, last_offset=start - 1,
                since=self._oldest, until=at, count=count,
            )  # fmt: skip

    def _judge_early(self, expired: Segments, evidence: Evidence) -> None:
        for place in np.unique(expired.key >> PARTITION_SHIFT).tolist():
            terms = self.terms[place >> 20]
            early = self.starts.early(expired, evidence.claims, place, terms.retention)
            rows = weighed(early[np.lexsort((early["first"], early["key"]))], 0, 1)
            self._found += self._findings(rows, {FindingKind.EXPIRED_EARLY: rows.times[0]}, evidence)

    def _judge_keys(self) -> None:
        for topic, terms in self.terms.items():
            if terms.keys:
                keys = self._streams.known.values
                rows = list(lost_keys(self.book, keys[keys >> TOPIC_SHIFT == np.uint64(topic)], terms.keys))
                if sum(map(len, rows)):
                    self._amend(stack(rows), Evidence())

    def _gather(self, limit: Numbers) -> tuple[Evidence, list[tuple[Column, Table]]]:
        """Take all live rows below the limits (by stream slot)."""

        def bound(rows: Table) -> Numbers:
            return limit[self._streams.known.slots(rows["key"])]

        claims, soft = self._claims.settle(bound)
        first, _ = self._finds["first"].settle(bound)
        second, late = self._finds["second"].settle(bound)
        rows = [(Column.ACKNOWLEDGED, claims), *soft.items(), (Column.FIRST, first), (Column.SECOND, second)]
        blind = soft[Column.ACKNOWLEDGED]
        rows += [(Column.BEHIND, late), *self._missed(claims, first, soft[Column.UNKNOWN]), *self._missed_blind(blind)]
        return Evidence(together([claims, *soft.values()]), first, second), rows

    def _missed(self, claims: Table, first: Table = NONE, unknown: Table = NONE) -> Iterator[tuple[Column, Table]]:
        """What may lie at offsets that a pass could not read any more: by its acknowledgement, or, where it is unknown,
        by the first pass's find."""
        for name, column in (("first", Column.MISSED_FIRST), ("second", Column.MISSED_SECOND)):
            for slot, gaps in self.reach[name].gaps.items():
                place = int(self._places.values[slot])
                seen = among(first[in_place(first, place)], beside(unknown, claims))
                mine = together([claims[in_place(claims, place)], seen])
                yield from ((column, between_offsets(mine, start, end)) for start, end in gaps)

    def _missed_blind(self, blind: Table) -> Iterator[tuple[Column, Table]]:
        """An acknowledgement without an offset may lie in any gap of its partition."""
        for name, column in (("first", Column.MISSED_FIRST), ("second", Column.MISSED_SECOND)):
            for slot in self.reach[name].gaps if len(blind) else ():
                yield column, blind[in_place(blind, int(self._places.values[slot]))]

    def _raise_judged(self, evidence: Evidence) -> None:
        self._judged_to = fitted(self._judged_to, len(self._places))
        rows = evidence.second
        np.maximum.at(self._judged_to, self._places.slots(rows["key"] >> PARTITION_SHIFT), rows["last_offset"] + 1)

    def _setting(self, keys: Keys) -> Setting:
        topics = (keys >> TOPIC_SHIFT).astype(np.int64)
        compact = np.isin(topics, [topic for topic, terms in self.terms.items() if terms.keys])
        copies = np.isin(topics, [topic for topic, terms in self.terms.items() if terms.copies_of is not None])
        closed, owned = self._streams.closed(keys), self._streams.owned(keys)
        return Setting(compact, closed, owned, self._streams.any_dead, copies)

    def _findings(self, rows: Segments, weights: Mapping[str, Numbers], evidence: Evidence) -> Iterator[Finding]:
        return findings(rows, weights, evidence, self._streams, self.reach["second"])

    # What others ask

    def close(self, topic: int) -> int:
        """That topic is another one now: no more of it is judged; returns its acknowledged records not yet audited."""
        for reach in self.reach.values():
            reach.fit()
            mine = np.flatnonzero((self._places.values >> np.uint64(20)) == np.uint64(topic))
            reach.position[mine], reach.at_end[mine] = -1, 0
        live = self._claims.overlaid(self._bound, self._streams.known.values)
        mine_live = (live.key >> TOPIC_SHIFT == np.uint64(topic)) & (live.times[0] > 0)
        return int(sizes(live.at(mine_live)).sum())

    def live_claims(self, keys: Keys) -> tuple[Keys, Mapping[str, Numbers]]:
        """Live claims of these streams, by stream key: how many records each row adds to acknowledged, refused, unknown."""
        return self._claims.live(keys, self._bound)

    def judged_to(self, place: int) -> int:
        """What is settled in that partition rests on offsets below this one."""
        slot = int(self._places.slots(np.array([place], np.uint64))[0])
        self._judged_to = fitted(self._judged_to, slot + 1)
        return int(self._judged_to[slot])

    def harvest(self) -> tuple[list[Finding], list[Finding]]:
        """Findings, and findings taken back, since the last harvest."""
        found, withdrawn = self._found, self._withdrawn
        self._found, self._withdrawn = [], []
        return found, withdrawn

    @property
    def rows(self) -> int:
        """How many rows and exceptions are kept."""
        finds = sum(len(finds.rows) for finds in self._finds.values())
        return self._claims.rows + self.book.rows + finds + self.starts.rows
