"""Where an epoch ends, by a leader's own word."""

from itertools import count

from confluent_kafka import Producer

from actors.epochs import EpochEnds
from tests.mock_kafka import PARTITIONS, MockKafka
from tests.rig import Rig

_topics = count()


def test_an_epoch_that_goes_on_is_asked_for_anew_each_time(mock_kafka: MockKafka) -> None:
    place = mock_kafka.topic(f"epochs-{next(_topics)}"), 0
    rig = Rig(mock_kafka.properties, {place[0]: PARTITIONS})
    ends = EpochEnds(rig.target, {})

    def told() -> int:
        heard: dict[tuple[str, int], int] = {}
        rig.until(lambda: heard.update(ends.ask({place: 0})) or bool(heard), what="an answer")
        return heard[place]

    writer = Producer({**mock_kafka.properties, "linger.ms": 0})
    for records in (3, 7):
        while rig.ends()[place] < records:
            writer.produce(*place[:1], b"", partition=place[1])
            writer.flush(10)
        assert told() == records
    ends.close()
