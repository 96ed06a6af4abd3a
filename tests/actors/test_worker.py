"""Courses, outboxes and books: what others ask, and what others collect, at any moment and out of any order."""

import random
import threading
import time

import numpy as np
import pytest

from actors import librdkafka as rk
from actors.claiming import Claiming
from actors.pace import Clock
from actors.rows import REPORT
from actors.spec import Auditors
from actors.tally import Kind, Life, Outcome, Part, Tally, merge
from actors.worker import Books, Course, Outbox, cut_latencies


def spec(topic: str) -> Auditors:
    return Auditors(of=(topic,))


def test_a_course_gives_the_newest_spec_and_ignores_older_revisions() -> None:
    course: Course[Auditors] = Course()
    course.set(2, spec("new"))
    course.set(1, spec("old"))
    course.set(2, spec("repeated"))
    assert not course.holds
    given = course.next()
    assert given is not None
    assert given.of == ("new",)
    assert course.holds
    course.set(2, spec("late"))
    assert course.holds


def test_a_course_that_is_stopped_gives_nothing_more() -> None:
    course: Course[Auditors] = Course()
    course.set(1, spec("any"))
    course.stop()
    assert not course.holds
    assert course.next() is None


def test_a_worker_that_waits_for_its_course_is_woken_by_a_spec_and_by_a_stop() -> None:
    course: Course[Auditors] = Course()
    given: list[Auditors | None] = []

    def wait_twice() -> None:
        given.append(course.next())
        given.append(course.next())

    waiting = threading.Thread(target=wait_twice, daemon=True)
    waiting.start()
    course.set(1, spec("any"))
    deadline = time.monotonic() + 10
    while not given:
        assert time.monotonic() < deadline
        time.sleep(0.001)
    course.stop()
    waiting.join(10)
    assert [one and one.of for one in given] == [("any",), None]


def part(count: int) -> Part:
    return Part(version=0, at=0, counts={"n": count})


def test_an_outbox_numbers_its_parts_and_repeats_them_until_they_are_confirmed() -> None:
    outbox = Outbox("w")
    assert (outbox.tally().version, outbox.next_version) == (0, 1)
    assert [outbox.add(part(10)), outbox.add(part(20))] == [1, 2]
    assert [one.version for one in outbox.tally().parts] == [1, 2]
    outbox.confirm(1)
    assert [one.counts["n"] for one in outbox.tally().parts] == [20]
    assert (outbox.confirmed, outbox.next_version) == (1, 3)


def test_a_confirmation_that_comes_late_or_twice_changes_nothing() -> None:
    outbox = Outbox("w")
    for count in range(3):
        outbox.add(part(count))
    for version in (2, 2, 1, 0):
        outbox.confirm(version)
    assert (outbox.confirmed, [one.version for one in outbox.tally().parts]) == (2, [3])


def test_a_confirmation_of_a_version_that_was_never_sent_is_refused() -> None:
    outbox = Outbox("w")
    outbox.add(part(1))
    with pytest.raises(ValueError, match="w: tally 2 was confirmed, but 1 is the newest"):
        outbox.confirm(2)
    assert outbox.confirmed == 0


def test_tallies_that_are_lost_repeated_or_overtaken_add_up_to_all_parts_once() -> None:
    draw, outbox = random.Random(5), Outbox("w")
    heard, late = Tally("w"), [Tally("w")]
    for count in range(200):
        outbox.add(part(count))
        late.append(outbox.tally())
        for _ in range(draw.choice([0, 0, 1, 2])):  # lost, or some that were sent, in any order
            heard = merge(heard, draw.choice(late))
        if draw.random() < 0.3:
            seen = {one.version for one in heard.parts}
            outbox.confirm(next(n for n in range(len(seen) + 1) if n + 1 not in seen))
    heard = merge(heard, outbox.tally())
    assert [one.counts["n"] for one in heard.parts] == list(range(200))


def test_lives_fatal_errors_and_counts_travel_with_the_next_part_only() -> None:
    books = Books("w", Clock())
    books.life(7, Life.OPEN)
    books.fatal(7, -144)
    books.errors([rk.Event(-195, "", fatal=False)] * 2)
    books.counts["own"] += 3
    (first,) = books.collect(0, lambda at: [Part(0, at, counts={"cut": 1})]).parts
    assert first.clients.tolist() == [(7, Life.OPEN)]
    assert first.incidents[["kind", "client", "count"]].tolist() == [(Kind.FATAL, 7, 144)]
    assert first.counts == {"cut": 1, "error _TRANSPORT": 2, "own": 3}
    (second,) = books.collect(1, lambda at: [Part(0, at)]).parts
    assert (len(second.clients), len(second.incidents), second.counts) == (0, 0, {})


def test_of_several_parts_the_first_carries_what_the_books_add() -> None:
    books = Books("w", Clock())
    books.life(7, Life.OPEN)
    parts = books.collect(0, lambda at: [Part(0, at, reading="first"), Part(0, at, reading="second")]).parts
    assert [(one.version, one.reading, len(one.clients)) for one in parts] == [(1, "first", 1), (2, "second", 0)]


def test_histograms_are_cut_to_zero_and_empty_ones_left_out() -> None:
    one, none = np.array([0, 5, 0]), np.zeros(3, np.int64)
    assert list(cut_latencies(one=one, none=none)) == ["one"]
    assert one.sum() == 0


def _reports(first: int, count: int) -> np.ndarray:
    rows = np.zeros(count, REPORT)
    rows["sequence"], rows["offset"] = np.arange(first, first + count), np.arange(first, first + count)
    rows["outcome"] = Outcome.ACKNOWLEDGED
    return rows


def test_no_cut_shows_a_report_before_its_attempt_and_none_shows_it_twice() -> None:
    """One thread attempts and folds, another collects whenever it likes, and loses every third tally."""
    books, claiming, goal, draw = Books("w", Clock()), Claiming(), 200_000, random.Random(5)
    claiming.open(7, [(1, 0)])

    def work() -> None:
        for first in range(0, goal, 100):
            with books.edge:
                claiming.attempt(0, 100)
            with books.edge:
                claiming.fold(_reports(first, 100), 100, 0)

    def cut(at: int) -> list[Part]:
        attempts, claims = claiming.cut()
        return [Part(0, at, attempts=attempts, claims=claims, counts=claiming.cut_counts())]

    heard, worker = Tally("w"), threading.Thread(target=work)
    worker.start()
    while worker.is_alive():
        tally = books.collect(heard.version, cut)
        heard = merge(heard, tally) if draw.random() < 2 / 3 else heard
    worker.join()
    heard = merge(heard, books.collect(heard.version, cut))
    attempted = reported = 0
    for one in heard.parts:
        attempted = max([attempted, *one.attempts["attempted"].tolist()])
        for claim in one.claims:
            assert claim["first"] == reported  # each once, in order
            reported = int(claim["last"]) + 1
        assert attempted >= reported
    assert attempted == reported == sum(one.counts["acknowledged"] for one in heard.parts) == goal
