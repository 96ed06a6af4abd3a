"""Commits on the mock cluster: each is answered once, by its place, in the name of the stint that asked."""

import time
from collections.abc import Iterator

import pytest

from actors import librdkafka as rk
from actors.commits import Answer, Commits
from actors.librdkafka import Place
from tests.readback import committed
from tests.scripted_kafka import OFFSET_COMMIT, ScriptedKafka

_UNWANTED = 28  # INVALID_COMMIT_OFFSET_SIZE


@pytest.fixture
def scripted() -> Iterator[ScriptedKafka]:
    with ScriptedKafka() as kafka:
        yield kafka


@pytest.fixture
def commits(scripted: ScriptedKafka) -> Iterator[Commits]:
    handle = rk.open_client(rk.CONSUMER, {**scripted.properties, "group.id": "g", "log_level": "0"})
    asked = Commits(handle)
    yield asked
    asked.close()
    rk.close_client(handle)


def answers(commits: Commits, number: int) -> list[Answer]:
    """That many answers."""
    got, deadline = commits.answers(), time.monotonic() + 20
    while len(got) < number:
        assert time.monotonic() < deadline, got
        got += commits.answers()
    return got


def test_each_ask_is_answered_once_with_what_was_asked(scripted: ScriptedKafka, commits: Commits) -> None:
    topic = scripted.topic("t")
    asked = [{Place(topic, 0, 5): 1, Place(topic, 2, 7): 2}, {Place(topic, 0, 5): 3}]
    for one in asked:
        commits.ask(one)
    assert sorted(answers(commits, 2), key=lambda answer: len(answer.asked)) == [Answer(one, 0) for one in asked[::-1]]
    assert commits.answers() == []
    assert committed(scripted.properties, "g", topic, 4) == [5, -1, 7, -1]


def test_a_refusal_is_an_answer_too(scripted: ScriptedKafka, commits: Commits) -> None:
    place = Place(scripted.topic("t"), 0, 5)
    scripted.answer(OFFSET_COMMIT, _UNWANTED)
    commits.ask({place: 1})
    assert answers(commits, 1) == [Answer({place: 1}, _UNWANTED)]
    commits.ask({place: 1})
    assert answers(commits, 1) == [Answer({place: 1}, 0)]


def test_one_offset_that_is_refused_makes_those_asked_with_it_count_as_refused(
    scripted: ScriptedKafka, commits: Commits
) -> None:
    topic = scripted.topic("t")
    asked = {Place(topic, 0, 5): 1, Place(topic, 9, 6): 2}  # it has no partition 9
    commits.ask(asked)
    assert answers(commits, 1) == [Answer(asked, rk.UNKNOWN_TOPIC)]


def test_a_client_may_be_closed_with_commits_on_their_way(scripted: ScriptedKafka, commits: Commits) -> None:
    topic = scripted.topic("t")
    for offset in range(100):
        commits.ask({Place(topic, 0, offset): 1})
