"""Bad input, from the command line to the specs: a line or two that name the thing, the value and the limit; no traces.

What takes a real cluster to be found is in on_kafka/test_admin_bad_input.py.
"""

from __future__ import annotations

import shutil
import socket
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest
from pydantic import BaseModel, ValidationError

from actors.spec import Auditors, Consumers, Producers, Transactors
from benchmarks import boot
from marathon_ray import cli
from marathon_ray.complaint import complaint
from marathon_ray.kafka import admin, commands, distribution, jars
from marathon_ray.kafka.cluster import KafkaError
from marathon_ray.kafka.distribution import Distribution
from marathon_ray.kafka.local import LocalKafka
from marathon_ray.kafka.topics import Topic
from marathon_ray.kafka.waiting import wait_until

ONE: Final = Topic(partitions=1, replication=1, min_insync=1)
SECRET: Final = "hunter2"
LOGIN: Final = {
    "bootstrap.servers": "127.0.0.1:1",  # nobody listens there
    "security.protocol": "SASL_SSL",
    "sasl.mechanism": "PLAIN",
    "sasl.username": "u",
    "sasl.password": SECRET,
}


# --- A cluster that is not there, and properties that no client can have ----------------------------------------------

CLIENTS: Final = {
    "an unreachable cluster": (
        {"bootstrap.servers": "127.0.0.1:1"},
        "Kafka at 127.0.0.1:1 did not answer within 0.3 s: Connect to ipv4#127.0.0.1:1 failed: Connection refused",
    ),
    "no address": ({}, "bootstrap.servers is not set: it says where the cluster is, as host:port,…"),
    "a login without a mechanism": (
        {key: value for key, value in LOGIN.items() if key != "sasl.mechanism"},
        "security.protocol SASL_SSL needs sasl.mechanism: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER, GSSAPI",
    ),
    "a login without a password": (
        {**LOGIN, "sasl.password": ""},
        "sasl.mechanism PLAIN needs sasl.password, which is not set",
    ),
    "a login that would not take place": (
        {**LOGIN, "security.protocol": "PLAINTEXT"},
        "sasl.mechanism is set, but security.protocol PLAINTEXT does not log in: use SASL_SSL or SASL_PLAINTEXT",
    ),
    "encryption that would not take place": (
        {"bootstrap.servers": "127.0.0.1:1", "ssl.ca.location": "/ca.pem"},
        "ssl.ca.location is set, but security.protocol PLAINTEXT does not encrypt: use SSL or SASL_SSL",
    ),
    "a file that is not there": (
        {**LOGIN, "ssl.ca.location": "/nowhere/ca.pem"},
        "ssl.ca.location /nowhere/ca.pem: there is no such file",
    ),
    "a mechanism that librdkafka does not have": (
        {**LOGIN, "sasl.mechanism": "SCRAM-MD5"},
        "client properties: Unsupported SASL mechanism: SCRAM-MD5",
    ),
    "a property that librdkafka does not have": (
        {**LOGIN, "sasl.pasword": SECRET},
        'client properties: No such configuration property: "sasl.pasword"',
    ),
    "a value that librdkafka does not take": (
        {**LOGIN, "socket.timeout.ms": "1"},
        'client properties: Configuration property "socket.timeout.ms" value 1 is outside allowed range 10..300000',
    ),
    "a secret where a word belongs": (
        {**LOGIN, "security.protocol": "SASL_SSL", "debug": SECRET},
        'client properties: Invalid value "***" for configuration property "debug"',
    ),
}


@pytest.mark.parametrize(("properties", "line"), CLIENTS.values(), ids=CLIENTS)
@pytest.mark.parametrize("do", [admin.create, admin.check, admin.look, admin.delete, admin.topic_ids, admin.log_starts])
def test_every_question_to_a_cluster_fails_in_the_same_line(
    do: Callable[..., object], properties: Mapping[str, str], line: str
) -> None:
    with pytest.raises(KafkaError) as caught:
        do(properties, {"t": ONE}, within=0.3)
    assert str(caught.value) == line
    assert SECRET not in str(caught.value)


# --- A local cluster that cannot be had -------------------------------------------------------------------------------


class Obstacle(NamedTuple):
    """What stands in the way of `marathon kafka up …`, and what the command then says ({home}, {port}: where)."""

    raise_it: Callable[[pytest.MonkeyPatch, int], None]
    arguments: str
    line: str


def taken_port(patch: pytest.MonkeyPatch, port: int) -> None:
    """The software is at hand, and the port that the cluster is given is taken."""
    patch.setattr(commands, "LocalKafka", partial(LocalKafka, port=port))
    patch.setattr(distribution, "ready", lambda *_, **__: Distribution("4.3.1", Path("unused"), ""))


def full_disk(patch: pytest.MonkeyPatch, _port: int) -> None:
    usage = shutil.disk_usage("/")._replace(free=7 << 20)
    patch.setattr(shutil, "disk_usage", lambda _: usage)


def short_listing(patch: pytest.MonkeyPatch, _port: int) -> None:
    patch.setattr(jars, "served", lambda _: ["3.9.0", "4.2.1", "4.3.0", "4.3.1", "4.4.0-rc1"])


OBSTACLES: Final = {
    "a port that is taken": Obstacle(taken_port, "up --nodes 1", "port {port} of 127.0.0.1 is taken or not allowed: "),
    "a full disk": Obstacle(full_disk, "up --nodes 2", "{home}/kafka has 7 MiB free, the cluster needs 512 MiB"),
    "a version that is not served": Obstacle(
        short_listing, "up --version 4.9", "Kafka version 4.9 is not served; there are 4.2.1, 4.3.0, 4.3.1"
    ),
    "a version that is too old": Obstacle(
        short_listing, "up --version 3.9", "Kafka version 3.9 is too old: 4.0 or newer is needed"
    ),
}


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home for clusters of this test alone."""
    with boot.scratch_home() as path:
        monkeypatch.setenv("MARATHON_HOME", str(path))
        monkeypatch.setenv("MARATHON_CACHE", str(path / "cache"))
        yield path


@pytest.mark.parametrize("obstacle", OBSTACLES.values(), ids=OBSTACLES)
def test_a_local_cluster_that_cannot_be_had_costs_one_line_and_leaves_nothing(
    obstacle: Obstacle, home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        obstacle.raise_it(monkeypatch, port)
        code = cli.run(["kafka", *obstacle.arguments.split()])
    out, error = capsys.readouterr()
    assert (code, out) == (2, "")
    assert error.startswith(f"marathon: {obstacle.line.format(home=home, port=port)}")
    assert error.count("\n") == 1
    wait_until("the end of all that was begun", lambda: not boot.leftovers(home, [port]), within=5)
    assert [path for path in home.rglob("*") if path.is_file()] == []


# --- Specs ------------------------------------------------------------------------------------------------------------

SPECS: Final[dict[str, tuple[type[BaseModel], dict[str, Any], str]]] = {
    "a rate of 0": (Producers, {"rate": "0 MB/s"}, "loads: rate 0 B/s: it is above 0, or unlimited"),
    "a negative rate": (
        Producers,
        {"rate": "-5 MB/s"},
        "loads: rate '-5 MB/s': write 30k records/s, 30000/s, 200 MB/s, 50 MiB/s, 90 records/min, or unlimited",
    ),
    "a rate that readers cannot have": (
        Consumers,
        {"rate": "0/s"},
        "loads: rate 0 records/s: it is above 0, or unlimited",
    ),
    "a size below the head": (
        Producers,
        {"size": "47 B"},
        "loads.size.fixed.size '47 B': a value has 48 (its head) to 1000000000 bytes, not 47",
    ),
    "a share above 1": (
        Producers,
        {"compressible": "120 %"},
        "loads.compressible '120 %': share '120 %': write 0 % to 100 %, or 0 to 1",
    ),
    "no workers": (Producers, {"workers": 0}, "loads.workers 0: Input should be greater than or equal to 1"),
    "acks that cannot be idempotent": (
        Producers,
        {"acks": "1"},
        "loads: acks=1 cannot be idempotent: add idempotent=False, or use acks=all",
    ),
    "a property that has a field": (
        Consumers,
        {"properties": {"group.id": "g", "sasl.password": SECRET}},
        "loads.properties: property group.id is not for a fleet to set: use the field group",
    ),
    "a misspelt field": (
        Producers,
        {"rates": "1/s"},
        "loads.rates '1/s': Extra inputs are not permitted; did you mean rate?",
    ),
    "a negative age": (
        Auditors,
        {"trailing": "-1 s"},
        "loads.trailing '-1 s': duration '-1 s': write 250 ms, 5 min, 1 h 30 min (d, h, min, s, ms, us, ns) or seconds, at most 1e+12",
    ),
    "a topic that is copied to itself": (
        Transactors,
        {"to": "orders"},
        "loads: topic orders is copied to itself, without end",
    ),
}
NEEDED: Final[dict[type[BaseModel], dict[str, Any]]] = {
    Producers: {"to": "orders"},
    Consumers: {"of": "orders", "group": "live"},
    Auditors: {"of": "orders"},
    Transactors: {"of": "orders", "to": "bills", "group": "copy"},
}


@pytest.mark.parametrize(("model", "given", "line"), SPECS.values(), ids=SPECS)
def test_a_spec_that_cannot_be_costs_one_line(model: type[BaseModel], given: dict[str, Any], line: str) -> None:
    with pytest.raises(ValidationError) as caught:
        model(**{**NEEDED[model], **given})
    assert complaint(caught.value, of="loads") == line
    assert SECRET not in complaint(caught.value)
