"""The naive judge: the same facts, record by record, in sets, all at the end."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from actors.tally import Kind, Life, Outcome, Part, Table
from tests.model.log import BLOCK, Place

Record = tuple[Place, int, int]  # place, client, sequence
RANK = {Outcome.UNKNOWN: 0, Outcome.REFUSED: 1, Outcome.ACKNOWLEDGED: 2}


def each(rows: Table) -> Iterator[tuple[Record, int, int]]:
    """Every record of CLAIMS or FOUND rows without holes, its offset (-1: none), and its row's number."""
    for number, row in enumerate(rows):
        place = int(row["topic"]), int(row["partition"])
        for sequence in range(int(row["first"]), int(row["last"]) + 1):
            offset = int(row["first_offset"])
            shift = sequence - int(row["first"])
            yield (place, int(row["client"]), sequence), offset + shift if offset >= 0 else -1, number


@dataclass
class Oracle:
    """What was reported, as it was reported."""

    compacted: dict[int, int]
    claims: dict[Record, tuple[Outcome, int]] = field(default_factory=dict)
    attempted: dict[tuple[Place, int], int] = field(default_factory=dict)
    closed: set[int] = field(default_factory=set)
    named: set[int] = field(default_factory=set)
    buried: set[int] = field(default_factory=set)
    first: dict[Record, list[int]] = field(default_factory=lambda: defaultdict(list))  # with the offsets
    second: dict[Place, dict[int, Record]] = field(default_factory=lambda: defaultdict(dict))
    given: Counter[Record] = field(default_factory=Counter)
    stands: dict[Place, tuple[int, bool]] = field(default_factory=dict)  # the second pass's position; is it the end?
    group_stands: dict[Place, int] = field(default_factory=dict)
    first_stands: dict[Place, int] = field(default_factory=dict)
    starts: dict[Place, int] = field(default_factory=dict)  # of the logs, as either pass saw it
    gaps: dict[tuple[str, Place], list[tuple[int, int]]] = field(default_factory=lambda: defaultdict(list))

    def take(self, part: Part) -> None:
        """Take a part that was not taken before."""
        for row in part.clients:
            self.named.add(int(row["client"]))
            self.closed |= {int(row["client"])} if row["life"] == Life.CLOSED else set()
        for row in part.attempts:
            stream = (int(row["topic"]), int(row["partition"])), int(row["client"])
            self.attempted[stream] = max(int(row["attempted"]), self.attempted.get(stream, 0))
        for record, offset, number in each(part.claims):
            outcome = Outcome(int(part.claims["outcome"][number]))
            old = self.claims.get(record)
            if old is None or RANK[outcome] > RANK[old[0]]:
                self.claims[record] = outcome, offset
        self._read(part)

    def _read(self, part: Part) -> None:
        cuts: dict[Place, int] = {}
        starts = {
            (int(r["topic"]), int(r["partition"])): int(r["offset"])
            for r in part.incidents
            if r["kind"] == Kind.EXPIRED
        }
        for row in part.incidents:
            place, offset = (int(row["topic"]), int(row["partition"])), int(row["offset"])
            if row["kind"] == Kind.EXPIRED:
                gap = max(offset - int(row["count"]), cuts.get(place, 0)), offset
                self.gaps[part.reading, place] += [gap] if gap[0] < gap[1] else []
                if part.reading != "live":
                    self.starts[place] = max(offset, self.starts.get(place, 0))
                continue
            cuts[place] = offset
            base = max(offset // BLOCK * BLOCK, min(starts.get(place, 0), offset))
            if part.reading == "live":
                self.group_stands[place] = min(base, self.group_stands.get(place, 0))
            elif part.reading == "second":
                self.second[place] = {at: record for at, record in self.second[place].items() if at < base}
        for row in part.positions if part.reading == "second" else ():
            self.stands[int(row["topic"]), int(row["partition"])] = int(row["position"]), bool(row["at_end"])
        for row in part.positions if part.reading == "first" else ():
            self.first_stands[int(row["topic"]), int(row["partition"])] = int(row["position"])
        for row in part.positions if part.reading == "live" else ():
            place = int(row["topic"]), int(row["partition"])
            self.group_stands[place] = max(int(row["position"]), self.group_stands.get(place, 0))
        for record, offset, _ in each(part.found):
            if part.reading == "first":
                self.first[record].append(offset)
            elif part.reading == "second":
                self.second[record[0]][offset] = record
            else:
                self.given[record] += 1

    def finds(self) -> Counter[Record]:
        """How often the second pass found each record, in the log's last form."""
        return Counter(record for log in self.second.values() for record in log.values())

    def missed(self, reading: str, record: Record, offset: int) -> bool:
        """Whether a pass could not read what may have been there; what lies below the log's start it never will."""
        stands = {"first": self.first_stands.get(record[0], 0), "second": self.stands.get(record[0], (0, False))[0]}
        gaps = [*self.gaps[reading, record[0]]]
        if reading in stands and stands[reading] < self.starts.get(record[0], 0):
            gaps.append((stands[reading], self.starts[record[0]]))
        return any(start <= offset < end or offset < 0 for start, end in gaps)

    def unread(self, record: Record, offset: int) -> bool:
        """Whether the second pass did not come to where it may be."""
        position, at_end = self.stands.get(record[0], (0, False))
        return not at_end and (offset < 0 or offset >= position)

    def verdict(self, record: Record, finds: Counter[Record]) -> str:
        """Where an acknowledged record stands."""
        offset = self.claims[record][1]
        if finds[record]:
            return "found"
        if self.missed("second", record, offset) and (record in self.first or self.missed("first", record, offset)):
            return "expired"
        if self.unread(record, offset):
            return "unaudited"
        if record[0][0] in self.compacted and not self.owed(record, finds):
            return "compacted"
        return "gone" if record in self.first else "lost"

    def owed(self, record: Record, finds: Counter[Record]) -> bool:
        """Whether it is the latest acknowledged of its key, and nothing later of that key was found."""
        place, client, sequence = record
        keys = self.compacted[place[0]]
        later = [
            other[2]
            for other in {*self.claims, *finds}
            if other[:2] == (place, client) and other[2] % keys == sequence % keys and other[2] > sequence
        ]
        known = {(place, client, other) for other in later}
        return not any(finds[r] or self.claims.get(r, (None,))[0] is Outcome.ACKNOWLEDGED for r in known)

    def verdicts(self) -> Counter[str]:
        """How many acknowledged records stand where."""
        finds = self.finds()
        acknowledged = (record for record, (outcome, _) in self.claims.items() if outcome is Outcome.ACKNOWLEDGED)
        counts = Counter(self.verdict(record, finds) for record in acknowledged)
        for (place, client), attempted in self.attempted.items():
            for sequence in range(attempted):
                outcome = self.claims.get((place, client, sequence), (None, -1))[0]
                counts["unknown"] += outcome is Outcome.UNKNOWN or (
                    outcome is None and client in self.buried | self.closed
                )
        return counts

    def findings(self) -> Counter[tuple[str, Record]]:
        """Every fault of every record."""
        finds, out = self.finds(), Counter[tuple[str, Record]]()
        for record, (outcome, _) in self.claims.items():
            word = self.verdict(record, finds) if outcome is Outcome.ACKNOWLEDGED else ""
            if word in {"gone", "lost"}:
                out[word, record] += 1
            if outcome is Outcome.REFUSED and (finds[record] or record in self.first):
                out["refused found", record] += 1
        out.update(self._vanished(finds))
        for record, times in finds.items():
            out["duplicated", record] += times - 1
            beyond = record[2] >= self.attempted.get(record[:2], 0) and record not in self.claims
            if record[1] in self.closed and beyond:
                out["phantom", record] += 1
            if record[1] not in self.named:
                out["unowned" if self.buried else "phantom", record] += 1
        out.update(("disordered", record) for record in self._disordered())
        return +out

    def deliveries(self) -> dict[str, int]:
        """What the group was given, by counts of records."""
        finds = self.finds()
        owed = {record for record in finds if not self.given[record]}
        excused = {record for record in owed if any(self.not_owed(record, at) for at in self.offsets(record))}
        return {
            "delivered": sum(1 for record in finds if self.given[record]),
            "skipped": len(owed - excused),
            "excused": len(excused),
            "redelivered": sum(max(times - max(finds[record], 1), 0) for record, times in self.given.items()),
            "delivered, not in the log": sum(1 for record in +self.given if not finds[record]),
        }

    def offsets(self, record: Record) -> list[int]:
        """Where the second pass found it."""
        return [at for at, other in self.second[record[0]].items() if other == record]

    def not_owed(self, record: Record, offset: int) -> bool:
        """Whether the group had not come there, or could not read there."""
        return offset >= self.group_stands.get(record[0], 0) or self.missed("live", record, offset)

    def _vanished(self, finds: Counter[Record]) -> Iterator[tuple[str, Record]]:
        for record in self.first:
            told = self.claims.get(record, (None, -1))[0]
            tail = record[1] in self.buried | self.closed and record[2] < self.attempted.get(record[:2], 0)
            unknown = told is Outcome.UNKNOWN or (told is None and tail)
            offsets = self.first[record]
            missed = any(self.missed("second", record, offset) or self.unread(record, offset) for offset in offsets)
            if unknown and not finds[record] and record[0][0] not in self.compacted and not missed:
                yield "vanished", record

    def _disordered(self) -> Iterator[Record]:
        for log in self.second.values():
            highest: dict[tuple[Place, int], int] = {}
            seen: set[Record] = set()
            for _, record in sorted(log.items()):
                stream = record[:2]
                if record not in seen and record[2] < highest.get(stream, -1):
                    yield record
                seen.add(record)
                highest[stream] = max(record[2], highest.get(stream, -1))
