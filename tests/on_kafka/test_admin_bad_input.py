"""Bad input against real clusters, one plain and one secured: a line or two, and no topic more or less than before."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # they are its public names, without an __all__
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialAlteration,
    UserScramCredentialUpsertion,
)
from pydantic import Field

from actors.spec import Consumers, Producers
from marathon_ray.clusters import Opened
from marathon_ray.conditions import caught_up, size
from marathon_ray.faults.broker import Kill, Pause
from marathon_ray.faults.roles import any_broker
from marathon_ray.kafka import admin
from marathon_ray.kafka.cluster import KafkaError
from marathon_ray.kafka.local import LocalKafka
from marathon_ray.kafka.topics import Topic
from marathon_ray.outcome import Outcome
from marathon_ray.running import run
from marathon_ray.scenario import Scenario
from marathon_ray.toolkit import Toolkit
from marathon_ray.usage import UsageError

pytestmark = pytest.mark.on_kafka

PASSWORD: Final = "correct horse battery staple"
STRANGER, VIEWER = "stranger", "viewer"  # one without any right, one that may look at everything
AUTHORIZER: Final = {
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "super.users": "User:ANONYMOUS;User:marathon",  # brokers talk on the plain listener, where nobody has a name
}
ONE: Final = Topic(partitions=2, replication=1, min_insync=1)
SEEN: Final = "seen"  # a topic of the secured cluster
_SECONDS: Final = 30.0


@pytest.fixture(scope="module")
def secured() -> Iterator[LocalKafka]:
    """Two nodes, one voter, with SCRAM over TLS, an authorizer, two users of few rights, and a topic."""
    with LocalKafka(nodes=2, voters=1, secure=True, properties=AUTHORIZER) as kafka:
        client = AdminClient({**kafka.client_properties()})
        scram = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
        users: list[UserScramCredentialAlteration] = [
            UserScramCredentialUpsertion(name, scram, PASSWORD.encode()) for name in (STRANGER, VIEWER)
        ]
        rights = [
            AclBinding(
                kind, name, ResourcePatternType.LITERAL, f"User:{VIEWER}", "*", operation, AclPermissionType.ALLOW
            )
            for kind, name in ((ResourceType.TOPIC, "*"), (ResourceType.BROKER, "kafka-cluster"))
            for operation in (AclOperation.DESCRIBE, AclOperation.DESCRIBE_CONFIGS)
        ]
        pending = [*client.alter_user_scram_credentials(users).values(), *client.create_acls(rights).values()]
        for future in pending:
            future.result(_SECONDS)
        admin.create(kafka.client_properties(), {SEEN: ONE})
        yield kafka


class Case(NamedTuple):
    """What is done with which properties, and the line in which it must end."""

    given: Callable[[LocalKafka], Mapping[str, str]]
    wanted: Mapping[str, Topic]
    line: str  # {at}: the addresses


def plain(kafka: LocalKafka) -> Mapping[str, str]:
    return kafka.client_properties()


def secure(**changed: str | None) -> Callable[[LocalKafka], Mapping[str, str]]:
    """The properties of the secure listener with these changes (None: taken out)."""

    def given(kafka: LocalKafka) -> Mapping[str, str]:
        properties = {**kafka.client_properties(secure=True)}
        for key, value in changed.items():
            properties.pop(key.replace("_", "."))
            if value is not None:
                properties[key.replace("_", ".")] = value
        return properties

    return given


def of(user: str) -> Callable[[LocalKafka], Mapping[str, str]]:
    return secure(sasl_username=user, sasl_password=PASSWORD)


CASES: Final = {
    "a wrong password": Case(
        secure(sasl_password=PASSWORD[:-1]),
        {"t": ONE},
        "Kafka at {at} lets nobody in like that: SASL authentication error: Authentication failed during authentication "
        "due to invalid credentials with SASL mechanism SCRAM-SHA-512",
    ),
    "another mechanism": Case(
        secure(sasl_mechanism="PLAIN"),
        {"t": ONE},
        "Kafka at {at} lets nobody in like that: SASL PLAIN mechanism handshake failed: Broker: Unsupported SASL "
        "mechanism: broker's supported mechanisms: SCRAM-SHA-512",
    ),
    "a login without a mechanism": Case(
        secure(sasl_mechanism=None),
        {"t": ONE},
        "security.protocol SASL_SSL needs sasl.mechanism: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER, GSSAPI",
    ),
    "a certificate that nobody vouches for": Case(
        secure(ssl_ca_location=None),
        {"t": ONE},
        "Kafka at {at} lets nobody in like that: SSL handshake failed: error:0A000086:SSL routines::certificate verify "
        "failed: broker certificate could not be verified, verify that ssl.ca.location is correctly configured or root CA "
        "certificates are installed (install ca-certificates package)",
    ),
    "TLS to a plaintext port": Case(
        lambda kafka: {**plain(kafka), "security.protocol": "SSL"},
        {"t": ONE},
        "Kafka at {at} lets nobody in like that: SSL handshake failed: Disconnected: SSL connection closed by peer: "
        "connecting to a PLAINTEXT broker listener?",
    ),
    "plaintext to a TLS port": Case(
        lambda kafka: {"bootstrap.servers": kafka.client_properties(secure=True)["bootstrap.servers"]},
        {"t": ONE},
        "Kafka at {at} did not answer within 6 s: connections are closed at once: does the listener want TLS "
        "(security.protocol)?",
    ),
    "a user who may not look": Case(
        of(STRANGER), {"t": ONE}, "user stranger has no right to describe topic t: Topic authorization failed"
    ),
    "a user who may look but not create": Case(
        of(VIEWER), {SEEN: ONE, "t": ONE}, "user viewer has no right to create topic t: Authorization failed."
    ),
    "too few brokers": Case(plain, {"t": Topic(partitions=1)}, "topic t: replication 3, the cluster has 2 brokers"),
    "a topic that is there with other settings": Case(
        secure(),
        {SEEN: ONE.model_copy(update={"unclean": True, "partitions": 3}), "t": ONE},
        "topic seen is there with partitions 2, wanted 3; topic seen is there with unclean.leader.election.enable false, "
        "wanted true",
    ),
    "a setting that Kafka does not know": Case(
        plain,
        {"t": ONE, "u": ONE.model_copy(update={"config": {"retention": "1 h"}})},
        "cannot create topic u: Unknown topic config name: retention",
    ),
    "a value that Kafka does not take": Case(
        plain,
        {"t": ONE, "u": ONE.model_copy(update={"config": {"segment.bytes": "3"}})},
        "cannot create topic u: Invalid value 3 for configuration segment.bytes: Value must be at least 1048576",
    ),
    "a name that differs from another in a dot": Case(
        plain, {"t.u": ONE, "t_u": ONE}, "topic t_u: Kafka takes it for the same as t.u ('.' and '_' are one)"
    ),
    "a name that no topic can have": Case(
        plain,
        {"t": ONE, "t u": ONE},
        "topic 't u': a name has ASCII letters, digits, '.', '_' and '-', and at least one of them",
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_bad_input_costs_a_line_and_creates_nothing(secured: LocalKafka, case: Case) -> None:
    before = admin.look(secured.client_properties())
    properties = case.given(secured)
    with pytest.raises(KafkaError) as caught:
        admin.create(properties, case.wanted, within=6)
    assert str(caught.value) == case.line.format(at=properties["bootstrap.servers"])
    assert PASSWORD not in str(caught.value)
    assert admin.look(secured.client_properties()) == before


@pytest.mark.parametrize(
    ("user", "line"),
    [
        (STRANGER, "user stranger has no right to delete topic seen: Topic authorization failed"),
        (VIEWER, "user viewer has no right to delete topic seen: Topic authorization failed"),
    ],
)
def test_who_may_not_delete_is_told_so_and_deletes_nothing(secured: LocalKafka, user: str, line: str) -> None:
    before = admin.look(secured.client_properties())
    with pytest.raises(KafkaError) as caught:
        admin.delete(of(user)(secured), [SEEN], within=10)
    assert str(caught.value) == line
    assert admin.look(secured.client_properties()) == before


def test_who_may_look_sees_what_is_there_through_tls(secured: LocalKafka) -> None:
    found = admin.look(of(VIEWER)(secured))
    assert found.topics == admin.look(secured.client_properties()).topics
    assert SEEN in found.topics
    assert admin.log_starts(of(VIEWER)(secured), [SEEN]) == {(SEEN, 0): 0, (SEEN, 1): 0}
    assert admin.look(of(STRANGER)(secured)).topics == {}


def test_topics_are_created_and_deleted_through_tls(secured: LocalKafka) -> None:
    properties = secured.client_properties(secure=True)
    wanted = {"t": Topic(partitions=4, replication=2)}
    assert admin.create(properties, wanted) == admin.topic_ids(properties, ["t"])
    admin.delete(properties, wanted)
    assert "t" not in admin.look(properties).topics


# --- Whole runs -------------------------------------------------------------------------------------------------------


class Idle(Scenario):
    """It holds."""

    orders: Topic = Topic(partitions=1, replication=1, min_insync=1)
    writers: Producers = Producers(to="orders", rate="100/s")
    readers: Consumers = Consumers(of="orders", group="live")

    async def workload(self, kit: Toolkit) -> None:
        """Nothing is done."""


class Confused(Idle):
    """Its workload asks for what there is not, again and again, and at last nobody catches it."""

    suffers = (Kill,)
    heard: list[str] = Field(default=[], exclude=True)

    async def workload(self, kit: Toolkit) -> None:
        await self.hear(kit.start("reader"))
        await self.hear(kit.scale("writer", 2))
        await self.hear(kit.until(caught_up("writers"), within="5 s"))
        await self.hear(kit.until(size("oders", "1 B"), within="5 s"))
        await self.hear(kit.fault(Pause(any_broker())).__aenter__())
        await kit.stop("writer")

    async def hear(self, asked: Coroutine[Any, Any, object]) -> None:
        """Keep what is said against that."""
        with pytest.raises(UsageError) as caught:
            await asked
        self.heard.append(str(caught.value))


REFUSED: Final = {
    "more replicas than brokers": (
        Idle(orders=Topic(partitions=1, replication=3)),
        "topic orders: replication 3, the cluster has 2 brokers",
    ),
    "a setting that Kafka does not know": (
        Idle(orders=ONE.model_copy(update={"config": {"retention": "1 h"}})),
        "cannot create topic orders: Unknown topic config name: retention",
    ),
}


@pytest.mark.parametrize(("scenario", "line"), REFUSED.values(), ids=REFUSED)
def test_a_run_whose_topics_cannot_be_had_is_refused_and_leaves_nothing(
    secured: LocalKafka, tmp_path: Path, scenario: Idle, line: str
) -> None:
    before = admin.look(secured.client_properties())
    with pytest.raises(KafkaError) as caught:
        asyncio.run(run(scenario, cluster=secured.bootstrap(), places="here", results=tmp_path / "results"))
    assert str(caught.value) == line
    assert admin.look(secured.client_properties()) == before
    assert list(tmp_path.iterdir()) == []


def test_a_workload_that_asks_for_what_there_is_not_is_told_the_nearest_and_proves_nothing(
    secured: LocalKafka, tmp_path: Path
) -> None:
    scenario = Confused()
    cluster = Opened(secured.name, ours=False, cluster=secured, begin=lambda: None, end=lambda: None)
    report = asyncio.run(run(scenario, cluster=cluster, places="here", results=tmp_path))
    assert scenario.heard == [
        "fleet reader is not declared; did you mean readers?",
        "fleet writer is not declared; did you mean writers?",
        "fleet writers: these are Producers, which have no group that could lag",
        "topic oders is not declared; did you mean orders?",
        "fault pause any broker: the scenario suffers Kill: name Pause in suffers",
    ]
    assert report.outcome is Outcome.INVALID
    where = report.cause.partition("did you mean writers? (test_admin_bad_input.py:")
    assert where[0] == "fleet writer is not declared; "
    assert not [name for name in admin.look(secured.client_properties()).topics if name.startswith("m-")]
