"""A producer at work on the mock cluster, and what it has told: for tests of the producing worker."""

from collections import Counter
from typing import Any

from actors.producer import Producer
from actors.spec import Producers
from actors.tally import Part
from tests.mock_kafka import PARTITIONS, MockKafka
from tests.readback import Record, records
from tests.rig import Rig
from tests.scripted_kafka import ScriptedKafka


class Load:
    """A producer at work on topics of the mock."""

    def __init__(self, mock: MockKafka | ScriptedKafka, *topics: str, **asked: Any) -> None:
        self.mock, self.topics = mock, topics
        self.rig = Rig(mock.properties, dict.fromkeys(topics, PARTITIONS))
        self.producer = Producer("p", self.rig.target)
        self.revision = 1
        self.asked: dict[str, Any] = {"to": topics, "size": "100 B", "rate": "20000 records/s", **asked}
        self.rig.start(self.producer, Producers(**self.asked))

    def change(self, revision: int | None = None, **asked: Any) -> None:
        """Another course, on all partitions."""
        self.revision = revision or self.revision + 1
        self.asked |= asked
        self.producer.apply(self.revision, Producers(**self.asked).slice(0, 1, self.rig.partitions))

    def until(self, acknowledged: int) -> "Load":
        """So many records in all are acknowledged."""
        self.rig.until(lambda: self.rig.counts["acknowledged"] >= acknowledged, every=0.02)
        return self

    def retire(self) -> "Load":
        """It has stopped, and told all."""
        self.rig.retire(self.producer)
        return self

    def read(self) -> list[Record]:
        """What stands in the logs."""
        return records(self.mock.properties, [(topic, n) for topic in self.topics for n in range(PARTITIONS)])

    @property
    def parts(self) -> list[Part]:
        return self.rig.parts

    @property
    def counts(self) -> Counter[str]:
        return self.rig.counts

    def attempted(self) -> int:
        """Records handed out, over all streams."""
        newest: dict[Any, int] = {}
        for part in self.parts:
            for row in part.attempts:
                newest[row["client"], row["topic"], row["partition"]] = int(row["attempted"])
        return sum(newest.values())

    def clients(self) -> list[tuple[int, int]]:
        """(client, life), in order."""
        return [row for part in self.parts for row in part.clients.tolist()]

    def reported(self) -> int:
        return sum(self.counts[outcome] for outcome in ("acknowledged", "refused", "unknown"))
