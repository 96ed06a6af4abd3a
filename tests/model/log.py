"""A log in memory that knows the truth: what was written, told, lost and read, record by record."""

from dataclasses import dataclass, field

from actors.tally import Kind, Life, Outcome, Part
from tests.model.parts import found_of, part, spans_of

BLOCK = 8  # small, so that short logs have many
Place = tuple[int, int]
Entry = tuple[int, int, int, int]  # offset, client, sequence, leader epoch


@dataclass
class Log:
    """One partition: entries by offset, the next offset, where it starts, and the leader's epoch."""

    entries: dict[int, Entry] = field(default_factory=dict)
    end: int = 0
    start: int = 0
    epoch: int = 0

    def append(self, client: int, first: int, count: int) -> int:
        """Records first..first+count-1 of a client are in the log; returns the first one's offset."""
        offset = self.end
        for step in range(count):
            self.entries[offset + step] = (offset + step, client, first + step, self.epoch)
        self.end += count
        return offset

    def keep(self, start: int, end: int) -> None:
        """Only entries at start..end-1 are left."""
        self.entries = {offset: entry for offset, entry in self.entries.items() if start <= offset < end}


@dataclass
class Batch:
    """Records of one stream that share a fate so far. `offset` is None while they are not in the log."""

    place: Place
    client: int
    first: int
    count: int
    offset: int | None = None


@dataclass
class Worker:
    """A worker with one client: what it has not cut yet, its parts that were not confirmed, and its open batches."""

    name: str
    client: int
    version: int = 0
    sent: list[Part] = field(default_factory=list)
    claims: list[tuple[int, ...]] = field(default_factory=list)
    attempted: dict[Place, int] = field(default_factory=dict)
    open: list[Batch] = field(default_factory=list)
    unknown: list[Batch] = field(default_factory=list)
    life: Life = Life.OPEN
    dead: bool = False

    def cut(self, at: int) -> None:
        """Everything so far becomes a part."""
        self.version += 1
        attempts = [(self.client, place[1], place[0], count) for place, count in self.attempted.items()]
        self.sent.append(
            part(self.version, at=at, clients=[(self.client, self.life)], attempts=attempts, claims=self.claims)
        )
        self.claims = []

    def claim(self, batch: Batch, outcome: Outcome, *, offset: int | None = None) -> None:
        """The producer is told what became of a batch."""
        ends = (-1, -1) if offset is None else (offset, offset + batch.count - 1)
        stream = (self.client, batch.place[1], batch.place[0])
        self.claims.append((*stream, outcome, batch.first, batch.first + batch.count - 1, *ends, 0, 0))


@dataclass
class Reader:
    """One reading, by one worker at a time: positions, forks it will meet, and parts that were not confirmed."""

    reading: str
    life: int = 0
    version: int = 0
    position: dict[Place, int] = field(default_factory=dict)
    forks: dict[Place, int] = field(default_factory=dict)
    sent: list[Part] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The worker that reads now."""
        return f"{self.reading}-{self.life}"

    def read(self, place: Place, log: Log, limit: int) -> list[Entry]:
        """Up to `limit` offsets more of a partition, cut into a part; returns what was read."""
        incidents = self._notice(place, log)
        position = self.position.get(place, 0)
        end = min(position + limit, log.end)
        entries = [log.entries[offset] for offset in range(position, end) if offset in log.entries]
        self.position[place] = end
        self.version += 1
        self.sent.append(
            part(
                self.version,
                reading=self.reading,
                found=found_of(place, entries, block=BLOCK),
                spans=spans_of(place, entries, block=BLOCK),
                incidents=incidents,
                positions=[(*place, end, int(end == log.end))],
            )
        )
        return entries

    def _notice(self, place: Place, log: Log) -> list[tuple[int, ...]]:
        incidents: list[tuple[int, ...]] = []
        position = self.position.get(place, 0)
        fork = self.forks.pop(place, log.end)
        if fork < position:
            incidents.append((Kind.TRUNCATED, *place, 0, -1, fork, position - fork, 0))
            position = fork // BLOCK * BLOCK
        if position < log.start:
            incidents.append((Kind.EXPIRED, *place, 0, -1, log.start, log.start - position, 0))
            position = log.start
        self.position[place] = position
        return incidents

    def restart(self, positions: dict[Place, int]) -> None:
        """Another worker takes over where the books stand; what was not delivered is read again."""
        told = [row for lost in self.sent for row in lost.incidents if row["kind"] == Kind.TRUNCATED]
        for row in told:  # the books have not heard of these forks: they are told again
            place = int(row["topic"]), int(row["partition"])
            self.forks[place] = min(int(row["offset"]), self.forks.get(place, int(row["offset"])))
        self.life, self.version, self.sent = self.life + 1, 0, []
        self.position = positions


class World:
    """Logs, workers and both passes, with every operation that the properties are drawn from."""

    def __init__(self, places: list[Place], compacted: dict[int, int]) -> None:
        self.logs = {place: Log() for place in places}
        self.compacted = compacted  # topic: number of keys
        self.workers: list[Worker] = []
        self.readers = {name: Reader(name) for name in ("first", "second", "live")}
        self.illegal: set[tuple[Place, int, int]] = set()  # (place, client, sequence) that the broker lost
        self.twice: set[tuple[Place, int, int]] = set()  # written twice, acknowledged for the second
        self.expired: set[tuple[Place, int, int]] = set()  # of which some copy was removed legally

    def hire(self) -> Worker:
        """A new worker with a new client."""
        number = len(self.workers)
        self.workers.append(Worker(f"w{number}", 1_000 + number))
        return self.workers[-1]

    def attempt(self, worker: Worker, place: Place, count: int) -> Batch:
        """The next sequences of a stream are handed out."""
        first = worker.attempted.get(place, 0)
        worker.attempted[place] = first + count
        return Batch(place, worker.client, first, count)

    def append(self, batch: Batch) -> int:
        """The batch is in the log (once more)."""
        offset = self.logs[batch.place].append(batch.client, batch.first, batch.count)
        batch.offset = offset if batch.offset is None else batch.offset
        return offset

    def vanish(self, batch: Batch) -> int:
        """Offsets are given to the batch, but no record is there: the broker lost it at once."""
        log = self.logs[batch.place]
        offset, log.end = log.end, log.end + batch.count
        self.illegal |= {(batch.place, batch.client, batch.first + step) for step in range(batch.count)}
        return offset

    def present(self) -> set[tuple[Place, int, int]]:
        """Every record that is in a log."""
        return {
            (place, client, sequence)
            for place, log in self.logs.items()
            for _, client, sequence, _ in log.entries.values()
        }

    def truncate(self, place: Place, offset: int) -> None:
        """The log ends at `offset`, with a new leader."""
        log = self.logs[place]
        lost = {(place, client, sequence) for at, client, sequence, _ in log.entries.values() if at >= offset}
        log.keep(log.start, offset)
        log.end, log.epoch = offset, log.epoch + 1
        left = {(place, client, sequence) for _, client, sequence, _ in log.entries.values()}
        self.illegal |= lost - left
        for reader in self.readers.values():
            reader.forks[place] = min(offset, reader.forks.get(place, offset))

    def expire(self, place: Place, offset: int) -> None:
        """The log starts at `offset`: what was below is gone legally."""
        log = self.logs[place]
        log.start = max(log.start, offset)
        gone = (entry for at, entry in log.entries.items() if at < log.start)
        self.expired |= {(place, client, sequence) for _, client, sequence, _ in gone}
        log.keep(log.start, log.end)

    def compact(self, place: Place) -> None:
        """Of each key only the newest record is left."""
        log, keys = self.logs[place], self.compacted[place[0]]
        newest = {(client, sequence % keys): offset for offset, client, sequence, _ in log.entries.values()}
        log.entries = {at: entry for at, entry in log.entries.items() if newest[entry[1], entry[2] % keys] == at}
