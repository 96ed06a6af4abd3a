"""The parts of the lab that decide, without the lab."""

import socket

import pytest

from tests.kuberay.lab.changes import ours
from tests.kuberay.lab.environment import environment, expanded
from tests.kuberay.lab.jobs import pod_of
from tests.kuberay.lab.names import answer
from tests.kuberay.lab.node import addresses
from tests.kuberay.rendering import ROOT, Manifest, rendered

KNOWN = {"head.marathon.svc": ("10.0.0.7", "10.0.0.8"), "empty.svc": ()}
A, AAAA = b"\0\1", b"\0\x1c"


def asked(name: str, kind: bytes = A) -> bytes:
    """The answer to a question, as the resolvers of C and of gRPC put it, with a record of their own behind it."""
    labels = b"".join(bytes([len(each)]) + each.encode() for each in name.split("."))
    question = labels + b"\0" + kind + b"\0\1"
    extra = b"\0\0\x29\x10\0\0\0\0\0\0\0"
    reply = answer(b"\x12\x34\1\0\0\1\0\0\0\0\0\1" + question + extra, KNOWN)
    assert reply[:2] == b"\x12\x34"
    assert reply[12 : 12 + len(question)] == question
    return reply


def test_a_name_has_all_its_addresses_whatever_its_case() -> None:
    reply = asked("HEAD.marathon.svc")
    assert reply[3] & 0x0F == 0
    assert reply[4:12] == b"\0\1\0\2\0\0\0\0"
    assert reply.count(socket.inet_aton("10.0.0.7")) == reply.count(socket.inet_aton("10.0.0.8")) == 1


@pytest.mark.parametrize(("name", "kind"), [("head.marathon.svc", AAAA), ("empty.svc", A)])
def test_a_name_without_such_an_address_is_there_all_the_same(name: str, kind: bytes) -> None:
    reply = asked(name, kind)
    assert (reply[3] & 0x0F, reply[6:8]) == (0, b"\0\0")


def test_there_is_no_other_name() -> None:
    assert asked("head")[3] & 0x0F == 3


def test_a_service_is_called_as_its_pods_have_addresses() -> None:
    service = {"metadata": {"name": "head", "namespace": "marathon"}, "spec": {"selector": {"type": "head"}}}
    pods: list[Manifest] = [
        {"metadata": {"labels": {"type": "head", "more": "1"}}, "status": {"podIP": "10.0.0.7"}},
        {"metadata": {"labels": {"type": "head"}}, "status": {}},
        {"metadata": {"labels": {"type": "worker"}}, "status": {"podIP": "10.0.0.9"}},
    ]
    assert addresses([service], pods) == {"head.marathon.svc.cluster.local": ("10.0.0.7",)}


POD = {"metadata": {"name": "one", "labels": {"ray.io/group": "spot"}}, "status": {"podIP": "10.0.0.7"}}


def test_a_container_finds_what_its_manifest_names() -> None:
    said = [
        {"name": "GROUP", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['ray.io/group']"}}},
        {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
        {"name": "SECRET", "valueFrom": {"secretKeyRef": {"name": "none", "key": "k", "optional": True}}},
        {"name": "BOTH", "value": "$(GROUP)@$(IP) of $(HOME), $(NOBODY)"},
        {"name": "EMPTY"},
    ]
    found = environment({"env": said}, POD, {"HOME": "/home"})
    assert found == {
        "HOME": "/home", "GROUP": "spot", "IP": "10.0.0.7", "BOTH": "spot@10.0.0.7 of /home, $(NOBODY)", "EMPTY": "",
    }  # fmt: skip
    assert expanded("$(GROUP) $GROUP $(", found) == "spot $GROUP $("


@pytest.mark.parametrize("source", [{"secretKeyRef": {"name": "none"}}, {"resourceFieldRef": {"resource": "x"}}])
def test_a_source_that_the_lab_does_not_know_is_an_error(source: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="not a source"):
        environment({"env": [{"name": "X", "valueFrom": source}]}, POD, {})


def test_the_pod_of_a_job_is_owned_by_it() -> None:
    template = {"metadata": {"labels": {"a": "b"}, "creationTimestamp": None}, "spec": {"restartPolicy": "Never"}}
    job = {"metadata": {"name": "j", "namespace": "n", "uid": "u"}, "spec": {"template": template}}
    pod = pod_of(job)
    assert pod["metadata"]["labels"] == {"a": "b"}
    assert [owner["uid"] for owner in pod["metadata"]["ownerReferences"]] == ["u"]
    assert (pod["metadata"]["name"], pod["metadata"]["namespace"], pod["spec"]) == ("j-1", "n", template["spec"])


def test_the_lab_changes_the_size_of_a_group_and_the_plan_alone() -> None:
    theirs, mine = rendered(ROOT / "overlays" / "eks"), ours()
    changed = [(one, other) for one, other in zip(theirs, mine, strict=True) if one != other]
    assert [one["kind"] for one, _ in changed] == ["RayCluster", "ConfigMap"]
    cluster, lab = changed[0]
    assert lab["spec"]["workerGroupSpecs"][0].pop("minReplicas") == 2
    assert cluster["spec"]["workerGroupSpecs"][0].pop("minReplicas") == 0
    assert cluster == lab
