"""What settings allow: each permission has its cause, and what is promised is never allowed."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.spec import Producers
from marathon_ray.balance import LOSSES
from marathon_ray.finding import FindingKind as Kind
from marathon_ray.kafka.topics import Topic
from marathon_ray.promises.allowed import allowed
from tests.marathon_ray.promises.rounds import a_shade

SAFE = Producers(to=("orders",))
KILLED = (a_shade(10),)
ELECTED = {Kind.LOST, Kind.GONE, Kind.VANISHED, Kind.PASSES_DIFFER, Kind.REWOUND, Kind.TRUNCATED_SETTLED}


def topic(**settings: Any) -> Topic:
    return Topic(**{"partitions": 3, "retention": "1 h", **settings})


def writer(**settings: Any) -> Producers:
    return Producers(to=("orders",), idempotent=False, **settings)


writers = st.builds(
    lambda how, properties: Producers(to=("orders",), acks=how[0], idempotent=how[1], properties=properties),
    st.sampled_from([("all", True), ("all", False), ("1", False), ("0", False)]),
    st.sampled_from([{}, {"retries": "0"}, {"max.in.flight": "1"}]),
)
topics = st.builds(
    lambda replicas, cleanup, unclean, config: topic(
        replication=replicas[0], min_insync=replicas[1], cleanup=cleanup, unclean=unclean, config=config,
        retention="1 h" if "delete" in cleanup else None,
    ),
    st.sampled_from([(1, 1), (2, 1), (2, 2), (3, 2), (3, 3)]),
    st.sampled_from(["delete", "compact", "compact,delete"]),
    st.booleans(),
    st.sampled_from([{}, {"retention.bytes": "1000000"}]),
)  # fmt: skip


@pytest.mark.parametrize("shades", [None, (), KILLED])
def test_safe_settings_allow_nothing(shades: Any) -> None:
    assert allowed(topic(), [SAFE], shades) == {}


def test_a_topic_that_only_transactors_write_is_as_safe() -> None:
    assert allowed(topic(), [], KILLED) == {}


def test_with_one_ack_what_only_the_leader_had_may_be_lost_but_not_what_was_read() -> None:
    assert allowed(topic(), [writer(acks="1", properties={"retries": "0", "max.in.flight": "1"})]).keys() == {Kind.LOST}


def test_without_acks_a_sent_record_may_be_lost() -> None:
    assert "acks=0" in allowed(topic(), [writer(acks="0")])[Kind.LOST]


def test_what_is_not_idempotent_may_double_and_overtake() -> None:
    assert allowed(topic(), [writer()]).keys() == {Kind.DUPLICATED, Kind.DISORDERED}


def test_who_never_sends_again_doubles_nothing_and_who_sends_one_by_one_overtakes_nothing() -> None:
    assert Kind.DUPLICATED not in allowed(topic(), [writer(properties={"message.send.max.retries": 0})])
    assert Kind.DISORDERED not in allowed(topic(), [writer(properties={"max.in.flight": 1})])


def test_an_unclean_election_excuses_only_where_a_fault_was_on_or_may_come() -> None:
    assert allowed(topic(unclean=True), [SAFE], KILLED).keys() == ELECTED
    assert allowed(topic(unclean=True), [SAFE]).keys() == ELECTED
    assert allowed(topic(unclean=True), [SAFE], ()) == {}


def test_an_unclean_election_loses_nothing_acknowledged_by_all_replicas() -> None:
    everywhere = topic(unclean=True, replication=3, min_insync=3)
    assert not allowed(everywhere, [SAFE], KILLED).keys() & {*LOSSES, Kind.TRUNCATED_SETTLED}
    assert allowed(everywhere, [writer(acks="1")], KILLED).keys() >= ELECTED
    assert allowed(topic(unclean=True, replication=1, min_insync=1), [SAFE], KILLED) == {}


def test_records_may_go_early_where_bytes_bound_the_log() -> None:
    assert allowed(topic(config={"retention.bytes": "1000"}), [SAFE]).keys() == {Kind.EXPIRED_EARLY}
    assert allowed(topic(config={"retention.bytes": "-1"}), [SAFE]) == {}
    assert allowed(topic(retention="unlimited"), [SAFE]) == {}


def test_compaction_excuses_what_the_passes_and_groups_no_longer_see_but_no_loss() -> None:
    compact = topic(cleanup="compact", retention=None)
    assert allowed(compact, [SAFE], KILLED).keys() == {Kind.PASSES_DIFFER, Kind.SKIPPED}


def test_two_causes_of_one_finding_are_both_told() -> None:
    reason = allowed(topic(unclean=True), [writer(acks="1")], KILLED)[Kind.LOST]
    assert "acks=1" in reason
    assert "unclean" in reason


@given(topics, st.lists(writers, max_size=3), st.sampled_from([None, (), KILLED]))
def test_what_the_settings_promise_is_never_allowed(a_topic: Topic, some: list[Producers], shades: Any) -> None:
    kinds = allowed(a_topic, some, shades).keys()
    calm = not a_topic.unclean or shades == ()
    all_acks = not some or any(one.acks == "all" for one in some)
    if all_acks and (calm or a_topic.min_insync == a_topic.replication):
        assert not kinds & {Kind.LOST, Kind.GONE, Kind.TRUNCATED_SETTLED}
    if calm:
        assert not kinds & {Kind.GONE, Kind.VANISHED, Kind.TRUNCATED_SETTLED, Kind.REWOUND}
    if not some or any(one.idempotent for one in some):
        assert not kinds & {Kind.DUPLICATED, Kind.DISORDERED}
    if not a_topic.config:
        assert Kind.EXPIRED_EARLY not in kinds
    if a_topic.cleanup == "delete":
        assert Kind.SKIPPED not in kinds
    always = {Kind.CORRUPT, Kind.SHORT, Kind.MISPLACED, Kind.PHANTOM, Kind.REFUSED_FOUND, Kind.RECREATED}
    always |= {Kind.FENCED_WRITE, Kind.ABORTED_DELIVERED, Kind.TORN, Kind.STUCK, Kind.COMMITTED_BEYOND, Kind.POISON}
    assert not kinds & (always | {Kind.NOT_COPIED, Kind.COPIED_TWICE})


@given(topics, st.lists(writers, min_size=1, max_size=3), writers)
def test_one_more_writer_never_allows_more(a_topic: Topic, some: list[Producers], one: Producers) -> None:
    assert allowed(a_topic, [*some, one], KILLED).keys() <= allowed(a_topic, some, KILLED).keys()
