"""What a scenario declares, in the words of the accounts."""

import math
from collections.abc import Mapping

from actors.load import NoKeys
from actors.spec import Consumers, Producers, Transactors
from marathon_ray.kafka.kept import Kept
from marathon_ray.kafka.topics import Topic
from marathon_ray.names import Names
from marathon_ray.scenario import Scenario
from marathon_ray.terms import GroupTerms, TopicTerms

_SECOND = 10**9
_FOR_EVER = 2**63 - 1
_LATENESS = 300.0  # seconds for which librdkafka tries to have a record acknowledged
_SHARE = 0.1  # of a short retention


def ordinals_of(topics: Mapping[str, Topic]) -> dict[str, int]:
    """The number of each topic, by field, that records and tallies carry: from 1 on."""
    return {field: number for number, field in enumerate(topics, 1)}


def topic_terms(
    scenario: Scenario, field: str, topic_id: str, ordinals: Mapping[str, int], *, kept: Kept
) -> TopicTerms:
    """What the accounts must know of a topic; `kept` is what the cluster says of it."""
    topic = scenario.topics[field]
    compact = topic.cleanup == "compact"
    copied = [spec for spec in scenario.fleets.values() if isinstance(spec, Transactors) and field in spec.to]
    return TopicTerms(
        topic_id=topic_id,
        partitions=topic.partitions,
        cleanup="compact" if compact else "delete",
        keys=_keys(scenario, field) if compact else 0,
        retention=_retention(kept),
        transactional=bool(copied),
        copies_of=ordinals[copied[0].of[copied[0].to.index(field)]] if copied else None,
    )


def _retention(kept: Kept) -> int:
    """ns: a little less than what the cluster says, since brokers count from when a record was made, which is before it was
    acknowledged, and by clocks of their own. Without a limit no age is old enough to go, nor where nobody says what is."""
    if kept.age is None or math.isinf(kept.age):
        return _FOR_EVER
    return min(round((kept.age - min(_LATENESS, _SHARE * kept.age)) * _SECOND), _FOR_EVER)


def _keys(scenario: Scenario, field: str) -> int:
    for spec in scenario.fleets.values():
        if isinstance(spec, Producers) and field in spec.to and not isinstance(spec.keys, NoKeys):
            return spec.keys.count
    raise ValueError(f"topic {field} is compacted, and no fleet writes keys to it")


def group_terms(scenario: Scenario, names: Names) -> dict[str, GroupTerms]:
    """What the accounts must know of each group, by its name on the cluster."""
    terms = {}
    for spec in scenario.fleets.values():
        if isinstance(spec, Consumers):
            terms[names.of(spec.group)] = GroupTerms(isolation=spec.isolation, starts=spec.begin)
        elif isinstance(spec, Transactors):
            terms[names.of(spec.group)] = GroupTerms(isolation="read_committed")
    return terms
