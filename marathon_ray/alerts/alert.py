"""What reaches the people on call, and when: the contract of a channel, and the decisions of one, which are pure.

Events of one `about` are one incident. Its beginning is told, that it got worse, that it lasts, and its end: three messages
in all. What may not go out yet, since the channel rests or has had its share of this hour, goes out as one message later.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final, Protocol

from marathon_ray.event import Event, Severity
from marathon_ray.rotation.plan import Known

HOUR: Final = timedelta(hours=1)
_STORIES: Final = 1_000  # incidents that are remembered


@dataclass(frozen=True, slots=True)
class Message:
    """For people: one line, and a few more. `over` says that all it is about has come to its end."""

    title: str
    body: str
    severity: Severity
    over: bool = False


class Channel(Protocol):
    """A way to people. `name` is for people as well, and no secret; `since` is the severity from which on it is used."""

    @property
    def name(self) -> str:
        """The same for as long as it is used."""

    @property
    def since(self) -> Severity:
        """From the plan."""

    def send(self, message: Message) -> str | None:
        """None: it was taken. Else why it was not, in a line without a secret. It blocks for 20 s at most."""


@dataclass(frozen=True, slots=True)
class Rules:
    """When a channel is used. `again` is the time after which an incident may be told once more, and within which one that
    comes back is the same; `hourly` messages go out in any hour, the last `kept` of them for critical ones; `held` notices
    wait at most; after failures it rests from `rest` on, twice as long each time, up to `longest`."""

    since: Severity = Severity.WARNING
    again: timedelta = timedelta(hours=4)
    messages: int = 3  # an incident
    hourly: int = 12
    kept: int = 4
    held: int = 64
    rest: timedelta = timedelta(seconds=2)
    longest: timedelta = timedelta(minutes=15)


USUAL: Final = Rules()


class Say(StrEnum):
    """Why an event is told."""

    NEW = "new"
    WORSE = "worse"
    AGAIN = "again"
    STILL = "still"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Notice:
    """An event that is to be told, and why."""

    event: Event
    say: Say


@dataclass(frozen=True, slots=True)
class Batch:
    """What goes out as one message; `lost` older notices were not kept."""

    notices: tuple[Notice, ...]
    lost: int = 0


@dataclass(frozen=True, slots=True)
class Story:
    """One incident as it was told: how often, when last, how bad, and whether that was its end; `open`: it goes on."""

    worst: Severity
    last: datetime
    told: int = 1
    open: bool = True
    ended: bool = False


@dataclass(frozen=True, slots=True)
class Book:
    """All that a channel's decisions rest on."""

    stories: Mapping[str, Story] = field(default_factory=dict)
    waiting: Batch = Batch(())
    sent: tuple[datetime, ...] = ()
    failures: int = 0  # without a success
    resting: datetime | None = None


def silenced(event: Event, known: Iterable[Known], muted: datetime | None) -> bool:
    """It is an event and nobody is told: it is muted until then, or known until that day (UTC) is over."""
    if muted is not None and event.at < muted:
        return True
    return any(_is(each, event) for each in known)


def _is(known: Known, event: Event) -> bool:
    facts = event.facts
    promise = str(facts.get("promise", ""))
    return (
        known.scenario == facts.get("scenario")
        and known.promise in {promise, promise.partition("(")[0]}
        and known.cluster in {None, facts.get("cluster")}
        and event.at.astimezone(UTC).date() <= known.until
    )


def heard(book: Book, event: Event, rules: Rules) -> Book:
    """After that event: if it is to be told, it waits."""
    before = book.stories.get(event.about)
    say, story = (_ending if event.over else _going_on)(before, event, rules)
    if story is None:
        return book
    stories = {about: each for about, each in book.stories.items() if each.open or event.at - each.last < rules.again}
    stories.pop(event.about, None)
    stories = dict([*stories.items(), (event.about, story)][-_STORIES:])
    waiting = book.waiting
    if say is not None:
        waiting = _bounded((*waiting.notices, Notice(event, say)), waiting.lost, rules)
    return replace(book, stories=stories, waiting=waiting)


def _ending(story: Story | None, event: Event, rules: Rules) -> tuple[Say | None, Story | None]:
    """It is told only if the beginning was."""
    if story is None or not story.open:
        return None, story
    if story.told >= rules.messages:
        return None, replace(story, open=False)
    return Say.OVER, replace(story, told=story.told + 1, last=event.at, open=False, ended=True)


def _going_on(story: Story | None, event: Event, rules: Rules) -> tuple[Say | None, Story | None]:
    if event.severity.rank < rules.since.rank:
        return None, story
    if story is None or _is_another(story, event, rules):
        return Say.NEW, Story(event.severity, event.at)
    more = replace(
        story,
        told=story.told + 1,
        last=event.at,
        open=True,
        ended=False,
        worst=max(story.worst, event.severity, key=lambda each: each.rank),
    )
    if event.severity.rank > story.worst.rank:
        return Say.WORSE, more
    if story.ended:
        return Say.AGAIN, more
    if event.at - story.last >= rules.again and story.told < rules.messages - 1:  # one is kept for its end
        return Say.STILL, more
    return None, replace(story, open=True)


def _is_another(story: Story, event: Event, rules: Rules) -> bool:
    """An incident of its own: long after the end of the former; or there is something to say that it has no message for."""
    spent = story.told >= rules.messages
    late = not story.open and event.at - story.last >= rules.again
    return late or (spent and (story.ended or event.severity.rank > story.worst.rank))


def due(book: Book, now: datetime, rules: Rules) -> datetime | None:
    """When what waits may go out; None where nothing waits."""
    if not book.waiting.notices:
        return None
    critical = any(each.event.severity is Severity.CRITICAL for each in book.waiting.notices)
    most = rules.hourly if critical else max(1, rules.hourly - rules.kept)
    recent = _recent(book, now)
    room = now if len(recent) < most else recent[-most] + HOUR
    resting = book.resting or now
    return max(room, resting) if resting - now <= rules.longest else room


def _recent(book: Book, now: datetime) -> tuple[datetime, ...]:
    """Messages of the last hour. One of a time to come went out by a clock that was set back since."""
    return tuple(at for at in book.sent if timedelta(0) <= now - at < HOUR)


def taken(book: Book) -> tuple[Book, Batch]:
    """All that waits is on its way."""
    return replace(book, waiting=Batch(())), book.waiting


def delivered(book: Book, now: datetime) -> Book:
    """A message has gone out."""
    return replace(book, sent=(*_recent(book, now), now), failures=0, resting=None)


def recalled(book: Book, told: Collection[str], at: datetime) -> Book:
    """A former life has told of the events with these ids."""
    left = tuple(each for each in book.waiting.notices if each.event.id not in told)
    return delivered(replace(book, waiting=Batch(left)), at)


def failed(book: Book, batch: Batch, now: datetime, rules: Rules) -> Book:
    """That has not gone out: it waits again, before what has come since, and the channel rests."""
    waiting = _bounded((*batch.notices, *book.waiting.notices), batch.lost + book.waiting.lost, rules)
    rest = min(rules.longest, rules.rest * 2 ** min(book.failures, 30))
    return replace(book, waiting=waiting, failures=book.failures + 1, resting=now + rest)


def _bounded(notices: tuple[Notice, ...], lost: int, rules: Rules) -> Batch:
    """The newest are kept, and critical ones before others."""
    over = len(notices) - rules.held
    if over <= 0:
        return Batch(notices, lost)
    order = sorted(range(len(notices)), key=lambda at: (notices[at].event.severity.rank, at))
    dropped = set(order[:over])
    return Batch(tuple(each for at, each in enumerate(notices) if at not in dropped), lost + over)
