"""What becomes of an interrupt when the cluster is gone as well; the rest is in on_kafka/test_admin.py."""

from __future__ import annotations

import pytest

from marathon_ray.kafka import admin
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
