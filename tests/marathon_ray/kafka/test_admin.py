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
    says = Refusal.NOT_COORDINATOR  # what that one says, or nothing in time

    def __init__(self, _configuration: object) -> None:
        self.asked: list[list[str]] = []
        self.had: list[float] = []
        self.made.append(self)

    def delete_consumer_groups(self, names: list[str], *, request_timeout: float) -> dict[str, Future[None]]:
        self.asked.append(list(names))
        self.had.append(request_timeout)
        code = self.says if len(self.made) <= self.wrong else Refusal.NON_EMPTY_GROUP
        if code == Refusal.NON_EMPTY_GROUP and len(self.asked) > 1:
            code = Refusal.GROUP_ID_NOT_FOUND
        futures: dict[str, Future[None]] = {name: Future() for name in names}
        for future in futures.values():
            future.set_exception(KafkaException(Refusal(code)))
        return futures

    def poll(self, _seconds: float) -> None:
        return None


@pytest.fixture
def clients(monkeypatch: pytest.MonkeyPatch) -> list[OfOneMind]:
    monkeypatch.setattr(connections, "AdminClient", OfOneMind)
    monkeypatch.setattr(admin, "_MOVE", 0.05)
    made: list[OfOneMind] = []
    monkeypatch.setattr(OfOneMind, "made", made)
    return made


@pytest.mark.parametrize("says", [Refusal.NOT_COORDINATOR, Refusal.COORDINATOR_NOT_AVAILABLE, Refusal._TIMED_OUT])
def test_a_group_whose_coordinator_has_moved_is_deleted_by_a_client_that_does_not_know_the_old_one(
    says: int, clients: list[OfOneMind], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(OfOneMind, "wrong", 2)
    monkeypatch.setattr(OfOneMind, "says", says)
    admin.delete_groups({"bootstrap.servers": "b"}, ["live", "cold"], within=60)
    assert [client.asked for client in clients] == [[["live", "cold"]], [["live", "cold"]], [["live", "cold"]] * 2]
    assert {seconds for client in clients for seconds in client.had} == {admin._ANSWER}


def test_a_coordinator_that_is_new_has_time_to_load(clients: list[OfOneMind], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(OfOneMind, "wrong", 1)
    monkeypatch.setattr(OfOneMind, "says", Refusal.COORDINATOR_LOAD_IN_PROGRESS)
    with pytest.raises(KafkaError, match=r"^cannot delete group live: [^\n]+$"):
        admin.delete_groups({"bootstrap.servers": "b"}, ["live"], within=0.3)
    (client,) = clients
    assert len(client.asked) > 1


@pytest.mark.parametrize(
    ("says", "told"),
    [
        (Refusal.NOT_COORDINATOR, r"^cannot delete group live: [^\n]+$"),
        (Refusal._TIMED_OUT, r"^delete group live at b took more than 0.3 s$"),
    ],
)
def test_a_coordinator_that_moves_for_longer_than_there_is_time_is_told(
    says: int, told: str, clients: list[OfOneMind], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(OfOneMind, "wrong", 1_000)
    monkeypatch.setattr(OfOneMind, "says", says)
    with pytest.raises(KafkaError, match=told):
        admin.delete_groups({"bootstrap.servers": "b"}, ["live"], within=0.3)
