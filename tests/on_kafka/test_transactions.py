"""Exactly-once copying on real Kafka: by plan, through a replacement, and through the death of a broker."""

import time
from collections.abc import Callable

import pytest

from actors.drawing import draw
from actors.reader import Reader
from actors.tally import Fate, Life
from marathon_ray.balance import Balance
from marathon_ray.kafka.local import LocalKafka
from tests.board import red
from tests.copying import Copying

pytestmark = pytest.mark.on_kafka


def assert_copied_exactly_once(copying: Copying, balance: Balance) -> None:
    """A plain reader and the accounts say so."""
    inputs, copies = (copying.identities(topic) for topic in (copying.source, copying.copy))
    assert inputs
    assert copies == inputs
    assert copying.misplaced_claims() == []
    assert red(copying.rig) == {}  # not one NOT_COPIED, COPIED_TWICE or POISON among them
    assert not balance.faults()


def test_transactions_commit_and_abort_by_plan_and_every_input_is_copied_once(kafka: LocalKafka, topic: str) -> None:
    copying = Copying(kafka, topic, aborts=0.3)
    copying.copier("copier")
    copying.copy_on(20)
    balance = copying.finish()
    fates = copying.fates()
    assert set(fates.values()) == {Fate.COMMITTED, Fate.ABORTED}
    for (writer, transaction), fate in fates.items():
        planned = int(draw(writer, transaction)) / 2**64 >= 0.3
        assert fate == (Fate.COMMITTED if planned else Fate.ABORTED)
    assert_copied_exactly_once(copying, balance)


def test_a_copier_that_is_replaced_leaves_nothing_uncopied_and_nothing_twice(kafka: LocalKafka, topic: str) -> None:
    copying = Copying(kafka, topic)
    first = copying.copier("first")
    copying.copy_on(5)
    copying.rig.retire(first)
    second = copying.copier("second")
    began = time.monotonic()
    copying.copy_on(1)
    assert time.monotonic() - began < 5  # the first has left its group: nobody waits for its session to end
    copying.copy_on(5)
    assert_copied_exactly_once(copying, copying.finish())
    assert second.name == "second"


def test_a_copier_is_fenced_by_another_with_its_index_and_comes_back(kafka: LocalKafka, topic: str) -> None:
    copying = Copying(kafka, topic)
    first = copying.copier("first")
    copying.copy_on(3)
    second = copying.copier("second")
    copying.rig.until(
        lambda: (
            copying.rig.counts["transactions unknown"]
            + sum(count for name, count in copying.rig.counts.items() if name.startswith("lost client"))
            > 0
        ),
        what="the first being fenced",
    )
    copying.rig.retire(first)
    copying.copy_on(5)
    assert_copied_exactly_once(copying, copying.finish())
    lives = [life for part in copying.rig.parts for _, life in part.clients.tolist()]
    assert lives.count(Life.OPEN) == lives.count(Life.CLOSED)
    assert second.name == "second"


def test_copying_outlives_the_death_of_a_broker(
    fresh_kafka: Callable[..., LocalKafka], topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    longest = [0.0]
    take = Reader.take

    def timed(self: Reader, seconds: float, most: int = 10_000) -> int:
        begin = time.monotonic()
        count = take(self, seconds, most)
        longest[0] = max(longest[0], time.monotonic() - begin)
        return count

    monkeypatch.setattr(Reader, "take", timed)
    kafka = fresh_kafka(nodes=3)
    copying = Copying(kafka, topic, aborts=0.1)
    copying.copier("copier")
    copying.copy_on(5)
    victim = kafka.leader(copying.copy)
    kafka.kill(victim)
    copying.copy_on(5, within=90)
    kafka.start(victim)
    kafka.wait_up()
    kafka.wait_in_sync(copying.copy)
    copying.copy_on(5)
    balance = copying.finish()
    assert longest[0] < 5  # a call that waits for records comes back, broker or no broker
    assert_copied_exactly_once(copying, balance)
