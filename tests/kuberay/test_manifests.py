"""The manifests for KubeRay: schemas closed against unknown fields, and our own rules, of which each was seen to bite."""

import copy
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from marathon_ray.catalogue import find
from marathon_ray.finding import FindingKind
from marathon_ray.metrics import Metrics
from marathon_ray.news import KINDS, Kind
from marathon_ray.outcome import Outcome
from marathon_ray.rotation.checking import read
from marathon_ray.rotation.finishing import finishing
from tests.kuberay import rules, schema
from tests.kuberay.rendering import CLOUDS, ROOT, Manifest, rendered

OVERLAYS = {cloud: rendered(ROOT / "overlays" / cloud) for cloud in CLOUDS}
NIGHTLY, MONITORING = rendered(ROOT / "nightly"), rendered(ROOT / "monitoring")


@pytest.mark.parametrize("cloud", CLOUDS)
def test_an_overlay_keeps_every_rule(cloud: str) -> None:
    assert rules.complaints(OVERLAYS[cloud], rules.CLOUDS[cloud]) == []


@pytest.mark.parametrize("cloud", CLOUDS)
def test_an_overlay_keeps_to_the_schemas(cloud: str) -> None:
    ours = [each for each in OVERLAYS[cloud] if each["apiVersion"] == "ray.io/v1"]
    assert {each["kind"] for each in ours} == {"RayCluster", "RayJob"}
    assert [line for each in ours for line in schema.violations(each)] == []


def test_what_comes_every_night_keeps_to_the_schema_and_to_the_jobs_rules() -> None:
    (cron,) = NIGHTLY
    assert schema.violations(cron) == []
    job = {"kind": "RayJob", "metadata": cron["metadata"], "spec": copy.deepcopy(cron["spec"]["jobTemplate"])}
    cluster = [each for each in OVERLAYS["eks"] if each["kind"] != "RayJob"]
    found = rules.complaints([*cluster, job], rules.CLOUDS["eks"])
    assert found == [f"there is no {job['spec']['entrypoint']} on the head"]  # it plays a scenario, and no plan
    assert find(job["spec"]["entrypoint"].split()[2])


def test_the_plan_is_one_that_can_be_served(tmp_path: Path) -> None:
    (tmp_path / "plan.yaml").write_text(rules.only(OVERLAYS["eks"], "ConfigMap")["data"]["plan.yaml"])
    plan = read(tmp_path / "plan.yaml", refuse=lambda _: None)
    assert [entry.run for entry in plan.scenarios] == ["steady-write", "catch-up-read"]
    assert (plan.ray, plan.results) == ("auto", "/var/lib/marathon/results")


def test_nothing_is_made_outside_the_namespace() -> None:
    namespace = yaml.safe_load((ROOT / "namespace.yaml").read_text())["metadata"]["name"]
    for each in (*NIGHTLY, *MONITORING, *(each for objects in OVERLAYS.values() for each in objects)):
        assert each["metadata"]["namespace"] == namespace


def _set(kind: str, path: str, value: object) -> Callable[[list[Manifest]], None]:
    """A path is dotted; a number is an index."""

    def plant(objects: list[Manifest]) -> None:
        at: Any = rules.only(objects, kind)
        *steps, last = (int(step) if step.isdecimal() else step for step in path.split("/"))
        for step in steps:
            at = at[step]
        if value is None:
            del at[last]
        else:
            at[last] = value

    return plant


STAYS = 'timeout 8 ray drain-node --address "$RAY_ADDRESS" --reason PREEMPTION ; timeout "$LEAVE_SECONDS" sleep 90'
SPEC, GROUP = "spec/workerGroupSpecs", "spec/workerGroupSpecs/0/template/spec"
HEAD = "spec/headGroupSpec/template/spec"
WRONG = {
    "a long name": _set("RayCluster", "metadata/name", "m" * 60),
    "autoscaler v1": _set("RayCluster", "spec/autoscalerOptions/version", "v1"),
    "no autoscaler": _set("RayCluster", "spec/enableInTreeAutoscaling", value=False),
    "another Ray": _set("RayCluster", "spec/rayVersion", "2.59.0"),
    "a pod that is restarted": _set("RayCluster", f"{HEAD}/restartPolicy", "Always"),
    "resources twice": _set("RayCluster", "spec/headGroupSpec/resources", {"CPU": "0"}),
    "v2 by env": _set("RayCluster", f"{HEAD}/containers/0/env/0/name", "RAY_enable_autoscaler_v2"),
    "slow checks": _set("RayCluster", f"{HEAD}/containers/0/env/1/value", "10000"),
    "room on the head": _set("RayCluster", "spec/headGroupSpec/rayStartParams/num-cpus", "2"),
    "a head anywhere": _set("RayCluster", f"{HEAD}/affinity", None),
    "a head on GKE's spot": _set(
        "RayCluster",
        f"{HEAD}/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms/0/matchExpressions/2",
        {"key": "cloud.google.com/gke-spot", "operator": "NotIn", "values": [True]},
    ),
    "two groups of one name": _set("RayCluster", f"{SPEC}/1/groupName", "spot"),
    "a fallback first": _set("RayCluster", f"{SPEC}/1/priority", 20),
    "a larger fallback": _set("RayCluster", f"{SPEC}/1/template/spec/containers/0/resources/limits/cpu", "8"),
    "spot anywhere": _set("RayCluster", f"{GROUP}/nodeSelector", {}),
    "another cloud's spot": _set("RayCluster", f"{GROUP}/nodeSelector", {"cloud.google.com/gke-spot": "false"}),
    "a fallback anywhere": _set("RayCluster", f"{SPEC}/1/template/spec/affinity", None),
    "least above most": _set("RayCluster", f"{SPEC}/0/minReplicas", 30),
    "no least": _set("RayCluster", f"{SPEC}/0/minReplicas", None),
    "no label": _set("RayCluster", f"{SPEC}/0/labels", {}),
    "no farewell": _set("RayCluster", f"{GROUP}/containers/0/lifecycle/preStop/exec/command", ["sleep", "90"]),
    "stays for nothing": _set("RayCluster", f"{GROUP}/containers/0/lifecycle/preStop/exec/command/2", STAYS),
    "killed before it left": _set("RayCluster", f"{GROUP}/terminationGracePeriodSeconds", 15),
    "gone before it left": _set("RayCluster", f"{GROUP}/terminationGracePeriodSeconds", 600),
    "five minutes on a dead node": _set("RayCluster", f"{GROUP}/tolerations/3", {"key": "x"}),
    "another cluster's job": _set("RayJob", "spec/clusterSelector", {"ray.io/cluster": "marathons"}),
    "a job that is tried again": _set("RayJob", "spec/backoffLimit", 3),
    "a job that ends itself": _set("RayJob", "spec/ttlSecondsAfterFinished", 60),
    "killed after three seconds": _set("RayJob", "spec/runtimeEnvYAML", "{}"),
    "no plan": _set("RayJob", "spec/entrypoint", "marathon serve /etc/marathon/plans.yaml"),
    "results on the head": _set("ConfigMap", "data/plan.yaml", "results: /home/marathon/results"),
    "no such account": _set("RayJob", "spec/submitterPodTemplate/spec/serviceAccountName", "default"),
    "no such claim": _set("PersistentVolumeClaim", "metadata/name", "results"),
    "open to anybody": _set("NetworkPolicy", "spec/podSelector/matchLabels", {"ray.io/cluster": "other"}),
    "a token in vain": _set("RayCluster", f"{GROUP}/automountServiceAccountToken", None),
    "two images": _set("RayCluster", f"{GROUP}/containers/0/image", "rayproject/ray"),
}


@pytest.mark.parametrize("plant", WRONG.values(), ids=WRONG)
def test_each_mistake_is_found(plant: Callable[[list[Manifest]], None]) -> None:
    objects = copy.deepcopy(OVERLAYS["eks"])
    plant(objects)
    assert rules.complaints(objects, rules.CLOUDS["eks"])


def test_a_pod_of_aks_that_bears_no_taint_is_found() -> None:
    objects = copy.deepcopy(OVERLAYS["aks"])
    del rules.pods(objects)["spot"]["spec"]["tolerations"][1]
    assert rules.complaints(objects, rules.CLOUDS["aks"]) == ["no pod lands on spot nodes, which are tainted"]


@pytest.mark.parametrize(
    "plant",
    [
        _set("RayCluster", "spec/workerGroupSpec", []),
        _set("RayCluster", f"{GROUP}/containers/0/lifecycle/prestop", {}),
        _set("RayCluster", f"{SPEC}/0/maxReplicas", "twenty"),
        _set("RayCluster", "spec/autoscalerOptions/version", "v3"),
        _set("RayCluster", f"{HEAD}/containers/0/resources/limits/memory", "8GB"),
    ],
)
def test_the_closed_schema_refuses_it(plant: Callable[[list[Manifest]], None]) -> None:
    objects = copy.deepcopy(OVERLAYS["gke"])
    plant(objects)
    assert len(schema.violations(rules.only(objects, "RayCluster"))) == 1


def _asked() -> list[str]:
    """Every question to Prometheus, of rules and of the dashboard."""
    groups = rules.only(MONITORING, "PrometheusRule")["spec"]["groups"]
    board = json.loads(rules.only(MONITORING, "ConfigMap")["data"]["marathon.json"])
    shown = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    shown += [each["query"] for each in board["templating"]["list"] if each["type"] == "query"]
    return [rule["expr"] for group in groups for rule in group["rules"]] + shown


def test_rules_and_dashboard_ask_for_metrics_and_labels_that_there_are() -> None:
    metrics = _metrics()
    for expression in _asked():
        assert expression.count("(") == expression.count(")")
        assert expression.count("{") == expression.count("}")
        for name, labels in re.findall(r"(marathon_\w+)(\{[^}]*\})?", expression):
            assert set(re.findall(r"(\w+)\s*(?:=~|=|!~|!=)\s*\"", labels)) <= metrics[name], expression
        for labels in re.findall(r"by \(([^)]*)\)", expression):
            assert set(labels.split(", ")) <= set().union(*metrics.values())
        for kinds in re.findall(r'kind=~"([^"]+)"', expression):
            assert set(kinds.split("|")) <= set(FindingKind)


def test_prometheus_calls_for_interruptions_when_the_rotation_itself_does() -> None:
    (rule,) = (each for group in rules.only(MONITORING, "PrometheusRule")["spec"]["groups"] for each in group["rules"] if each["alert"] == "MarathonInterruptedTooOften")  # fmt: skip
    (counted,) = set(re.findall(r"(marathon_events_total)\{([^}]*)\}", rule["expr"]))
    labels = dict(re.findall(r'(\w+)="([^"]*)"', counted[1]))
    often, board, ends = [], Metrics(), [Outcome.PASSED]
    for end in (*[Outcome.INTERRUPTED] * 3, *[Outcome.PASSED] * 2):
        ends.append(end)
        if news := finishing("steady-write", ends):
            board.accept(news)
        often.append(board.registry.get_sample_value(counted[0], labels) or 0)
    assert often == [0, 0, 1, 2, 2]  # 3 of 4, 3 of 5, and over with 3 of 6
    assert rule["labels"]["severity"] == labels["severity"] == KINDS[Kind.OFTEN_INTERRUPTED][0]


def _metrics() -> dict[str, set[str]]:
    """The labels that each name has which Prometheus is given."""
    given = Metrics().registry._collector_to_names.items()
    return {name: set(each._labelnames) for each, names in given for name in names[1:] or names}  # type: ignore[attr-defined]


def test_prometheus_asks_at_the_port_at_which_the_driver_answers() -> None:
    ports = {each["name"]: each["containerPort"] for each in rules.pods(OVERLAYS["eks"])["head"]["spec"]["containers"][0]["ports"]}  # fmt: skip
    asked = {end["port"] for each in MONITORING if each["kind"] == "PodMonitor" for end in each["spec"]["podMetricsEndpoints"]}  # fmt: skip
    allowed = {each["port"] for rule in rules.only(OVERLAYS["eks"], "NetworkPolicy")["spec"]["ingress"] for each in rule.get("ports", ())}  # fmt: skip
    plan = yaml.safe_load(rules.only(OVERLAYS["eks"], "ConfigMap")["data"]["plan.yaml"])
    assert f"0.0.0.0:{ports['marathon']}" == plan["metrics"]
    assert asked == {"marathon", "metrics"}
    assert {ports[name] for name in asked} | {ports["dashboard"]} == allowed


def test_the_image_has_what_it_copies_and_the_python_that_is_allowed() -> None:
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    copied = {source for line in lines if line.startswith("COPY ") and "--from" not in line for source in line.split()[1:-1]}  # fmt: skip
    kept = {line[1:] for line in (ROOT / "Dockerfile.dockerignore").read_text().splitlines() if line.startswith("!")}
    assert copied == kept
    assert all((ROOT.parent / each).exists() for each in copied)
    assert {line.split()[1] for line in lines if line.startswith("FROM ")} == {"python:3.11.14-slim-bookworm"}
    assert "--require-hashes" in "".join(lines)
    assert "USER 1000" in lines


@pytest.mark.parametrize("path", sorted(ROOT.rglob("*.yaml")), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_file_holds_a_secret(path: Path) -> None:
    assert not re.search(r"(?i)password: *[^{ ]|BEGIN [A-Z ]*KEY|kind: Secret", path.read_text())
