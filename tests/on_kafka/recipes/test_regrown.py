"""On a real Kafka: a log that lost all, and has grown beyond where its readers stood before they look again."""

import shutil
from collections.abc import Iterator

import pytest

from actors.auditor import Auditor
from actors.epochs import EpochEnds
from actors.producer import Producer
from actors.spec import Producers
from actors.tally import Kind
from marathon_ray.finding import FindingKind
from marathon_ray.kafka.local import LocalKafka
from tests.rig import Rig, create

pytestmark = pytest.mark.on_kafka
_ONE = {"num_partitions": 1, "replica_assignment": [[2]]}


@pytest.fixture
def rig(breakable: LocalKafka, topic: str) -> Iterator[Rig]:
    """A topic whose only replica is on node 2."""
    create(breakable.client_properties(), topic, **_ONE)
    breakable.wait_in_sync(topic)
    rig = Rig(breakable.client_properties(), {topic: 1})
    yield rig
    rig.abandon()


def write(rig: Rig, name: str, topic: str, count: int) -> None:
    """So many more records are acknowledged."""
    goal = rig.counts["acknowledged"] + count
    writer = rig.start(Producer(name, rig.target), Producers(to=(topic,), rate="5000 records/s", size="100 B"))
    rig.until(lambda: rig.counts["acknowledged"] >= goal)
    rig.retire(writer)


def lose_all(kafka: LocalKafka, topic: str) -> None:
    """Node 2 comes back without the partition's files."""
    kafka.kill(2)
    for segment in kafka.segments(topic, 0, node=2):
        shutil.rmtree(segment.parent, ignore_errors=True)
    kafka.start(2)
    kafka.wait_up()
    kafka.wait_in_sync(topic)


def read_all(rig: Rig, topic: str, auditor: Auditor) -> None:
    """Both passes stand at the end."""
    ends = rig.ends()
    rig.until(lambda: all(rig.drained(ends, reading) for reading in ("first", "second")))


def test_an_auditor_that_was_away_meanwhile_is_told_by_the_epoch_in_which_it_had_read(
    rig: Rig, breakable: LocalKafka, topic: str
) -> None:
    auditor = rig.audit(topic, trailing=0.0)
    write(rig, "before", topic, 1_000)
    read_all(rig, topic, auditor)
    (lost,) = rig.ends().values()
    rig.lose(auditor)
    lose_all(breakable, topic)
    write(rig, "after", topic, 3_000)
    balance = rig.finish(rig.audit_again(topic, trailing=0.0))
    told = [row for part in rig.parts for row in part.incidents if row["kind"] == Kind.TRUNCATED]
    assert [(int(row["offset"]), int(row["count"])) for row in told] == [(0, lost)] * 2  # by each pass
    cut = [finding for finding in rig.courts[0].findings if finding.kind is FindingKind.TRUNCATED_SETTLED]
    assert sum(finding.count for finding in cut) + balance.total("lost") == lost


def test_leaders_say_where_an_epoch_ends(rig: Rig, breakable: LocalKafka, topic: str) -> None:
    write(rig, "before", topic, 1_000)
    (first,) = rig.ends().values()
    breakable.kill(2)
    breakable.start(2)
    breakable.wait_up()
    breakable.wait_in_sync(topic)
    write(rig, "after", topic, 1_000)
    (second,) = rig.ends().values()
    rig.finish(rig.audit(topic))
    newest = max(int(row["epoch"]) for part in rig.parts for row in part.found)
    assert _end(rig, topic, 0) == first
    assert _end(rig, topic, newest) == second
    assert second > first


def _end(rig: Rig, topic: str, epoch: int) -> int | None:
    ends = EpochEnds(rig.target, {})
    told: dict[tuple[str, int], int] = {}

    def answered() -> bool:
        told.update(ends.ask({(topic, 0): epoch}))
        return bool(told)

    rig.until(answered, what="an answer")
    ends.close()
    return told[topic, 0]
