"""Whether what a fleet writes fits what it writes to: sizes of records, keys where a log is compacted, clients' words.

Nobody is asked.
"""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from actors.load import NoKeys
from actors.spec import Producers, WorkerSpec
from actors.units import size_text
from marathon_ray.kafka.connection import refused
from marathon_ray.kafka.topics import Topic

_BATCH: Final = 70  # bytes of a batch with one record that has no key, beside its value
_COMPRESSION: Final = ("compression.type", "compression.codec")


class _Limit(NamedTuple):
    """A setting that bounds what is written, and its default."""

    name: str
    default: int

    def of(self, settings: Mapping[str, str]) -> int:
        """Its value; the default where that is no number, which others complain of."""
        text = settings.get(self.name, "")
        return int(text) if text.isdecimal() else self.default


_RECORD: Final = _Limit("message.max.bytes", 1_000_000)  # of a client
_LOG: Final = _Limit("max.message.bytes", 1_048_588)  # of a topic, where the cluster has not another default


def unfit(fleets: Mapping[str, WorkerSpec], topics: Mapping[str, Topic]) -> Iterator[str]:
    """Why it does not, a sentence each."""
    for name, spec in fleets.items():
        if spec.properties and (mistake := refused(spec.properties)):
            yield f"{name}.properties: {mistake}"
        if isinstance(spec, Producers):
            yield from _too_large(name, spec, topics)
            yield from _keyless(name, spec, topics)
    for name, topic in topics.items():
        writers = [spec for spec in fleets.values() if isinstance(spec, Producers) and name in spec.to]
        if topic.cleanup == "compact" and not writers:
            yield f"{name}: cleanup compact needs keys, and no Producers write to it"


def _too_large(name: str, spec: Producers, topics: Mapping[str, Topic]) -> Iterator[str]:
    largest = int(spec.size.table()[-1])
    limit, values = _RECORD.of(spec.properties), f"{name}: values of up to {size_text(largest)}"
    if largest > limit:
        yield f"{values}, and {_RECORD.name} is {limit}: raise it in {name}.properties"
    if any(each in spec.properties for each in _COMPRESSION):
        return  # how large they are then is not known beforehand
    for topic in spec.to:
        if topic in topics and largest + _BATCH > (limit := _LOG.of(topics[topic].config)):
            yield f"{values}, and {_LOG.name} of {topic} is {limit}: raise it in {topic}.config"


def _keyless(name: str, spec: Producers, topics: Mapping[str, Topic]) -> Iterator[str]:
    for topic in spec.to:
        if topic in topics and "compact" in topics[topic].cleanup and isinstance(spec.keys, NoKeys):
            yield f"{name}: no keys, and cleanup {topics[topic].cleanup} of {topic} needs some: write uniform of 1000"
