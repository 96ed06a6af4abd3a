"""What no schema says of a Ray cluster on spot: the operator tells it too late, in an event, or nobody ever does."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml

Manifest = dict[str, Any]
MARKET: Final = "ray.io/market-type"
NAME: Final = re.compile(r"[a-z]([a-z0-9-]{0,45}[a-z0-9])?")
SPOT: Final = {
    "eks.amazonaws.com/capacityType": "SPOT",
    "karpenter.sh/capacity-type": "spot",
    "cloud.google.com/gke-spot": "true",
    "kubernetes.azure.com/scalesetpriority": "spot",
}
HEALTH: Final = {"period_ms": "1000", "timeout_ms": "2000", "failure_threshold": "3"}
FAREWELL: Final = "kill -INT 1 -1"  # which ends a pod: `ray start --block`, whether first or waited for by a shell
_LOCK: Final = Path(__file__).parents[2] / "requirements.lock"


class Cloud(NamedTuple):
    """How it calls a spot node, how long a pod on one may take to go, and how it taints one, if it always does."""

    label: str
    seconds: int
    taint: str = ""


CLOUDS: Final = {
    "eks": Cloud("eks.amazonaws.com/capacityType", 115),
    "karpenter": Cloud("karpenter.sh/capacity-type", 115),
    "gke": Cloud("cloud.google.com/gke-spot", 15),
    "aks": Cloud("kubernetes.azure.com/scalesetpriority", 28, "kubernetes.azure.com/scalesetpriority"),
}


def only(objects: list[Manifest], kind: str) -> Manifest:
    (found,) = (each for each in objects if each["kind"] == kind)
    return found


def pods(objects: list[Manifest]) -> dict[str, Manifest]:
    """All pod templates by what they are for: head, the groups' names, submitter."""
    spec = only(objects, "RayCluster")["spec"]
    groups = {group["groupName"]: group["template"] for group in spec["workerGroupSpecs"]}
    submitter = only(objects, "RayJob")["spec"]["submitterPodTemplate"]
    return {"head": spec["headGroupSpec"]["template"], **groups, "submitter": submitter}


def complaints(objects: list[Manifest], cloud: Cloud) -> list[str]:
    """What is wrong, one line each."""
    cluster = only(objects, "RayCluster")
    return [
        *_of_cluster(cluster),
        *_of_head(cluster["spec"]["headGroupSpec"]),
        *_of_groups(cluster["spec"]["workerGroupSpecs"], cloud),
        *(line for group in cluster["spec"]["workerGroupSpecs"] for line in _of_leaving(group, cloud)),
        *_of_job(objects),
        *_of_names(objects),
    ]


def _of_cluster(cluster: Manifest) -> Iterator[str]:
    spec = cluster["spec"]
    if not NAME.fullmatch(cluster["metadata"]["name"]):
        yield "the operator refuses the name"
    if not spec.get("enableInTreeAutoscaling") or spec["autoscalerOptions"].get("version") != "v2":
        yield "autoscaler v2 it must be"
    if f"ray=={spec['rayVersion']} " not in _LOCK.read_text():
        yield f"the image does not have Ray {spec['rayVersion']}"
    for group in (spec["headGroupSpec"], *spec["workerGroupSpecs"]):
        if group["template"]["spec"].get("restartPolicy", "Never") != "Never":
            yield "with autoscaler v2 a pod is never restarted"
        if group.get("resources") and {"num-cpus", "memory", "resources"} & set(group["rayStartParams"]):
            yield "resources stand at two places"


def _of_head(head: Manifest) -> Iterator[str]:
    (ray,) = head["template"]["spec"]["containers"]
    env = {each["name"]: each.get("value") for each in ray["env"]}
    if "RAY_enable_autoscaler_v2" in env:
        yield "the version of the autoscaler stands at two places"
    if any(env.get(f"RAY_health_check_{name}") != value for name, value in HEALTH.items()):
        yield "a lost node is noticed late"
    if head["rayStartParams"].get("num-cpus") != "0" or head["labels"].get(MARKET) != "on-demand":
        yield "the head has room for workers"
    if not _keeps_off_spot(head["template"]):
        yield "the head may land on spot"


def _keeps_off_spot(template: Manifest) -> bool:
    affinity = template["spec"].get("affinity", {}).get("nodeAffinity", {})
    terms = affinity.get("requiredDuringSchedulingIgnoredDuringExecution", {}).get("nodeSelectorTerms", ())
    wanted = {(key, "NotIn", value) for key, value in SPOT.items()}
    return bool(terms) and all(
        wanted == {(each["key"], each["operator"], *each["values"]) for each in term["matchExpressions"]}
        for term in terms
    )


def _of_groups(groups: list[Manifest], cloud: Cloud) -> Iterator[str]:
    spot = [group for group in groups if group["labels"].get(MARKET) == "spot"]
    dear = [group for group in groups if group["labels"].get(MARKET) == "on-demand"]
    if len({group["groupName"] for group in groups}) < len(groups) or len(spot) + len(dear) < len(groups):
        yield "each group has a name of its own and says what it costs"
    if not spot or not dear or min(each["priority"] for each in spot) <= max(each["priority"] for each in dear):
        yield "spot comes first"
    if len({str(group["template"]["spec"]["containers"][0]["resources"]) for group in groups}) > 1:
        yield "Ray would choose by size and not by priority"
    if any(group["template"]["spec"].get("nodeSelector") != {cloud.label: SPOT[cloud.label]} for group in spot):
        yield "a group for spot may land elsewhere"
    if not all(_keeps_off_spot(group["template"]) for group in dear):
        yield "a group on demand may land on spot"
    for group in groups:
        if not 0 == group.get("minReplicas", -1) <= group.get("maxReplicas", -1):
            yield "none stays for nothing, and least is not more than most"


def _of_leaving(group: Manifest, cloud: Cloud) -> Iterator[str]:
    pod = group["template"]["spec"]
    (ray,) = pod["containers"]
    grace, command = pod["terminationGracePeriodSeconds"], ray["lifecycle"]["preStop"]["exec"]["command"][-1]
    leave = next(int(each["value"]) for each in ray["env"] if each["name"] == "LEAVE_SECONDS")
    asks = re.match(
        r'timeout (\d+) ray drain-node --address "\$RAY_ADDRESS" .*PREEMPTION .*; timeout "\$LEAVE', command
    )
    if not asks or leave < 5:
        yield "a pod that must go does not tell Ray, or leaves at once"
    elif int(asks[1]) + leave >= grace:
        yield "a pod is killed before it has left"
    if not command.endswith(FAREWELL):
        yield "a pod that was left stays until it is killed"
    tolerated = {each["key"]: each for each in pod["tolerations"]}
    for key in ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"):
        if not 30 <= tolerated.get(key, {}).get("tolerationSeconds", 300) <= 60:
            yield "a pod on a dead node stays for five minutes"
    if group["labels"].get(MARKET) == "spot":
        if grace > cloud.seconds:
            yield "the node is gone before the pod has left"
        if cloud.taint and cloud.taint not in tolerated:
            yield "no pod lands on spot nodes, which are tainted"


def _of_job(objects: list[Manifest]) -> Iterator[str]:
    job, cluster = only(objects, "RayJob"), only(objects, "RayCluster")
    spec = job["spec"]
    if spec["clusterSelector"] != {"ray.io/cluster": cluster["metadata"]["name"]}:
        yield "the job is for another cluster"
    if spec.get("backoffLimit") != 0 or spec.get("ttlSecondsAfterFinished") or spec.get("suspend"):
        yield "a job on a cluster that stands has no retry, no end of life and no suspension"
    wait = yaml.safe_load(spec["runtimeEnvYAML"]).get("env_vars", {}).get("RAY_JOB_STOP_WAIT_TIME_S", "3")
    if int(wait) < 60:
        yield "a run that is stopped has no time to mend what it broke"
    head = cluster["spec"]["headGroupSpec"]["template"]["spec"]
    mounts = {each["mountPath"]: each["name"] for each in head["containers"][0]["volumeMounts"]}
    plan = spec["entrypoint"].removeprefix("marathon serve ").removesuffix(" --wait")
    held = only(objects, "ConfigMap")["data"].get(Path(plan).name)
    if mounts.get(str(Path(plan).parent)) != "plan" or held is None:
        yield f"there is no {plan} on the head"
    elif mounts.get(str(Path(yaml.safe_load(held)["results"]).parent)) != "results":
        yield "results would go with the head"


def _of_names(objects: list[Manifest]) -> Iterator[str]:
    """What a pod names must be there; pods carry the label that the network's rule is about; none holds a token in vain."""
    there = {(each["kind"], each["metadata"]["name"]) for each in objects}
    guarded = only(objects, "NetworkPolicy")["spec"]["podSelector"]["matchLabels"]
    for name, pod in pods(objects).items():
        named = {("ServiceAccount", pod["spec"]["serviceAccountName"])}
        for volume in pod["spec"].get("volumes", ()):
            named |= {("ConfigMap", volume["configMap"]["name"])} if "configMap" in volume else set()
            claim = volume.get("persistentVolumeClaim")
            named |= {("PersistentVolumeClaim", claim["claimName"])} if claim else set()
        if missing := named - there:
            yield f"{name}: no {missing}"
        if not guarded.items() <= pod["metadata"]["labels"].items():
            yield f"{name}: anybody may reach it"
        if name != "head" and pod["spec"].get("automountServiceAccountToken") is not False:
            yield f"{name}: holds a token for Kubernetes"
    if len({pod["spec"]["containers"][0]["image"] for pod in pods(objects).values()}) > 1:
        yield "head, workers and submitter have different images"
