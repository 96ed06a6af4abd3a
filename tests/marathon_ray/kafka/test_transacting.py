"""What a group has committed is asked again while its coordinator moves, and for no other reason."""

from collections.abc import Sequence

import pytest
from confluent_kafka import KafkaError as Refusal
from confluent_kafka import TopicPartition

from marathon_ray.kafka import transacting
from marathon_ray.kafka.cluster import KafkaError

SAID = [TopicPartition("t", 0, 7), TopicPartition("t", 1, -1001)]
PLACES = [("t", 0), ("t", 1)]


def answers(monkeypatch: pytest.MonkeyPatch, refusals: Sequence[int]) -> list[float]:
    """The cluster refuses with these codes, and then answers; returns how long (s) each look might take."""
    asked: list[float] = []
    left = list(refusals)

    def committed(properties: object, wanted: object, within: float) -> tuple[list[TopicPartition], Refusal | None]:
        asked.append(within)
        code = left.pop(0) if left else None
        return ([], Refusal(code)) if code is not None else (SAID, None)

    monkeypatch.setattr(transacting, "_committed", committed)
    return asked


@pytest.mark.parametrize(
    "code", [Refusal.NOT_COORDINATOR, Refusal.COORDINATOR_LOAD_IN_PROGRESS, Refusal.COORDINATOR_NOT_AVAILABLE]
)
def test_commits_are_asked_again_while_their_coordinator_moves(monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    asked = answers(monkeypatch, [code, code])
    assert transacting.commits({}, "g", PLACES) == {("t", 0): 7, ("t", 1): 0}
    assert len(asked) == 3
    assert asked[0] > asked[1] > asked[2]  # one time in all


def test_what_another_look_does_not_mend_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = answers(monkeypatch, [Refusal.GROUP_AUTHORIZATION_FAILED])
    with pytest.raises(KafkaError, match=r"^cannot read the commits of group g: [^\n]+$"):
        transacting.commits({}, "g", PLACES)
    assert len(asked) == 1


def test_a_coordinator_that_moves_for_longer_than_there_is_time_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = answers(monkeypatch, [Refusal.NOT_COORDINATOR] * 1000)
    with pytest.raises(KafkaError, match=r"^cannot read the commits of group g: [^\n]+$"):
        transacting.commits({}, "g", PLACES, within=0.2)
    assert 2 <= len(asked) <= 5
