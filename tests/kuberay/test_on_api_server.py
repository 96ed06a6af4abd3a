"""A real Kubernetes API server, and a real kustomize, say the same of our manifests as the tests that need neither."""

import copy
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.kuberay import rules
from tests.kuberay.api_server import ApiServer
from tests.kuberay.control_plane import render
from tests.kuberay.rendering import CLOUDS, ROOT, Manifest, loaded, rendered

pytestmark = pytest.mark.on_kubernetes
OVERLAYS = {cloud: rendered(ROOT / "overlays" / cloud) for cloud in CLOUDS}


def ordered(objects: list[Manifest]) -> list[str]:
    return sorted(json.dumps(each, sort_keys=True) for each in objects)


def pod(template: Manifest) -> Manifest:
    """A pod of that template, as the operator would make it."""
    metadata = {**template["metadata"], "name": "tried", "namespace": "marathon"}
    spec = {"restartPolicy": "Never", **template["spec"]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


@pytest.mark.parametrize("folder", [*(f"overlays/{cloud}" for cloud in CLOUDS), "nightly", "monitoring"])
def test_kustomize_makes_the_same_of_a_folder(api_server: ApiServer, folder: str) -> None:
    assert ordered(loaded(render(ROOT / folder))) == ordered(rendered(ROOT / folder))


def test_the_folder_of_ones_own_in_the_docs_sets_image_and_plan(api_server: ApiServer, tmp_path: Path) -> None:
    shutil.copytree(ROOT, tmp_path / "marathon-ray" / "kuberay")
    mine = tmp_path / "mine"
    mine.mkdir()
    (own,) = re.findall(r"```yaml\n# mine/kustomization.yaml\n(.*?)```", (ROOT.parent / "docs/kuberay.md").read_text(), re.DOTALL)  # fmt: skip
    (mine / "kustomization.yaml").write_text(own)
    (mine / "plan.yaml").write_text("results: /var/lib/marathon/mine\n")
    objects = loaded(render(mine))
    images = {each["spec"]["containers"][0]["image"] for each in rules.pods(objects).values()}
    assert images == {"registry.example/marathon-ray:1"}
    assert rules.only(objects, "ConfigMap")["data"] == {"plan.yaml": "results: /var/lib/marathon/mine\n"}
    assert rules.complaints(objects, rules.CLOUDS["gke"]) == []


@pytest.mark.parametrize("cloud", CLOUDS)
def test_every_object_of_an_overlay_is_accepted(api_server: ApiServer, cloud: str) -> None:
    (namespace,) = loaded((ROOT / "namespace.yaml").read_text())
    namespace["metadata"]["name"] = (
        f"marathon-{cloud}"  # a claim's class cannot be changed, so each has a place of its own
    )
    assert api_server.apply(namespace).code == 201
    for each in (*copy.deepcopy(OVERLAYS[cloud]), *rendered(ROOT / "nightly")):
        each["metadata"]["namespace"] = namespace["metadata"]["name"]
        answer = api_server.apply(each)
        assert answer.code == 201, answer.message
        assert api_server.apply(each).code == 200  # once more is the same


def test_the_dashboard_is_accepted_and_what_the_server_has_no_kind_for_is_prometheus_own(api_server: ApiServer) -> None:
    (namespace,) = loaded((ROOT / "namespace.yaml").read_text())
    namespace["metadata"]["name"] = "marathon-monitoring"
    assert api_server.apply(namespace).code == 201
    objects = rendered(ROOT / "monitoring")
    for each in objects:
        each["metadata"]["namespace"] = namespace["metadata"]["name"]
    own = [each for each in objects if each["apiVersion"] != "monitoring.coreos.com/v1"]
    assert [each["kind"] for each in own] == ["ConfigMap"]
    assert {each["kind"] for each in objects if each not in own} == {"PodMonitor", "PrometheusRule"}
    answer = api_server.apply(own[0])
    assert answer.code == 201, answer.message


@pytest.mark.parametrize("cloud", CLOUDS)
@pytest.mark.parametrize("name", ["head", "spot", "fallback", "submitter"])
def test_every_pod_is_accepted_under_the_strictest_standard(api_server: ApiServer, cloud: str, name: str) -> None:
    answer = api_server.apply(pod(rules.pods(OVERLAYS[cloud])[name]), dry=True)
    assert answer.code == 201, answer.message


SPOT = ("spec", "workerGroupSpecs", 0)
RAY = (*SPOT, "template", "spec", "containers", 0)
REFUSED = {
    "a misspelt field": (("spec", "workerGroupSpec"), [], "field not declared in schema"),
    "a misspelt field in a container": ((*RAY, "lifecycle", "prestop"), {}, "field not declared in schema"),
    "a number in words": ((*SPOT, "maxReplicas"), "twenty", "expected numeric"),
    "a label that is no text": ((*SPOT, "labels", "ray.io/market-type"), 1, "expected string"),
    "an autoscaler that is none": (("spec", "autoscalerOptions", "version"), "v3", "Unsupported value"),
    "memory in no unit": ((*RAY, "resources", "limits", "memory"), "8GB", "should match"),
}


@pytest.mark.parametrize("wrong", REFUSED.values(), ids=REFUSED)
def test_a_wrong_cluster_is_refused(api_server: ApiServer, wrong: tuple[tuple[Any, ...], object, str]) -> None:
    path, value, why = wrong
    cluster = copy.deepcopy(rules.only(OVERLAYS["eks"], "RayCluster"))
    cluster["metadata"]["name"] = "wrong"
    put(cluster, path, value)
    answer = api_server.apply(cluster)
    assert answer.code >= 400
    assert why in answer.message


REFUSED_PODS = {
    "a taint's effect": (("tolerations", 0, "effect"), "NoShedule", "Unsupported value"),
    "a port's name": (("containers", 0, "ports", 0, "name"), "metrics-of-the-worker", "must be no more than 15"),
    "no image": (("containers", 0, "image"), "", "Required value"),
    "a volume that is not there": (("containers", 0, "volumeMounts"), [{"name": "x", "mountPath": "/x"}], "Not found"),
    "root": (("securityContext", "runAsNonRoot"), False, "runAsNonRoot"),
    "capabilities": (("containers", 0, "securityContext", "capabilities"), {}, "unrestricted capabilities"),
    "a host's folder": (("volumes",), [{"name": "x", "hostPath": {"path": "/"}}], "restricted volume types"),
}


@pytest.mark.parametrize("wrong", REFUSED_PODS.values(), ids=REFUSED_PODS)
def test_a_wrong_pod_is_refused(api_server: ApiServer, wrong: tuple[tuple[Any, ...], object, str]) -> None:
    path, value, why = wrong
    made = copy.deepcopy(pod(rules.pods(OVERLAYS["eks"])["spot"]))
    put(made["spec"], path, value)
    answer = api_server.apply(made, dry=True)
    assert answer.code >= 400
    assert why in answer.message


def put(at: Any, path: tuple[Any, ...], value: object) -> None:
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
