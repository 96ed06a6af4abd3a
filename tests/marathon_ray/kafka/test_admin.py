"""What becomes of an interrupt when the cluster is gone as well, and of a coordinator that has moved; the rest is in on_kafka/test_admin.py."""

from __future__ import annotations

from concurrent.futures import Future
from typing import ClassVar

import pytest
from confluent_kafka import KafkaError as Refusal
from confluent_kafka import KafkaException

from marathon_ray.kafka import admin
from marathon_ray.kafka import connection as connections
from marathon_ray.kafka.cluster import KafkaError
from marathon_ray.kafka.connection import Connection


def nobody() -> Connection:
    """A connection to an address where nobody listens."""
    return Connection({"bootstrap.servers": "127.0.0.1:1"}, within=60)


def test_an_interrupt_stays_one_and_notes_what_may_be_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admin, "_UNDO_WITHIN", 0.2)
    with (
        pytest.raises(KeyboardInterrupt) as caught,
        nobody() as connection,
        admin._undone_on_failure(connection, {"orders"}),
    ):
        raise KeyboardInterrupt
    (note,) = caught.value.__notes__
    assert note.startswith("topic orders may be left behind: Kafka at 127.0.0.1:1 did not answer within 0.2 s: ")


def test_an_interrupt_before_anything_was_made_needs_no_cluster() -> None:
    with (
        pytest.raises(KeyboardInterrupt) as caught,
        nobody() as connection,
        admin._undone_on_failure(connection, set()),
    ):
        raise KeyboardInterrupt
    assert not hasattr(caught.value, "__notes__")


class OfOneMind:
    """A client as librdkafka's is: asked to delete groups, it goes to the coordinator that it has found first. The first
    `wrong` clients have found one that is none any more; each group has a member at its first asking."""

    made: ClassVar[list[OfOneMind]] = []
    wrong = 0

    def __init__(self, _configuration: object) -> None:
        self.asked: list[list[str]] = []
        self.made.append(self)

    def delete_consumer_groups(self, names: list[str], **_limits: float) -> dict[str, Future[None]]:
        self.asked.append(list(names))
        code = Refusal.NOT_COORDINATOR if len(self.made) <= self.wrong else Refusal.NON_EMPTY_GROUP
        if code == Refusal.NON_EMPTY_GROUP and len(self.asked) > 1:
            code = Refusal.GROUP_ID_NOT_FOUND
        futures: dict[str, Future[None]] = {name: Future() for name in names}
        for future in futures.values():
            future.set_exception(KafkaException(Refusal(code)))
        return futures

    def poll(self, _seconds: float) -> None:
        return None


def test_a_group_whose_coordinator_has_moved_is_deleted_by_a_client_that_does_not_know_the_old_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connections, "AdminClient", OfOneMind)
    monkeypatch.setattr(OfOneMind, "made", [])
    monkeypatch.setattr(OfOneMind, "wrong", 2)
    admin.delete_groups({"bootstrap.servers": "b"}, ["live", "cold"], within=5)
    assert [client.asked for client in OfOneMind.made] == [
        [["live", "cold"]],
        [["live", "cold"]],
        [["live", "cold"]] * 2,
    ]


def test_a_coordinator_that_moves_for_longer_than_there_is_time_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "AdminClient", OfOneMind)
    monkeypatch.setattr(OfOneMind, "made", [])
    monkeypatch.setattr(OfOneMind, "wrong", 1_000)
    with pytest.raises(KafkaError, match=r"^cannot delete group live: [^\n]+$"):
        admin.delete_groups({"bootstrap.servers": "b"}, ["live"], within=0.3)
