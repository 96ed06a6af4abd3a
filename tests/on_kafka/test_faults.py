"""Eyes, roles and faults on real Kafka: who does what is asked, befallen, and healed. One cluster serves all in turn."""

import struct
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer

from marathon_ray.clusters import open_cluster
from marathon_ray.conditions import InSync
from marathon_ray.faults.broker import Kill, Pause, Restart, Stop
from marathon_ray.faults.fault import Fault, Role, missing
from marathon_ray.faults.roles import (
    active_controller,
    any_broker,
    follower_of,
    group_coordinator,
    leader_of,
    share_of_brokers,
    transaction_coordinator,
)
from marathon_ray.kafka import admin
from marathon_ray.kafka.cluster import KafkaError
from marathon_ray.kafka.existing import Existing
from marathon_ray.kafka.eyes import ClusterEyes
from marathon_ray.kafka.local import LocalKafka
from marathon_ray.kafka.topics import Topic
from marathon_ray.kafka.waiting import wait_until
from marathon_ray.kafka.wire import exchange, header, string

pytestmark = pytest.mark.on_kafka

NAMES = {"orders": "m-b-r-orders", "readers": "m-b-r-live"}
GROUP, TRANSACTION = 0, 1
FIND_COORDINATOR = 10


class Seen:
    """A view with nothing but eyes."""

    def __init__(self, eyes: ClusterEyes) -> None:
        self.eyes = eyes

    def lag(self, fleet: str) -> int | None:
        return None

    def fresh(self, fleet: str) -> int:
        raise AssertionError("nobody looks at this here")

    def written(self, topic: str) -> int:
        return 0


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalKafka]:
    """Three nodes with a topic, a group that has read, and a transactional id that is in use."""
    with LocalKafka(nodes=3, secure=True) as kafka:
        properties = {**kafka.client_properties(), "log_level": "0"}
        admin.create(properties, {NAMES["orders"]: Topic(partitions=3)})
        Producer({**properties, "transactional.id": "payments"}).init_transactions(60)
        consumer = Consumer({**properties, "group.id": NAMES["readers"]})
        consumer.subscribe([NAMES["orders"]])
        wait_until("the assignment", lambda: consumer.poll(0.1) is None and bool(consumer.assignment()), within=60)
        consumer.close()
        yield kafka


@pytest.fixture
def kafka(cluster: LocalKafka) -> Iterator[LocalKafka]:
    """The cluster, in sync before the test and left so."""
    yield cluster
    for node in cluster.nodes:
        if cluster.state(node) == "down":
            cluster.start(node)
        cluster.resume(node)
    cluster.wait_up()
    cluster.wait_in_sync(NAMES["orders"])


def eyes_of(kafka: LocalKafka, *, secure: bool = False) -> ClusterEyes:
    return ClusterEyes(kafka.client_properties(secure=secure), NAMES)


def coordinator(kafka: LocalKafka, key: str, kind: int) -> int:
    """What the first running broker says, by a request of our own."""
    node = kafka.running()[0]
    address = kafka.metadata(node).brokers[node]
    answer = exchange(address, header(FIND_COORDINATOR, 1) + string(key) + struct.pack(">b", kind), timeout=5)
    answer.int32()
    assert answer.int16() == 0
    answer.text()
    return answer.int32()


@pytest.mark.parametrize("secure", [False, True])
def test_eyes_see_what_each_broker_says(kafka: LocalKafka, secure: bool) -> None:
    eyes = eyes_of(kafka, secure=secure)
    said = {number: part for (_, number), part in kafka.metadata(1, NAMES["orders"]).partitions.items()}
    assert eyes.brokers() == (1, 2, 3)
    assert eyes.leaders("orders") == {number: part.leader for number, part in said.items()}
    assert eyes.replicas("orders") == {number: part.replicas for number, part in said.items()}
    assert {number: set(isr) for number, isr in eyes.in_sync("orders").items()} == {
        number: {1, 2, 3} for number in said
    }
    assert eyes.coordinator(group="readers") == coordinator(kafka, NAMES["readers"], GROUP)
    assert eyes.coordinator(group=NAMES["readers"]) == eyes.coordinator(group="readers")
    assert eyes.coordinator(transaction="payments") == coordinator(kafka, "payments", TRANSACTION)
    assert eyes.controller() in kafka.nodes
    assert len(eyes.leaders("__consumer_offsets")) == 4


def test_what_is_not_there_has_no_role(kafka: LocalKafka) -> None:
    eyes = eyes_of(kafka)
    with pytest.raises(KafkaError, match="group nobody"):
        eyes.coordinator(group="nobody")
    with pytest.raises(KafkaError, match="nobody says who coordinates the transactional id nothing"):
        eyes.coordinator(transaction="nothing")
    with pytest.raises(ValueError, match=r"topic 'odrers' is no field of the scenario; it has orders, readers"):
        eyes.leaders("odrers")
    with pytest.raises(KafkaError, match="topic gone is not there"):
        ClusterEyes(kafka.client_properties(), {"orders": "gone"}).leaders("orders")


def test_a_frozen_broker_does_not_keep_eyes_from_seeing(kafka: LocalKafka) -> None:
    eyes = eyes_of(kafka)
    for node in kafka.nodes:
        controller = eyes.controller()
        kafka.pause(node)
        wait_until("the fencing", lambda node=node: node not in eyes.brokers(), within=30)  # type: ignore[misc]
        for _ in range(3):  # a client begins with any server
            assert node not in eyes.leaders("orders").values()
            assert node == controller or eyes.controller() == controller
            assert eyes.coordinator(transaction="payments") != node
        assert not InSync("orders").holds(Seen(eyes))
        kafka.resume(node)
        wait_until("being in sync", lambda: InSync("orders").holds(Seen(eyes)), within=30)


def truth(kafka: LocalKafka) -> Mapping[str, int]:
    """Who has the roles, by other ways than the eyes'."""
    return {
        str(leader_of("orders", 1)): kafka.leader(NAMES["orders"], 1),
        str(group_coordinator("readers")): coordinator(kafka, NAMES["readers"], GROUP),
        str(transaction_coordinator("payments")): coordinator(kafka, "payments", TRANSACTION),
    }


@pytest.mark.parametrize(
    ("fault", "state"),
    [
        (Kill(leader_of("orders", 1)), "down"),
        (Kill(active_controller()), "down"),
        (Stop(group_coordinator("readers")), "down"),
        (Pause(transaction_coordinator("payments")), "paused"),
        (Pause(follower_of("orders")), "paused"),
        (Restart(any_broker()), "up"),
    ],
    ids=str,
)
def test_a_fault_befalls_whoever_has_the_role_and_is_healed(kafka: LocalKafka, fault: Fault, state: str) -> None:
    eyes = eyes_of(kafka)
    (node,) = nodes = fault.whom.nodes(eyes, 5)
    assert truth(kafka).get(str(fault.whom), node) == node
    before = kafka.pid(node)
    assert missing([type(fault)], kafka) == []
    fault.inject(kafka, nodes, at_most=120)
    assert kafka.state(node) == state
    if state != "up":
        assert not fault.healed(kafka, nodes)
        wait_until("a successor", lambda: _others(fault.whom, eyes, node), within=30)
    fault.heal(kafka, nodes)
    fault.heal(kafka, nodes)
    wait_until("the healing", lambda: fault.healed(kafka, nodes), within=60)
    assert (kafka.pid(node) == before) == isinstance(fault, Pause)
    wait_until("being in sync", lambda: InSync("orders").holds(Seen(eyes)), within=60)


def _others(role: Role, eyes: ClusterEyes, node: int) -> bool:
    """Whether only others have the role now."""
    try:
        return all(node not in role.nodes(eyes, draw) for draw in range(2))
    except KafkaError:
        return False


@pytest.mark.parametrize("fault", [Kill(share_of_brokers("67 %")), Pause(share_of_brokers("67 %"))], ids=str)
def test_an_injection_that_befell_one_of_two_is_healed(kafka: LocalKafka, fault: Fault) -> None:
    nodes = fault.whom.nodes(eyes_of(kafka), 1)
    assert len(nodes) == 2
    fault.inject(kafka, nodes[:1], at_most=120)
    fault.heal(kafka, nodes)
    wait_until("the healing", lambda: fault.healed(kafka, nodes), within=60)


@pytest.mark.parametrize("fault", ["Kill", "Stop", "Pause"])
def test_a_fault_ends_by_itself_when_the_driver_is_gone(kafka: LocalKafka, fault: str) -> None:
    before = kafka.pid(2)
    code = f"""
import os
from marathon_ray.faults.broker import {fault}
from marathon_ray.faults.roles import any_broker
from marathon_ray.kafka.existing import Existing
from marathon_ray.kafka.local import LocalKafka
{fault}(any_broker()).inject(kafka := LocalKafka.attach({kafka.name!r}), (2,), at_most=5)
print(kafka.state(2), flush=True)
os._exit(9)
"""
    gone = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (gone.returncode, gone.stdout) == (9, "paused\n" if fault == "Pause" else "down\n"), gone.stderr
    healed = Pause(any_broker()).healed  # it changes nothing
    wait_until("the end of the fault", lambda: healed(kafka, (2,)), within=60)
    assert (kafka.pid(2) == before) == (fault == "Pause")


def test_a_group_is_deleted_though_its_coordinator_moves_while_a_member_is_waited_for(
    kafka: LocalKafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = "m-b-r-moved"
    member = Consumer({**kafka.client_properties(), "group.id": group, "log_level": 0})
    member.subscribe([NAMES["orders"]])
    wait_until("the assignment", lambda: member.poll(0.1) is None and bool(member.assignment()), within=60)
    monkeypatch.setattr(admin, "_ANSWER", 2.0)
    with ThreadPoolExecutor(1) as pool:
        deleting = pool.submit(admin.delete_groups, kafka.client_properties(), [group], within=90)
        try:
            time.sleep(1)  # for it to have found whom to ask
            first = coordinator(kafka, group, GROUP)
            kafka.stop(first)
            kafka.start(first)
            kafka.wait_up()
            wait_until("another coordinator", lambda: coordinator(kafka, group, GROUP) not in (-1, first), within=30)
            assert not deleting.done()
        finally:
            member.close()
        deleting.result()
    assert group not in admin.groups(kafka.client_properties())


def test_a_running_cluster_is_taken_by_its_name_as_it_is_and_left_so(kafka: LocalKafka) -> None:
    kafka.kill(3)
    opened = open_cluster(kafka.name)
    assert (opened.ours, missing([Kill, Stop, Restart, Pause], opened.cluster)) == (False, [])
    taken = opened.acquire()
    assert taken.bootstrap() == kafka.bootstrap()
    Kill(any_broker()).heal(taken, (3,))
    opened.release()
    assert kafka.running() == [1, 2, 3]


def test_who_asks_is_answered_although_a_broker_was_just_killed(kafka: LocalKafka) -> None:
    kafka.kill(3)
    for _ in range(60):  # others may say for some seconds that it is the one to ask, each of them now and then
        Existing(kafka.client_properties()).require_answer(within=20)
    kafka.start(3)
    kafka.wait_up()


def test_an_address_or_a_file_with_a_secret_elsewhere_is_enough(
    kafka: LocalKafka, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert open_cluster(kafka.bootstrap()).acquire().client_properties() == kafka.client_properties()
    properties = kafka.client_properties(secure=True)
    monkeypatch.setenv("OUR_PASSWORD", properties.pop("sasl.password"))
    path = tmp_path / "secure.yaml"
    lines = [f"  {key}: {value}\n" for key, value in properties.items()]
    path.write_text("".join(["properties:\n", *lines, "  sasl.password: {env: OUR_PASSWORD}\n"]))
    taken = open_cluster(str(path)).acquire()
    assert taken.client_properties() == kafka.client_properties(secure=True)
    monkeypatch.setenv("OUR_PASSWORD", "hunter2")
    with pytest.raises(KafkaError, match="lets nobody in like that") as refused:
        open_cluster(str(path)).acquire()
    assert "hunter2" not in str(refused.value)


def test_a_cluster_that_is_made_for_a_run_is_gone_after_it(tmp_path: Path) -> None:
    path = tmp_path / "one.yaml"
    path.write_text("local: {nodes: 1}\nmay: [pause]\n")
    opened = open_cluster(str(path))
    cluster = opened.acquire()
    assert ClusterEyes(cluster.client_properties(), {}).brokers() == (1,)
    assert missing([Kill, Pause], cluster) == ["Kill: its nodes cannot be killed or started again"]
    fault = Pause(any_broker())
    fault.inject(cluster, (1,), at_most=60)
    assert not fault.healed(cluster, (1,))
    fault.heal(cluster, (1,))
    wait_until("the healing", lambda: fault.healed(cluster, (1,)), within=30)
    opened.release()
    with pytest.raises(KafkaError, match="is none"):
        open_cluster(opened.name)
    opened.release()
