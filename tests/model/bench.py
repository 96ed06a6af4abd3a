"""Accounts told of workers' doings in short form, for tests of single cases."""

from collections.abc import Iterable

from actors.tally import Life, Outcome, Tally
from marathon_ray.accounts import Accounts
from marathon_ray.finding import Finding, FindingKind, Window
from marathon_ray.terms import GroupTerms, TopicTerms
from tests.model.parts import found_of, part, spans_of

CLIENT = 7
SECOND = 1_000_000_000


class Bench:
    """Accounts of one topic, told of workers' doings in short form."""

    def __init__(self, *, groups: dict[str, GroupTerms] | None = None, **terms: object) -> None:
        settings: dict[str, object] = {"topic_id": "first life", "partitions": 2, **terms}
        more = {1: TopicTerms(topic_id="copies", partitions=2, copies_of=0)} if groups else {}
        self.accounts = Accounts({0: TopicTerms(**settings), **more}, groups=groups)  # type: ignore[arg-type]
        self._versions: dict[str, int] = {}

    def take(
        self, worker: str, *, at: int = 0, reading: str = "", attempted: int = 0, **rows: list[tuple[int, ...]]
    ) -> None:
        version = self._versions[worker] = self._versions.get(worker, 0) + 1
        told = part(version, at=at, reading=reading, attempted=attempted, **rows)
        self.accounts.take(Tally(worker, (told,)))

    def write(
        self, outcome: Outcome, first: int, last: int, *, offset: int = -1, place: tuple[int, int] = (0, 0),
        client: int = CLIENT, life: Life = Life.OPEN, at: int = 0,
    ) -> None:  # fmt: skip
        stream = (client, place[1], place[0])
        ends = (offset, offset + last - first if offset >= 0 else -1)
        self.take(
            f"writer {client}",
            at=at,
            clients=[(client, life)],
            attempts=[(*stream, last + 1)],
            claims=[(*stream, outcome, first, last, *ends, at, at)],
        )

    def read(
        self, reading: str, entries: Iterable[tuple[int, int]], *, place: tuple[int, int] = (0, 0), epoch: int = 0,
        position: int | None = None, at_end: bool = True, client: int = CLIENT, worker: str = "", stint: int = 0,
        incidents: list[tuple[int, ...]] | None = None, commits: list[tuple[int, ...]] | None = None,
    ) -> None:  # fmt: skip
        rows = [(offset, client, sequence, epoch) for offset, sequence in entries]
        end = position if position is not None else rows[-1][0] + 1
        self.take(
            worker or f"reader of {reading}",
            reading=reading,
            found=found_of(place, rows),
            spans=spans_of(place, rows, stint=stint),
            positions=[(*place, end, int(at_end))],
            incidents=incidents or [],
            commits=commits or [],
        )

    def both(self, entries: Iterable[tuple[int, int]], *, position: int | None = None) -> None:
        listed = list(entries)
        for reading in ("first", "second"):
            self.read(reading, listed, position=position)

    def both_of(self, place: tuple[int, int], entries: list[tuple[int, int]]) -> None:
        for reading in ("first", "second"):
            self.read(reading, entries, place=place)

    def total(self, name: str, group: str = "") -> int:
        balance = self.accounts.balance()
        assert not balance.faults()
        return balance.total(name, group)


def run(first: int, last: int, *, shift: int = 0) -> list[tuple[int, int]]:
    """(offset, sequence) of a run of sequences, each at its number plus `shift`."""
    return [(sequence + shift, sequence) for sequence in range(first, last + 1)]


def of(window: Window, kind: FindingKind) -> list[Finding]:
    return [finding for finding in window.findings if finding.kind is kind]
