"""A transaction that nobody ends, on real Kafka: what lies behind it cannot be read, and is neither lost nor forgotten."""

from typing import Final

import pytest

from actors.sabotage import Honest
from actors.spec import Transactors
from actors.tally import Fate
from actors.transactor import LostError, Transactor
from marathon_ray.finding import FindingKind
from marathon_ray.kafka import admin
from marathon_ray.kafka.local import LocalKafka
from tests.copying import Copying

pytestmark = pytest.mark.on_kafka

_LONG: Final = 600.0  # seconds that the abandoned transaction may stay open: longer than the test


class Abandon(Honest):
    """The third transaction is written, and neither committed nor aborted: its copier waits until it is retired."""

    copier: Transactor

    def commits(self, *, planned: bool) -> bool:
        self._seen += 1
        if self._seen < 3:
            return planned
        self.planted = 1
        self.copier._course.next()
        raise LostError("abandoned")


def abandoned(kafka: LocalKafka, topic: str) -> tuple[Copying, Transactors]:
    """A first copier has left a transaction open, and a second of its group has copied on behind it."""
    copying = Copying(kafka, topic)
    patient = copying.copiers.model_copy(update={"timeout": _LONG})
    saboteur = Abandon()
    first = Transactor("first", copying.rig.target, sabotage=saboteur)
    saboteur.copier = first
    copying.rig.start(first, patient)
    copying.rig.until(lambda: saboteur.planted == 1, what="a transaction left open")
    copying.rig.retire(first)
    assert copying.rig.counts["transactions unknown"] == 1
    second = Transactor("second", copying.rig.target)
    copying.rig.start(second, patient, of=2, index=1)  # with another transactional id, so that it does not end it
    copying.copy_on(5)
    return copying, patient


def test_a_transaction_that_stays_open_is_stuck_and_nothing_behind_it_is_lost(kafka: LocalKafka, topic: str) -> None:
    copying, _ = abandoned(kafka, topic)
    balance = copying.finish(stuck=True)
    ends = admin.log_ends(copying.properties, [copying.copy])
    open_ends = {place: found for place, found in ends.items() if found.stable < found.end}
    assert open_ends
    stuck = {(finding.partition, finding.last_offset + 1, finding.first_offset) for finding in copying.rig.findings}
    assert stuck == {(partition, *found) for (_, partition), found in open_ends.items()}
    assert {finding.kind for finding in copying.rig.findings} == {FindingKind.STUCK}
    assert copying.rig.found(FindingKind.STUCK) == sum(found.end - found.stable for found in open_ends.values())
    inputs, read = (sum(copying.identities(name).values()) for name in (copying.source, copying.copy))
    assert read < inputs
    assert not balance.faults()


def test_one_that_is_ended_by_who_takes_its_place_was_only_late(kafka: LocalKafka, topic: str) -> None:
    copying, patient = abandoned(kafka, topic)
    assert not copying.stable()
    third = Transactor("third", copying.rig.target)
    copying.rig.start(third, patient, of=2, index=0)
    balance = copying.finish()
    assert copying.rig.findings == []
    assert copying.identities(copying.copy) == copying.identities(copying.source)
    assert list(copying.fates().values()).count(Fate.UNKNOWN) == 1
    assert not balance.faults()
